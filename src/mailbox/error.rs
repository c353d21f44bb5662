use std::fmt;

use thiserror::Error;

use crate::message::MessageEnvelope;

/// A mailbox was asked for with room for no message at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a mailbox needs room for at least one message: ask for a capacity of 1 or more, or for an unbounded one")]
pub struct CapacityError;

/// Why a mailbox refused a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MailboxErrorKind {
    /// There was no room.
    Full,
    /// There was no room within the block limit or before the message's deadline.
    TimedOut,
    /// There was no room, and as many senders wait for it as may.
    LineFull,
    /// The mailbox is closed, or its receiver is gone.
    Closed,
}

/// A message that a mailbox refused, and why. The message is inside.
pub struct MailboxError<M> {
    kind: MailboxErrorKind,
    envelope: MessageEnvelope<M>,
}

impl<M> MailboxError<M> {
    pub(crate) fn new(kind: MailboxErrorKind, envelope: MessageEnvelope<M>) -> Self {
        Self { kind, envelope }
    }

    /// Why it was refused.
    pub fn kind(&self) -> MailboxErrorKind {
        self.kind
    }

    /// Whether there was no room, be it at once or for as long as the sender was willing to wait.
    pub fn is_full(&self) -> bool {
        matches!(self.kind, MailboxErrorKind::Full | MailboxErrorKind::TimedOut | MailboxErrorKind::LineFull)
    }

    /// Whether the mailbox is closed.
    pub fn is_closed(&self) -> bool {
        self.kind == MailboxErrorKind::Closed
    }

    /// The message, with its header.
    pub fn into_envelope(self) -> MessageEnvelope<M> {
        self.envelope
    }

    /// The message.
    pub fn into_inner(self) -> M {
        self.envelope.into_message()
    }

    pub(crate) fn into_parts(self) -> (MailboxErrorKind, MessageEnvelope<M>) {
        (self.kind, self.envelope)
    }
}

impl<M> fmt::Debug for MailboxError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailboxError").field("kind", &self.kind).field("message", &self.envelope.id()).finish()
    }
}

impl<M> fmt::Display for MailboxError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            MailboxErrorKind::Full => "the mailbox is full: wait, or send later",
            MailboxErrorKind::TimedOut => "the mailbox stayed full for as long as the message could wait: send later",
            MailboxErrorKind::LineFull => "too many senders wait for room in the mailbox: send later",
            MailboxErrorKind::Closed => "the mailbox is closed: its receiver will take nothing more",
        })
    }
}

impl<M> std::error::Error for MailboxError<M> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    #[derive(Debug, PartialEq)]
    struct Note(u64);

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    #[test]
    fn each_kind_has_its_text_and_says_whether_there_was_no_room() {
        for (kind, text, full, closed) in [
            (MailboxErrorKind::Full, "the mailbox is full: ", true, false),
            (MailboxErrorKind::TimedOut, "the mailbox stayed full ", true, false),
            (MailboxErrorKind::LineFull, "too many senders wait ", true, false),
            (MailboxErrorKind::Closed, "the mailbox is closed: ", false, true),
        ] {
            let error = MailboxError::new(kind, MessageEnvelope::new(Note(7)));
            assert!(error.to_string().starts_with(text), "{error}");
            assert_eq!((error.kind(), error.is_full(), error.is_closed()), (kind, full, closed));
            assert!(format!("{error:?}").contains(&format!("{kind:?}")));
        }
    }

    #[test]
    fn the_message_comes_back_with_or_without_its_header() {
        let envelope = MessageEnvelope::new(Note(7));
        let id = envelope.id();
        let error = MailboxError::new(MailboxErrorKind::Full, envelope);
        let envelope = error.into_envelope();
        assert_eq!(envelope.id(), id);
        assert_eq!(MailboxError::new(MailboxErrorKind::Full, envelope).into_inner(), Note(7));
    }

    #[test]
    fn a_mailbox_without_room_says_what_to_ask_for() {
        assert!(CapacityError.to_string().ends_with("ask for a capacity of 1 or more, or for an unbounded one"));
    }
}
