use std::fmt;

use super::{Ran, RequestError, RequestErrorKind};
use crate::message::Message;

/// A typed request without its typed reply.
pub enum AskError<M> {
    /// There was no reply.
    Request(RequestError<M>),
    /// There was a reply, this one, but it is not what the request asks for.
    WrongReply(M),
}

impl<M> AskError<M> {
    /// Why there was no reply; `None` if there was one, of the wrong kind.
    pub fn kind(&self) -> Option<&RequestErrorKind> {
        match self {
            Self::Request(error) => Some(error.kind()),
            Self::WrongReply(_) => None,
        }
    }

    /// Whether a handler may have begun with it.
    pub fn ran(&self) -> Ran {
        match self {
            Self::Request(error) => error.ran(),
            Self::WrongReply(_) => Ran::Maybe,
        }
    }

    /// Whether the deadline passed.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Request(error) if error.is_timeout())
    }

    /// Whether asking again a little later may succeed, and can't make a handler do its work twice.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Request(error) if error.is_retryable())
    }

    /// The message inside: the one that was not accepted, or the reply of the wrong kind.
    pub fn into_inner(self) -> Option<M> {
        match self {
            Self::Request(error) => error.into_inner(),
            Self::WrongReply(reply) => Some(reply),
        }
    }
}

impl<M: fmt::Debug> fmt::Debug for AskError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => error.fmt(f),
            Self::WrongReply(reply) => f.debug_tuple("WrongReply").field(reply).finish(),
        }
    }
}

impl<M: Message> fmt::Display for AskError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => error.fmt(f),
            Self::WrongReply(_) => {
                write!(f, "the reply was a `{}` of another kind: make the handler answer in kind", M::MESSAGE_TYPE)
            }
        }
    }
}

impl<M: Message> std::error::Error for AskError<M> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Request(error) => Some(error),
            Self::WrongReply(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use crate::address::ActorAddress;
    use crate::limits::{LimitError, Table};
    use crate::message::MessageEnvelope;
    use crate::requests::Ended;

    #[derive(Debug, PartialEq)]
    struct Note(u64);

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    fn unsent(kind: RequestErrorKind) -> AskError<Note> {
        let to = ActorAddress::named("desk").unwrap();
        AskError::Request(RequestError::refused(kind, to, MessageEnvelope::new(Note(7))))
    }

    fn ended(ended: Ended) -> AskError<Note> {
        AskError::Request(RequestError::ended(ended, ActorAddress::named("desk").unwrap()))
    }

    #[test]
    fn without_a_reply_it_says_what_the_request_says() {
        let too_many = RequestErrorKind::TooMany(LimitError::new(Table::Requests, 3));
        let error = unsent(too_many.clone());
        assert_eq!((error.kind(), error.ran()), (Some(&too_many), Ran::Never));
        assert!(error.is_retryable() && !error.is_timeout());
        assert!(error.to_string().starts_with("no reply from `named:desk` (never ran): "), "{error}");
        assert!(format!("{error:?}").contains("TooMany"));
        assert!(error.source().is_some());
        assert_eq!(error.into_inner(), Some(Note(7)));

        let error = ended(Ended::TimedOut { begun: true });
        assert_eq!((error.kind(), error.ran()), (Some(&RequestErrorKind::TimedOut), Ran::Maybe));
        assert!(error.is_timeout() && !error.is_retryable());
        assert_eq!(error.into_inner(), None);
    }

    #[test]
    fn a_reply_of_another_kind_comes_back_and_is_no_reason_to_ask_again() {
        let error = AskError::WrongReply(Note(8));
        assert_eq!((error.kind(), error.ran()), (None, Ran::Maybe));
        assert!(!error.is_timeout() && !error.is_retryable() && error.source().is_none());
        assert_eq!(error.to_string(), "the reply was a `note` of another kind: make the handler answer in kind");
        assert_eq!(format!("{error:?}"), "WrongReply(Note(8))");
        assert_eq!(error.into_inner(), Some(Note(8)));
    }
}
