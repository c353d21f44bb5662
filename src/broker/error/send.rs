use std::fmt;

use serde::{Deserialize, Serialize};

use super::Ran;
use crate::address::ActorAddress;
use crate::limits::{LimitError, Table};
use crate::message::MessageEnvelope;
use crate::retry::Failure;

/// Why a message was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SendErrorKind {
    /// Nobody is registered at the address.
    NoSuchActor,
    /// The service or pool has no living member.
    NoMembers,
    /// There was no room, and waiting for it was not asked for or could never end. Also where a message's routing key is
    /// still with a member that has [left](crate::balancing#order). Of a service or pool, a message is offered to sixteen full
    /// members at most.
    Full,
    /// There was no room within the block limit or before the message's deadline.
    TimedOut,
    /// The message was given no time at all: a timeout of zero, or a deadline that had passed when it was set.
    Expired,
    /// The actor has stopped, or is about to.
    ActorStopped,
    /// As many messages are scheduled, or as many senders wait for room in the mailbox, as may be.
    TooMany(LimitError),
    /// The broker is shut down.
    ShutDown,
    /// The broker can't reach its server, or may not act for the actor just now.
    Disconnected,
    /// The message is larger than the broker can carry.
    TooLarge,
    /// The broker does not do what the message asks for, or can't write it.
    NotOffered,
    /// The message was sent to another machine, and whether it was accepted there can't be said any more.
    Unconfirmed,
}

impl SendErrorKind {
    /// Whether the same message may be accepted if it is sent again a little later.
    pub const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::NoSuchActor
                | Self::NoMembers
                | Self::Full
                | Self::TimedOut
                | Self::ActorStopped
                | Self::TooMany(_)
                | Self::Disconnected
        )
    }

    /// What a retry policy has to say about.
    pub(crate) const fn failure(self) -> Option<Failure> {
        match self {
            Self::Full | Self::TimedOut | Self::TooMany(_) => Some(Failure::Full),
            Self::NoSuchActor | Self::NoMembers | Self::Disconnected => Some(Failure::Nobody),
            Self::ActorStopped => Some(Failure::Stopped),
            Self::Expired | Self::ShutDown | Self::TooLarge | Self::NotOffered | Self::Unconfirmed => None,
        }
    }

    /// Whether there is nobody to send to: no such actor, or no member of the group.
    pub const fn is_nobody(self) -> bool {
        matches!(self, Self::NoSuchActor | Self::NoMembers)
    }

    /// Whether a handler may have run.
    pub const fn ran(self) -> Ran {
        match self {
            Self::Unconfirmed => Ran::Maybe,
            _ => Ran::Never,
        }
    }

    /// The limit that was reached, if that is why.
    pub const fn limit(self) -> Option<LimitError> {
        match self {
            Self::TooMany(limit) => Some(limit),
            _ => None,
        }
    }

    /// Whether there was no room in the mailbox.
    pub(super) const fn is_full(self) -> bool {
        matches!(self, Self::Full | Self::TimedOut | Self::TooMany(LimitError { table: Table::Senders, .. }))
    }
}

impl From<LimitError> for SendErrorKind {
    fn from(limit: LimitError) -> Self {
        Self::TooMany(limit)
    }
}

impl fmt::Display for SendErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::TooMany(limit) => return limit.fmt(f),
            Self::NoSuchActor => "nobody is registered there: register or spawn the actor first",
            Self::NoMembers => "it has no living member: spawn one, or send later",
            Self::Full => "the mailbox is full: wait for room with `send`, or send later",
            Self::TimedOut => "the mailbox stayed full for as long as the message could wait: send later",
            Self::Expired => "its deadline had passed before it was sent: give it more time",
            Self::ActorStopped => "the actor has stopped: spawn it again, or send elsewhere",
            Self::ShutDown => "the broker is shut down: nothing can be sent any more",
            Self::Disconnected => "the broker can't reach its server: send again when it is connected",
            Self::TooLarge => "the message is larger than the broker can carry: send a reference to it instead",
            Self::NotOffered => "the broker does not offer what the message asks for: see its documentation",
            Self::Unconfirmed => {
                "it can't be said whether it was accepted: send it again only if it may be handled twice"
            }
        })
    }
}

impl std::error::Error for SendErrorKind {}

/// A message that was not accepted, and why. It is inside, and no handler sees it, unless the error [says](Self::ran) that
/// one may have.
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
    // Behind a pointer, so that a `Result` of it is one word: what is accepted need not pay for the room that a refusal
    // would take.
    refused: Box<Refused<M>>,
}

struct Refused<M> {
    kind: SendErrorKind,
    to: ActorAddress,
    envelope: MessageEnvelope<M>,
}

impl<M> SendError<M> {
    /// A refusal of this message, for those who write a broker or wrap one.
    pub fn new(kind: SendErrorKind, to: ActorAddress, mut envelope: MessageEnvelope<M>) -> Self {
        envelope.leave_sender();
        Self { refused: Box::new(Refused { kind, to, envelope }) }
    }

    /// Why it was not accepted.
    pub fn kind(&self) -> SendErrorKind {
        self.refused.kind
    }

