use std::fmt;

use super::{SendError, SendErrorKind};
use crate::message::MessageEnvelope;

/// Why an answer did not get to whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplyErrorKind {
    /// Nobody asked, or the answer has been given, or its token taken.
    NotAsked,
    /// The reply address did not take it.
    NotSent(SendErrorKind),
}

/// An answer that did not get to whoever asked. It is inside.
pub struct ReplyError<M> {
    kind: ReplyErrorKind,
    message: M,
}

impl<M> ReplyError<M> {
    pub(crate) fn not_asked(message: M) -> Self {
        Self { kind: ReplyErrorKind::NotAsked, message }
    }

    /// An answer that its reply address did not take, for those who write a broker or wrap one.
    pub fn not_sent(error: SendError<M>) -> Self {
        let (kind, _, envelope) = error.into_parts();
        Self { kind: ReplyErrorKind::NotSent(kind), message: MessageEnvelope::into_message(envelope) }
    }

    /// Why.
    pub fn kind(&self) -> ReplyErrorKind {
        self.kind
    }

    /// The answer.
    pub fn into_inner(self) -> M {
        self.message
    }
}

impl<M> fmt::Debug for ReplyError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyError").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl<M> fmt::Display for ReplyError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ReplyErrorKind::NotAsked => {
                f.write_str("nobody waits for this reply: answer only messages that ask, and only once")
            }
            ReplyErrorKind::NotSent(kind) => write!(f, "could not reply: {kind}"),
        }
    }
}

impl<M> std::error::Error for ReplyError<M> {}

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

    #[test]
    fn nobody_to_answer_is_a_kind_of_its_own_and_the_answer_comes_back() {
        let error = ReplyError::not_asked(Note(7));
        assert_eq!(error.kind(), ReplyErrorKind::NotAsked);
        assert!(error.to_string().starts_with("nobody waits for this reply: "), "{error}");
        assert!(format!("{error:?}").contains("NotAsked"));
        assert_eq!(error.into_inner(), Note(7));
    }

    #[test]
    fn each_reason_not_to_send_is_named_and_the_answer_comes_back() {
        for kind in [SendErrorKind::NoSuchActor, SendErrorKind::Full, SendErrorKind::ShutDown] {
            let to = ActorAddress::named("desk").unwrap();
            let error = ReplyError::not_sent(SendError::new(kind, to, MessageEnvelope::new(Note(7))));
            assert_eq!(error.kind(), ReplyErrorKind::NotSent(kind));
            assert_eq!(error.to_string(), format!("could not reply: {kind}"));
            assert_eq!(error.into_inner(), Note(7));
        }
    }
}
