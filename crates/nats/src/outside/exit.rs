use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{StatusCode, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::address::ActorAddress;
use switchboard::broker::{Ran, RequestError, RequestErrorKind, SendError, SendErrorKind};
use switchboard::message::{Message, MessageEnvelope};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::place::{self, Verb};
use super::said::Said;
use crate::node::Node;
use crate::subjects::key_of;
use crate::waiting::{Answer, Waiting};
use crate::wire::{self, WireFormat};

/// How long another program may take to say that it has accepted a message that has no deadline.
const TELL_TIMEOUT: Duration = Duration::from_secs(5);

/// What a node has for other programs.
pub(crate) struct Outside {
    waiting: Arc<Waiting>,
    closing: watch::Sender<bool>,
}

/// What came back from another program.
enum Back {
    Said(Bytes),
    /// None listens there.
    Nobody,
    /// Nothing did, so it may have run.
    Nothing,
}

impl Outside {
    pub(crate) fn new() -> Self {
        Self { waiting: Arc::default(), closing: watch::Sender::new(false) }
    }

    /// Takes nothing more from other programs.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// No answer comes any more.
    pub(crate) fn lose(&self) {
        self.waiting.lose(|_| true);
    }
}

impl<M: Message + Serialize + DeserializeOwned> Node<M> {
    /// Offers a message that nobody of the cluster can take to another program, if one listens there.
    pub(crate) async fn tell_outside(&self, error: SendError<M>) -> Result<(), SendError<M>> {
        let (to, until) = (error.address().clone(), error.envelope().deadline());
        let Some(bytes) = self.offered(&to, error.envelope()) else {
            return Err(error);
        };
        let until = until.unwrap_or_else(|| Instant::now() + TELL_TIMEOUT);
        let kind = match self.offer(Verb::Tell, &to, bytes, Some(until)).await {
            Back::Nobody => return Err(error),
            Back::Nothing => SendErrorKind::Unconfirmed,
            Back::Said(bytes) => match Said::read(&bytes) {
                Some(Said::Accepted(true)) => return Ok(()),
                Some(Said::Error(problem)) => problem.send_kind(),
                // What it says is not understood.
                _ => SendErrorKind::Unconfirmed,
            },
        };
        Err(SendError::new(kind, to, error.into_envelope()))
    }

    /// The same for a request. Its answer is waited for until the deadline, or as long as this broker waits for any.
    pub(crate) async fn ask_outside(
        &self,
        to: &ActorAddress,
        kind: SendErrorKind,
        mut envelope: MessageEnvelope<M>,
        timeout: Option<Duration>,
    ) -> Result<M, RequestError<M>> {
        let refused = |kind: RequestErrorKind, envelope| Err(RequestError::refused(kind, to.clone(), envelope));
        if let (None, Some(timeout)) = (envelope.deadline(), timeout) {
            envelope = envelope.within(timeout);
        }
        let Some(bytes) = self.offered(to, &envelope) else {
            return refused(kind.into(), envelope);
        };
        let (kind, ran) = match self.offer(Verb::Ask, to, bytes, envelope.deadline()).await {
            Back::Nobody => (kind.into(), Ran::Never),
            Back::Nothing => (RequestErrorKind::TimedOut, Ran::Maybe),
            Back::Said(bytes) => match answer(&bytes) {
                Ok(answer) => return Ok(answer),
                Err(why) => why,
            },
        };
        if ran == Ran::Never { refused(kind, envelope) } else { Err(RequestError::unanswered(kind, ran, to.clone())) }
    }

    /// Listens to what other programs answer.
    pub(crate) async fn hear_back(self: Arc<Self>, mut back: Subscriber) {
        while let Some(message) = back.next().await {
            let Some(key) = key_of(&message.subject) else { continue };
            let answer = match message.status {
                Some(StatusCode::NO_RESPONDERS) => Answer::Nobody,
                _ => Answer::Outside(message.payload),
            };
            self.outside.waiting.end(key, None, answer);
        }
    }

    /// The envelope as it is offered, if it may be.
    fn offered(&self, to: &ActorAddress, envelope: &MessageEnvelope<M>) -> Option<Bytes> {
        let is_id = matches!(to, ActorAddress::Id(_));
        if is_id || envelope.is_at_least_once() || !self.is_connected() {
            return None;
        }
        let bytes = wire::encode(envelope, WireFormat::Json, &self.source);
        bytes.ok().filter(|bytes| bytes.len() <= self.max_bytes)
    }

    async fn offer(&self, verb: Verb, to: &ActorAddress, bytes: Bytes, until: Option<Instant>) -> Back {
        let mut pending = self.outside.waiting.open(self.id);
        let back = self.subjects.back(self.id, pending.key);
        let subject = self.subjects.outward(&place::write(verb, to));
        if self.client.publish_with_reply(subject, back, bytes).await.is_err() {
            return Back::Nobody;
        }
        let answer = match until {
            None => Ok(pending.answer().await),
            Some(until) => timeout_at(until, pending.answer()).await,
        };
        match answer {
            Ok(Answer::Outside(bytes)) => Back::Said(bytes),
            Ok(Answer::Nobody) => Back::Nobody,
            Ok(Answer::Said(..) | Answer::Lost) | Err(_) => Back::Nothing,
        }
    }
}

fn answer<M: Message + DeserializeOwned>(bytes: &[u8]) -> Result<M, (RequestErrorKind, Ran)> {
    match Said::read(bytes) {
        Some(Said::Error(problem)) => Err(problem.request_kind()),
        Some(Said::Accepted(_)) => Err((RequestErrorKind::NoReply, Ran::Maybe)),
        None => wire::decode(bytes).map(MessageEnvelope::into_message).map_err(|error| {
            tracing::warn!(%error, "the answer of another program can't be read");
            (RequestErrorKind::NoReply, Ran::Maybe)
        }),
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").finish_non_exhaustive()
    }
}