    /// Where it was to go.
    pub fn address(&self) -> &ActorAddress {
        &self.refused.to
    }

    /// Whether a handler may have run: never, unless the kind is [`SendErrorKind::Unconfirmed`].
    pub fn ran(&self) -> Ran {
        self.refused.kind.ran()
    }

    /// Whether there was no room, be it at once or for as long as the sender was willing to wait.
    pub fn is_full(&self) -> bool {
        self.refused.kind.is_full()
    }

    /// Whether the same message may be accepted if it is sent again a little later.
    pub fn is_retryable(&self) -> bool {
        self.refused.kind.is_retryable()
    }

    /// The limit that was reached, if that is why.
    pub fn limit(&self) -> Option<LimitError> {
        self.refused.kind.limit()
    }

    /// The message and its header.
    pub fn envelope(&self) -> &MessageEnvelope<M> {
        &self.refused.envelope
    }

    /// The message and its header, to send them again.
    pub fn into_envelope(self) -> MessageEnvelope<M> {
        self.refused.envelope
    }

    /// The message.
    pub fn into_inner(self) -> M {
        self.refused.envelope.into_message()
    }

    pub(crate) fn into_parts(self) -> (SendErrorKind, ActorAddress, MessageEnvelope<M>) {
        let Refused { kind, to, envelope } = *self.refused;
        (kind, to, envelope)
    }
}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError")
            .field("kind", &self.refused.kind)
            .field("to", &self.refused.to)
            .field("message", &self.refused.envelope.id())
            .finish()
    }
}

impl<M> fmt::Display for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not send to `{}`: {}", self.refused.to, self.refused.kind)
    }
}

impl<M> std::error::Error for SendError<M> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    #[derive(Debug, PartialEq)]
    struct Note(u64);

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    /// Every kind: its text, whether it was for want of room, and whether sending again may help.
    const KINDS: [(SendErrorKind, &str, bool, bool); 13] = [
        (SendErrorKind::TooMany(LimitError::new(Table::Senders, 3)), "too many senders waiting", true, true),
        (SendErrorKind::TooMany(LimitError::new(Table::Scheduled, 3)), "too many scheduled", false, true),
        (SendErrorKind::NoSuchActor, "nobody is registered there", false, true),
        (SendErrorKind::NoMembers, "it has no living member", false, true),
        (SendErrorKind::Full, "the mailbox is full", true, true),
        (SendErrorKind::TimedOut, "the mailbox stayed full", true, true),
        (SendErrorKind::Expired, "its deadline had passed before it was sent", false, false),
        (SendErrorKind::ActorStopped, "the actor has stopped", false, true),
        (SendErrorKind::ShutDown, "the broker is shut down", false, false),
        (SendErrorKind::Disconnected, "the broker can't reach its server", false, true),
        (SendErrorKind::TooLarge, "the message is larger than the broker can carry", false, false),
        (SendErrorKind::NotOffered, "the broker does not offer what the message asks for", false, false),
        (SendErrorKind::Unconfirmed, "it can't be said whether it was accepted", false, false),
    ];

    fn error(kind: SendErrorKind) -> SendError<Note> {
        let envelope = MessageEnvelope::new(Note(7)).with_metadata("trace", "abc");
        SendError::new(kind, ActorAddress::named("desk").unwrap(), envelope)
    }

    #[test]
    fn each_kind_says_what_happened_and_what_to_do_about_it() {
        for (kind, text, ..) in KINDS {
            let whole = kind.to_string();
            assert!(whole.starts_with(text) && whole.contains(": "), "{whole}");
            assert_eq!(error(kind).to_string(), format!("could not send to `named:desk`: {whole}"));
            assert!(kind.limit().is_some() || format!("{kind:>100}").len() == 100);
            assert_eq!(error(kind).limit(), kind.limit());
        }
    }

    #[test]
    fn each_kind_says_whether_there_was_no_room_and_whether_to_try_again() {
        for (kind, _, full, retryable) in KINDS {
            let error = error(kind);
            assert_eq!((error.kind(), error.is_full(), error.is_retryable()), (kind, full, retryable), "{kind:?}");
            assert_eq!(kind.is_retryable(), retryable);
            assert_eq!(kind.failure().is_some(), retryable);
            let unconfirmed = kind == SendErrorKind::Unconfirmed;
            assert_eq!(error.ran(), if unconfirmed { Ran::Maybe } else { Ran::Never });
        }
    }

    #[test]
    fn the_message_comes_back_with_its_header() {
        let error = error(SendErrorKind::Full);
        let id = error.envelope().id();
        assert_eq!(error.address(), &ActorAddress::named("desk").unwrap());
        assert!(format!("{error:?}").contains(&format!("{id:?}")));
        let (kind, to, envelope) = error.into_parts();
        assert_eq!((kind, to.to_string().as_str(), envelope.id()), (SendErrorKind::Full, "named:desk", id));
        let again = SendError::new(kind, to, envelope).into_envelope();
        assert_eq!((again.id(), again.metadata("trace")), (id, Some("abc")));
        assert_eq!(self::error(SendErrorKind::Full).into_inner(), Note(7));
    }
}
