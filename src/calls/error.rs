use std::fmt;

use crate::address::ActorId;
use crate::broker::{AskError, Ran};
use crate::message::Message;

/// A question to a group without a good answer.
pub enum CallError<M> {
    /// It was asked as one plain request, since there was nobody to choose between: one member, none, or one to which a
    /// key binds the message. The request is in it if it was not accepted.
    Single(AskError<M>),
    /// All who were asked failed, each with its error, in the order in which they did.
    Every(Vec<(ActorId, AskError<M>)>),
}

impl<M> CallError<M> {
    /// What went wrong, one error for each time that it was asked.
    pub fn errors(&self) -> impl Iterator<Item = &AskError<M>> {
        let (single, every) = match self {
            Self::Single(error) => (Some(error), [].as_slice()),
            Self::Every(failures) => (None, failures.as_slice()),
        };
        single.into_iter().chain(every.iter().map(|(_, error)| error))
    }

    /// Whether a handler may have begun with it, be it one of several.
    pub fn ran(&self) -> Ran {
        if self.errors().all(|error| error.ran() == Ran::Never) { Ran::Never } else { Ran::Maybe }
    }

    /// Whether the deadline passed for one of them: given more time, it may have answered.
    pub fn is_timeout(&self) -> bool {
        self.errors().any(AskError::is_timeout)
    }

    /// Whether asking again a little later may succeed, and can't make a handler do its work twice.
    pub fn is_retryable(&self) -> bool {
        self.ran() == Ran::Never && self.errors().any(AskError::is_retryable)
    }
}

impl<M: fmt::Debug> fmt::Debug for CallError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single(error) => error.fmt(f),
            Self::Every(failures) => f.debug_tuple("Every").field(failures).finish(),
        }
    }
}

impl<M: Message> fmt::Display for CallError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single(error) => error.fmt(f),
            Self::Every(failures) => {
                write!(f, "none of {} members gave a good answer: ", failures.len())?;
                failures.iter().enumerate().try_for_each(|(index, (_, error))| {
                    f.write_str(if index == 0 { "" } else { "; " })?;
                    error.fmt(f)
                })
            }
        }
    }
}

impl<M: Message> std::error::Error for CallError<M> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Single(error) => Some(error),
            // All of them are in the text.
            Self::Every(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use crate::broker::{RequestError, SendErrorKind};
    use crate::message::MessageEnvelope;
    use crate::requests::Ended;

    #[derive(Debug, PartialEq)]
    struct Note;

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    fn never_ran() -> (ActorId, AskError<Note>) {
        let (id, unsent) = (ActorId::next(), MessageEnvelope::new(Note));
        (id, AskError::Request(RequestError::refused(SendErrorKind::NoSuchActor.into(), id.into(), unsent)))
    }

    fn late() -> (ActorId, AskError<Note>) {
        let id = ActorId::next();
        (id, AskError::Request(RequestError::ended(Ended::TimedOut { begun: true }, id.into())))
    }

    #[test]
    fn of_several_one_that_may_have_run_is_enough_not_to_ask_again() {
        let error = CallError::Every(vec![never_ran(), never_ran()]);
        assert_eq!((error.ran(), error.is_retryable(), error.is_timeout()), (Ran::Never, true, false));
        let error = CallError::Every(vec![never_ran(), late()]);
        assert_eq!((error.ran(), error.is_retryable(), error.is_timeout()), (Ran::Maybe, false, true));
        assert_eq!(error.errors().count(), 2);
    }

    #[test]
    fn the_text_has_what_every_one_of_them_said() {
        let error = CallError::Every(vec![never_ran(), late()]);
        let said = error.errors().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        assert_eq!(error.to_string(), format!("none of 2 members gave a good answer: {said}"));
        assert!(format!("{error:?}").starts_with("Every(") && error.source().is_none());
    }

    #[test]
    fn one_alone_says_what_the_request_says() {
        let (_, alone) = never_ran();
        let text = alone.to_string();
        let error = CallError::Single(alone);
        assert!(error.is_retryable() && error.source().is_some());
        assert_eq!(error.to_string(), text);
        assert_eq!(error.errors().count(), 1);
    }
}
