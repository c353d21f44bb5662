use std::fmt;

use super::Ran;
use crate::address::ActorAddress;
use crate::message::MessageEnvelope;

/// Why a message was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendErrorKind {
    /// Nobody is registered at the address.
    NoSuchActor,
    /// The service or pool has no living member.
    NoMembers,
    /// There was no room, and waiting for it was not asked for or could never end.
    Full,
    /// There was no room within the block limit or before the message's deadline.
    TimedOut,
    /// The message's deadline had passed before it was sent.
    Expired,
    /// The actor has stopped, or is about to.
    ActorStopped,
    /// The broker is shut down.
    ShutDown,
}

impl SendErrorKind {
    /// Whether the same message may be accepted if it is sent again a little later.
    pub const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::NoSuchActor | Self::NoMembers | Self::Full | Self::TimedOut | Self::ActorStopped
        )
    }

    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::NoSuchActor => "nobody is registered there: register or spawn the actor first",
            Self::NoMembers => "it has no living member: spawn one, or send later",
            Self::Full => "the mailbox is full: wait for room with `send`, or send later",
            Self::TimedOut => {
                "the mailbox stayed full for as long as the message could wait: send later"
            }
            Self::Expired => "the deadline had passed before it was sent: give it more time",
            Self::ActorStopped => "the actor has stopped: spawn it again, or send elsewhere",
            Self::ShutDown => "the broker is shut down: nothing can be sent any more",
        }
    }
}

impl fmt::Display for SendErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

/// A message that was not accepted, and why. No handler sees it; it is inside.
///
/// ```
/// # use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
/// # use switchboard::message::Message;
/// # #[derive(Debug, PartialEq)]
/// # struct Note(&'static str);
/// # impl Message for Note {
/// #     const MESSAGE_TYPE: &'static str = "note";
/// # }
/// use switchboard::broker::SendErrorKind;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let broker = InMemoryMessageBroker::new();
/// let error = broker.send(&"named:nobody".parse()?, Note("hello")).await.unwrap_err();
///
/// assert_eq!(error.kind(), SendErrorKind::NoSuchActor);
/// assert_eq!(
///     error.to_string(),
///     "could not send to `named:nobody`: nobody is registered there: register or spawn the actor first"
/// );
/// assert_eq!(error.into_inner(), Note("hello"));
/// # Ok(())
/// # }
/// ```
pub struct SendError<M> {
    kind: SendErrorKind,
    to: ActorAddress,
    envelope: MessageEnvelope<M>,
}

impl<M> SendError<M> {
    pub(crate) fn new(kind: SendErrorKind, to: ActorAddress, envelope: MessageEnvelope<M>) -> Self {
        Self { kind, to, envelope }
    }

    /// Why it was not accepted.
    pub fn kind(&self) -> SendErrorKind {
        self.kind
    }

    /// Where it was to go.
    pub fn address(&self) -> &ActorAddress {
        &self.to
    }

    /// Always [`Ran::Never`].
    pub fn ran(&self) -> Ran {
        Ran::Never
    }

    /// Whether there was no room, be it at once or for as long as the sender was willing to wait.
    pub fn is_full(&self) -> bool {
        matches!(self.kind, SendErrorKind::Full | SendErrorKind::TimedOut)
    }

    /// Whether the same message may be accepted if it is sent again a little later.
    pub fn is_retryable(&self) -> bool {
        self.kind.is_retryable()
    }

    /// The message and its header.
    pub fn envelope(&self) -> &MessageEnvelope<M> {
        &self.envelope
    }

    /// The message and its header, to send them again.
    pub fn into_envelope(self) -> MessageEnvelope<M> {
        self.envelope
    }

    /// The message.
    pub fn into_inner(self) -> M {
        self.envelope.into_message()
    }

    pub(crate) fn into_parts(self) -> (SendErrorKind, ActorAddress, MessageEnvelope<M>) {
        (self.kind, self.to, self.envelope)
    }
}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError")
            .field("kind", &self.kind)
            .field("to", &self.to)
            .field("message", &self.envelope.id())
            .finish()
    }
}

impl<M> fmt::Display for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not send to `{}`: {}", self.to, self.kind)
    }
}

impl<M> std::error::Error for SendError<M> {}
