use std::fmt;
use std::sync::Arc;

use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use async_nats::jetstream::consumer::{Consumer, DeliverPolicy};
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{DirectGetError, DirectGetErrorKind};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use switchboard::address::ActorAddress;
use switchboard::broker::SendErrorKind;
use switchboard::dead_letters::DeadLetterReason;
use switchboard::message::{Message, MessageEnvelope};
use thiserror::Error;
use tokio::time::Instant;

use super::Durable;
use super::parcel::{Epitaph, Parcel, split};
use crate::node::Node;
use crate::wire;

/// Why a message that was to be delivered at least once was not handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ClusterReason {
    /// For a reason that it could have had in memory as well.
    Unhandled(DeadLetterReason),
    /// It can't be read: it is of another version or type, or no message at all. Its bytes are kept.
    Unreadable(String),
    /// Node after node had it and did not say what became of it, as when it ends the process.
    GivenUp,
}

/// The dead letters of the cluster: all nodes see the same. They are kept by the server, as long as
/// [`max_age`](crate::DurableOptions::max_age) says.
pub struct ClusterDeadLetters<M: Message> {
    node: Arc<Node<M>>,
}

/// One of them.
#[derive(Debug)]
#[non_exhaustive]
pub struct ClusterDeadLetter<M> {
    /// By which it is redriven or removed. Later ones have larger numbers.
    pub number: u64,
    /// Where it was sent, if that can be read.
    pub to: Option<ActorAddress>,
    /// Why it is dead.
    pub reason: ClusterReason,
    /// What its handler said, or how it panicked.
    pub cause: Option<String>,
    /// How often a handler began with it on the node that gave it up.
    pub attempts: u32,
    /// When that was.
    pub at: DateTime<Utc>,
    /// The message and its header, if they can be read.
    pub envelope: Option<MessageEnvelope<M>>,
    /// As it was stored.
    pub raw: Bytes,
}

/// Why nothing can be said of dead letters, or done with them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ClusterDeadLettersError {
    /// The server did not do it.
    #[error("the server did not answer ({0}): try again when the connection is back")]
    Unavailable(String),
    /// It can't be sent again, as where it was to go can't be read.
    #[error("dead letter {0} can't be sent again, as its address can't be read: read its bytes, and remove it")]
    Unreadable(u64),
    /// It was not accepted.
    #[error("dead letter {number} was not accepted ({kind}): it stays where it is, try again later")]
    Refused {
        /// Which.
        number: u64,
        /// Why.
        kind: SendErrorKind,
    },
}

/// Dead letters as they come: see [`ClusterDeadLetters::follow`].
pub struct FollowedLetters<M> {
    letters: Ordered,
    message: std::marker::PhantomData<fn() -> M>,
}

type Result<T> = std::result::Result<T, ClusterDeadLettersError>;

impl<M: Message + Serialize + DeserializeOwned> ClusterDeadLetters<M> {
    pub(crate) fn new(node: Arc<Node<M>>) -> Option<Self> {
        node.durable.is_some().then_some(Self { node })
    }

    /// Those with larger numbers than `after`, the oldest first, and no more than `most`. Begin with 0, and go on with the number
    /// of the last.
    ///
    /// # Errors
    ///
    /// If the server does not answer.
    pub async fn list(&self, after: u64, most: usize) -> Result<Vec<ClusterDeadLetter<M>>> {
        let mut letters = Vec::new();
        let mut after = after;
        while letters.len() < most {
            let Some(stored) = self.next(after).await? else { break };
            after = stored.sequence;
            letters.extend(letter(stored.sequence, &stored.payload));
        }
        Ok(letters)
    }

    /// Those that come from now on, from whichever node.
    ///
    /// # Errors
    ///
    /// If the server does not answer.
    pub async fn follow(&self) -> Result<FollowedLetters<M>> {
        let config = OrderedConfig { deliver_policy: DeliverPolicy::New, ..OrderedConfig::default() };
        let consumer: Consumer<OrderedConfig> =
            self.durable()?.dead.create_consumer(config).await.map_err(unavailable)?;
        let letters = consumer.messages().await.map_err(unavailable)?;
        Ok(FollowedLetters { letters, message: std::marker::PhantomData })
    }

