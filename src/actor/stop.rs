use std::fmt;

/// Why an actor ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopCause {
    /// It was asked to stop.
    Stopped,
    /// Its mailbox was closed (drained, unregistered or shut down) and it handled what was in it.
    Drained,
    /// Its handler panicked, and its options did not say to rebuild it, or it could not be.
    Panicked(String),
    /// Its handler's `started` returned an error or panicked.
    StartFailed(String),
    /// Its task was ended from outside, in the middle of whatever it did.
    Aborted,
}

impl fmt::Display for StopCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped"),
            Self::Drained => f.write_str("drained"),
            Self::Panicked(cause) => write!(f, "panicked: {cause}"),
            Self::StartFailed(cause) => write!(f, "failed to start: {cause}"),
            Self::Aborted => f.write_str("aborted"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_prints_with_what_is_known_of_it() {
        let printed = [
            (StopCause::Stopped, "stopped"),
            (StopCause::Drained, "drained"),
            (StopCause::Panicked("boom".into()), "panicked: boom"),
            (StopCause::StartFailed("no disk".into()), "failed to start: no disk"),
            (StopCause::Aborted, "aborted"),
        ];
        for (cause, text) in printed {
            assert_eq!(cause.to_string(), text);
        }
    }
}
