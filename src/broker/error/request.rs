use std::fmt;

use super::{Ran, SendErrorKind};
use crate::address::ActorAddress;
use crate::message::MessageEnvelope;
use crate::requests::Ended;

/// Why a request has no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestErrorKind {
    /// The message was not accepted.
    NotSent(SendErrorKind),
    /// An actor asked itself while handling a message, which it can't answer before it is done.
    WouldDeadlock,
    /// As many requests are in flight as there can be.
    TooMany,
    /// The deadline passed.
    TimedOut,
    /// The handler let go of the request without replying.
    NoReply,
    /// The handler returned an error, with this text.
    HandlerFailed(Box<str>),
    /// The handler panicked, with this cause.
    HandlerPanicked(Box<str>),
    /// The actor stopped after it had accepted the message.
    ActorStopped,
    /// The message made room for another in a full mailbox.
    Evicted,
}

impl fmt::Display for RequestErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(kind) => kind.fmt(f),
            Self::WouldDeadlock => f.write_str(
                "an actor that waits for its own reply would wait for ever: send the request from outside its handler",
            ),
            Self::TooMany => f.write_str("too many requests are in flight: wait for some of them"),
            Self::TimedOut => f.write_str("no reply before the deadline: give it more time, or look at what keeps it"),
            Self::NoReply => f.write_str("the handler ended without replying: make it reply to this message"),
            Self::HandlerFailed(text) => write!(f, "the handler failed: {text}"),
            Self::HandlerPanicked(cause) => write!(f, "the handler panicked: {cause}"),
            Self::ActorStopped => f.write_str("the actor stopped: spawn it again, or ask elsewhere"),
            Self::Evicted => f.write_str("the message made room for another: ask again, or give the mailbox more room"),
        }
    }
}

impl From<SendErrorKind> for RequestErrorKind {
    fn from(kind: SendErrorKind) -> Self {
        match kind {
            // Whichever wait it was that took too long, to the caller it is the same deadline.
            SendErrorKind::Expired | SendErrorKind::TimedOut => Self::TimedOut,
            kind => Self::NotSent(kind),
        }
    }
}

/// A request without a reply: why, whether a handler may have run, and the message if it was not accepted.
pub struct RequestError<M> {
    kind: RequestErrorKind,
    ran: Ran,
    to: ActorAddress,
    envelope: Option<MessageEnvelope<M>>,
}

impl<M> RequestError<M> {
    pub(crate) fn refused(
        kind: RequestErrorKind,
        to: ActorAddress,
        envelope: Option<MessageEnvelope<M>>,
    ) -> Self {
        Self {
            kind,
            ran: Ran::Never,
            to,
            envelope,
        }
    }

    pub(crate) fn ended(ended: Ended, to: ActorAddress) -> Self {
        let (kind, begun) = match ended {
            Ended::TimedOut { begun } => (RequestErrorKind::TimedOut, begun),
            Ended::NoReply => (RequestErrorKind::NoReply, true),
            Ended::Failed(text) => (RequestErrorKind::HandlerFailed(text), true),
            Ended::Panicked(cause) => (RequestErrorKind::HandlerPanicked(cause), true),
            Ended::Stopped { begun } => (RequestErrorKind::ActorStopped, begun),
            Ended::Evicted => (RequestErrorKind::Evicted, false),
        };
        let ran = if begun { Ran::Maybe } else { Ran::Never };
        Self {
            kind,
            ran,
            to,
            envelope: None,
        }
    }

    /// Why there is no reply.
    pub fn kind(&self) -> &RequestErrorKind {
        &self.kind
    }

    /// Who was asked.
    pub fn address(&self) -> &ActorAddress {
        &self.to
    }

    /// Whether a handler may have begun with it.
    pub fn ran(&self) -> Ran {
        self.ran
    }

    /// Whether the deadline passed.
    pub fn is_timeout(&self) -> bool {
        self.kind == RequestErrorKind::TimedOut
    }

    /// Whether there was no room for the message.
    pub fn is_full(&self) -> bool {
        self.kind == RequestErrorKind::NotSent(SendErrorKind::Full)
    }

    /// Whether asking again a little later may succeed, and can't make a handler do its work twice.
    pub fn is_retryable(&self) -> bool {
        self.ran == Ran::Never
            && match &self.kind {
                RequestErrorKind::NotSent(kind) => kind.is_retryable(),
                RequestErrorKind::TooMany
                | RequestErrorKind::TimedOut
                | RequestErrorKind::ActorStopped
                | RequestErrorKind::Evicted => true,
                _ => false,
            }
    }

    /// The message and its header, if it was not accepted. One that was and did not run is a dead letter.
    pub fn into_envelope(self) -> Option<MessageEnvelope<M>> {
        self.envelope
    }

    /// The message, if it was not accepted.
    pub fn into_inner(self) -> Option<M> {
        self.envelope.map(MessageEnvelope::into_message)
    }
}

impl<M> fmt::Debug for RequestError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestError")
            .field("kind", &self.kind)
            .field("ran", &self.ran)
            .field("to", &self.to)
            .finish()
    }
}

impl<M> fmt::Display for RequestError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no reply from `{}` ({}): {}",
            self.to, self.ran, self.kind
        )
    }
}

impl<M> std::error::Error for RequestError<M> {}
