use std::fmt;

use super::{SendError, SendErrorKind};
use crate::broker::Caller;
use crate::message::MessageEnvelope;

/// Why a request was not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ForwardErrorKind {
    /// Nobody asked, or the answer has been given, or its token taken.
    NotAsked,
    /// The other actor did not take it. Whoever forwarded it may still answer.
    NotSent(SendErrorKind),
}

/// A request that was not forwarded. The message is inside, and so is the caller, who still waits.
pub struct ForwardError<M> {
    kind: ForwardErrorKind,
    caller: Option<Caller>,
    envelope: MessageEnvelope<M>,
}

impl<M> ForwardError<M> {
    pub(crate) fn not_asked(mut envelope: MessageEnvelope<M>) -> Self {
        envelope.leave_sender();
        Self { kind: ForwardErrorKind::NotAsked, caller: None, envelope }
    }

    /// The error where the other actor did not take it, for those who write a broker or wrap one. The caller, if there is
    /// one, still waits.
    pub fn not_sent(error: SendError<M>, caller: Option<Caller>) -> Self {
        let (kind, _, envelope) = error.into_parts();
        Self { kind: ForwardErrorKind::NotSent(kind), caller, envelope }
    }

    /// Why.
    pub fn kind(&self) -> ForwardErrorKind {
        self.kind
    }

    /// Takes the caller, who still waits. It must be answered or declined.
    pub fn take_caller(&mut self) -> Option<Caller> {
        self.caller.take()
    }

    /// The message and its header.
    pub fn into_envelope(self) -> MessageEnvelope<M> {
        self.envelope
    }

    /// The message.
    pub fn into_inner(self) -> M {
        self.envelope.into_message()
    }
}

impl<M> fmt::Debug for ForwardError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardError").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl<M> fmt::Display for ForwardError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ForwardErrorKind::NotAsked => {
                f.write_str("nobody waits for an answer to this message: send it instead of forwarding it")
            }
            ForwardErrorKind::NotSent(kind) => write!(f, "could not forward: {kind}"),
        }
    }
}

impl<M> std::error::Error for ForwardError<M> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::ActorAddress;
    use crate::message::Message;

    #[derive(Debug, PartialEq)]
    struct Note(u64);

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    fn envelope() -> MessageEnvelope<Note> {
        MessageEnvelope::new(Note(7)).with_reply_to(ActorAddress::named("back").unwrap())
    }

    fn unsent(kind: SendErrorKind) -> ForwardError<Note> {
        let envelope = envelope();
        let caller = Caller::of(&envelope);
        ForwardError::not_sent(SendError::new(kind, ActorAddress::named("desk").unwrap(), envelope), caller)
    }

    #[test]
    fn nobody_to_answer_is_a_kind_of_its_own() {
        let mut error = ForwardError::not_asked(envelope());
        assert_eq!(error.kind(), ForwardErrorKind::NotAsked);
        assert!(error.to_string().starts_with("nobody waits for an answer to this message: "), "{error}");
        assert!(error.take_caller().is_none());
        assert_eq!(error.into_inner(), Note(7));
    }

    #[test]
    fn each_reason_not_to_send_is_named() {
        for kind in [SendErrorKind::NoSuchActor, SendErrorKind::Full, SendErrorKind::ShutDown] {
            let error = unsent(kind);
            assert_eq!(error.kind(), ForwardErrorKind::NotSent(kind));
            assert_eq!(error.to_string(), format!("could not forward: {kind}"));
            assert!(format!("{error:?}").contains("NotSent"));
        }
    }

    #[test]
    fn the_caller_and_the_message_come_back() {
        let mut error = unsent(SendErrorKind::Full);
        let caller = error.take_caller().unwrap();
        assert!(error.take_caller().is_none());
        let envelope = error.into_envelope();
        assert_eq!(caller.asked(), envelope.id());
        assert_eq!(envelope.into_message(), Note(7));
    }
}