    /// Sends one again to where it was to go, as a message that was never handled, and removes it. False if it is not there, as
    /// when somebody else was quicker.
    ///
    /// # Errors
    ///
    /// If the server does not answer, or nobody is there to take it, or where it was to go can't be read. It stays then.
    pub async fn redrive(&self, number: u64) -> Result<bool> {
        let Some(stored) = self.get(number).await? else { return Ok(false) };
        let raw = split::<Epitaph>(&stored.payload).map_err(|_| ClusterDeadLettersError::Unreadable(number))?.1;
        let to = split::<Parcel>(raw).map_err(|_| ClusterDeadLettersError::Unreadable(number))?.0.to;
        let refused = |kind| ClusterDeadLettersError::Refused { number, kind };
        self.node.is_anybody(&to).await.map_err(refused)?;
        let durable = self.durable()?;
        // Two who redrive it at once store it once.
        let id = format!("redriven.{number}");
        let until = Instant::now() + durable.options.ack_wait;
        let raw = stored.payload.slice_ref(raw);
        durable.store(self.node.subjects.work_for(&to), raw, &id, until).await.map_err(refused)?;
        self.remove(number).await.map(|_| true)
    }

    /// Sends all of up to `most` again that are there now, and says how many. Those that can't be sent stay.
    ///
    /// # Errors
    ///
    /// If the server does not answer. Some may have been sent then.
    pub async fn redrive_all(&self, most: usize) -> Result<usize> {
        let (mut redriven, mut after) = (0, 0);
        while redriven < most {
            let Some(stored) = self.next(after).await? else { break };
            after = stored.sequence;
            match self.redrive(after).await {
                Ok(is_there) => redriven += usize::from(is_there),
                Err(error @ ClusterDeadLettersError::Unavailable(_)) => return Err(error),
                Err(error) => tracing::debug!(%error, "a dead letter stays"),
            }
        }
        Ok(redriven)
    }

    /// Removes one. False if it is not there.
    ///
    /// # Errors
    ///
    /// If the server does not answer.
    pub async fn remove(&self, number: u64) -> Result<bool> {
        if self.get(number).await?.is_none() {
            return Ok(false);
        }
        self.durable()?.dead.delete_message(number).await.map_err(unavailable)
    }

    fn durable(&self) -> Result<&Durable> {
        self.node.durable.as_ref().ok_or_else(|| unavailable("nothing is stored"))
    }

    async fn get(&self, number: u64) -> Result<Option<StreamMessage>> {
        if_found(self.durable()?.dead.direct_get(number).await)
    }

    async fn next(&self, after: u64) -> Result<Option<StreamMessage>> {
        let subjects = self.node.subjects.dead(">");
        if_found(self.durable()?.dead.direct_get_next_for_subject(subjects, Some(after + 1)).await)
    }
}

/// Nothing, if that is what was found.
fn if_found(found: std::result::Result<StreamMessage, DirectGetError>) -> Result<Option<StreamMessage>> {
    match found {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
        Err(error) => Err(unavailable(error)),
    }
}

fn unavailable(error: impl fmt::Display) -> ClusterDeadLettersError {
    ClusterDeadLettersError::Unavailable(error.to_string())
}

/// Reads a dead letter. `None` for what is none.
fn letter<M: Message + DeserializeOwned>(number: u64, payload: &Bytes) -> Option<ClusterDeadLetter<M>> {
    let (Epitaph { reason, cause, attempts, at }, raw) = split(payload).ok()?;
    let parcel = split::<Parcel>(raw).ok();
    let envelope = parcel.as_ref().and_then(|(_, body)| wire::decode(body).ok());
    Some(ClusterDeadLetter {
        number,
        to: parcel.map(|(parcel, _)| parcel.to),
        reason,
        cause,
        attempts,
        at: DateTime::from_timestamp_millis(at).unwrap_or_default(),
        envelope,
        raw: payload.slice_ref(raw),
    })
}

impl<M: Message + DeserializeOwned> FollowedLetters<M> {
    /// The next one. `None` when the connection is closed for good.
    ///
    /// # Errors
    ///
    /// If the server does not answer. What comes meanwhile comes afterwards.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, none is lost.
    pub async fn next(&mut self) -> Option<Result<ClusterDeadLetter<M>>> {
        loop {
            let message = match self.letters.next().await? {
                Ok(message) => message,
                Err(error) => return Some(Err(unavailable(error))),
            };
            let number = message.info().map_or(0, |info| info.stream_sequence);
            if let Some(letter) = letter(number, &message.payload) {
                return Some(Ok(letter));
            }
        }
    }
}

impl fmt::Display for ClusterReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unhandled(reason) => reason.fmt(f),
            Self::Unreadable(why) => write!(f, "it can't be read: {}", why.escape_debug()),
            Self::GivenUp => f.pad("node after node had it and did not say what became of it"),
        }
    }
}

impl<M: Message> fmt::Debug for ClusterDeadLetters<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterDeadLetters").finish_non_exhaustive()
    }
}

impl<M> fmt::Debug for FollowedLetters<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowedLetters").finish_non_exhaustive()
    }
}
