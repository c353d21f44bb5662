use std::fmt;

use serde::{Deserialize, Serialize};

use crate::outside::Outside;

/// Why an actor ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopCause {
    /// It was asked to stop.
    Stopped,
    /// Its handle's `drain` or a shutdown closed its mailbox, and it handled what was in it.
    Drained,
    /// It was unregistered and handled what it had accepted; or the inbox that it received by was closed or dropped.
    Unregistered,
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
            Self::Unregistered => f.write_str("unregistered"),
            Self::Panicked(cause) => write!(f, "panicked: {}", Outside::cause(cause)),
            Self::StartFailed(cause) => write!(f, "failed to start: {}", Outside::cause(cause)),
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
            (StopCause::Unregistered, "unregistered"),
            (StopCause::Panicked("boom".into()), "panicked: boom"),
            (StopCause::StartFailed("no disk".into()), "failed to start: no disk"),
            (StopCause::Aborted, "aborted"),
        ];
        for (cause, text) in printed {
            assert_eq!(cause.to_string(), text);
        }
    }

    #[test]
    fn a_cause_that_comes_from_outside_is_printed_harmless_and_cut() {
        for cause in [StopCause::Panicked, StopCause::StartFailed] {
            let text = cause("\u{1b}[2J\nINFO all is well\u{202e}".into()).to_string();
            assert!(text.ends_with(r": \u{1b}[2J\nINFO all is well\u{202e}"), "{text}");
            assert!(cause("a".repeat(1_000_000)).to_string().len() < 1_000);
        }
    }
}
