//! A message is given to the server, which keeps it until it has been handled.

use std::time::Duration;

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::address::ActorAddress;
use switchboard::broker::{SendError, SendErrorKind};
use switchboard::message::{Message, MessageEnvelope};
use tokio::time::{Instant, timeout_at};

use super::Durable;
use super::parcel::{Parcel, join};
use crate::connection::PAUSE;
use crate::node::Node;
use crate::sending::Way;

/// For how long a message without a deadline is given to the server again, if it does not confirm that it has it. Electing a
/// leader takes some seconds.
const STORE_TIMEOUT: Duration = Duration::from_secs(15);

/// What the server said of an attempt to store something.
enum Stored {
    Yes,
    /// It has not got it.
    No(SendErrorKind),
    /// It may have got it, so it is to be tried with the same id.
    Unknown,
}

impl<M: Message + Serialize + DeserializeOwned> Node<M> {
    /// Whether a message to this address goes by way of the stream.
    pub(crate) fn is_stored(&self, to: &ActorAddress, envelope: &MessageEnvelope<M>) -> bool {
        // An id does not outlive its process, which all that waits for it in memory does not either.
        self.durable.is_some() && envelope.is_at_least_once() && !matches!(to, ActorAddress::Id(_))
    }

    /// Has the server keep a message until it has been handled. When this is done, it is.
    pub(crate) async fn store(&self, to: &ActorAddress, envelope: MessageEnvelope<M>) -> Result<(), SendError<M>> {
        let (parcel, body) = (Parcel { to: to.clone(), retry: envelope.retry_policy() }, self.encoded(&envelope));
        let (id, deadline) = (format!("{}.{to}", envelope.id()), envelope.deadline());
        let stored = async {
            self.is_anybody(to).await?;
            let payload = join(&parcel, &body?);
            if payload.len() > self.max_bytes {
                return Err(SendErrorKind::TooLarge);
            }
            let durable = self.durable.as_ref().ok_or(SendErrorKind::NotOffered)?;
            let until = deadline.unwrap_or_else(|| Instant::now() + STORE_TIMEOUT);
            durable.store(self.subjects.work_for(to), payload, &id, until).await
        };
        stored.await.map_err(|kind| SendError::new(kind, to.clone(), envelope))
    }

    /// Whether somebody would take it: what nobody is there for is refused at once, as in memory.
    pub(super) async fn is_anybody(&self, to: &ActorAddress) -> Result<(), SendErrorKind> {
        if *self.leaving.borrow() {
            return Err(SendErrorKind::ShutDown);
        }
        if !self.is_connected() {
            return Err(SendErrorKind::Disconnected);
        }
        match self.way(to).await? {
            Way::Here if !self.local.registry().contains(to) => {
                Err(if to.is_group() { SendErrorKind::NoMembers } else { SendErrorKind::NoSuchActor })
            }
            _ => Ok(()),
        }
    }
}

impl Durable {
    /// Gives it to the server until that has it, always as the same message.
    pub(crate) async fn store(
        &self,
        subject: String,
        payload: Bytes,
        id: &str,
        until: Instant,
    ) -> Result<(), SendErrorKind> {
        if until <= Instant::now() {
            return Err(SendErrorKind::Expired);
        }
        let mut is_in_doubt = false;
        loop {
            match timeout_at(until, self.store_once(subject.clone(), payload.clone(), id)).await {
                Ok(Stored::Yes) => return Ok(()),
                Ok(Stored::No(kind)) if !is_in_doubt => return Err(kind),
                Ok(Stored::No(_) | Stored::Unknown) if Instant::now() + PAUSE < until => {}
                Ok(_) | Err(_) => return Err(SendErrorKind::Unconfirmed),
            }
            is_in_doubt = true;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn store_once(&self, subject: String, payload: Bytes, id: &str) -> Stored {
        let publish = PublishMessage::build().payload(payload).message_id(id);
        let error = match self.context.send_publish(subject, publish).await {
            Ok(confirmed) => match confirmed.await {
                Ok(_) => return Stored::Yes,
                Err(error) => error,
            },
            Err(error) => error,
        };
        match error.kind() {
            PublishErrorKind::MaxPayloadExceeded => Stored::No(SendErrorKind::TooLarge),
            // The texts of the server's errors 10077 and 10047; what else it says may be over in a moment.
            PublishErrorKind::Other if error.to_string().contains("maximum") => Stored::No(SendErrorKind::Full),
            _ => {
                tracing::debug!(error = %error.to_string().escape_debug(), "a message is not stored yet");
                Stored::Unknown
            }
        }
    }
}
