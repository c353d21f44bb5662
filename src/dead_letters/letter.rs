use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::address::{ActorAddress, ActorId};
use crate::message::MessageEnvelope;
use crate::metrics::Outcome;

/// Why an accepted message was not handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeadLetterReason {
    /// Its deadline passed while it waited.
    Expired,
    /// It made room for another in a full mailbox.
    Evicted,
    /// Its caller went away while it waited.
    Cancelled,
    /// Its actor stopped while it waited.
    ActorStopped,
}

impl DeadLetterReason {
    /// The outcome that the message counts as.
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Expired => Outcome::Expired,
            Self::Evicted => Outcome::Evicted,
            Self::Cancelled => Outcome::Cancelled,
            Self::ActorStopped => Outcome::Abandoned,
        }
    }
}

impl fmt::Display for DeadLetterReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Expired => "its deadline passed while it waited",
            Self::Evicted => "it made room for another in a full mailbox",
            Self::Cancelled => "its caller went away while it waited",
            Self::ActorStopped => "its actor stopped while it waited",
        })
    }
}

/// An accepted message that was not handled.
#[derive(Debug)]
#[non_exhaustive]
pub struct DeadLetter<M> {
    /// The message and its header.
    pub envelope: MessageEnvelope<M>,
    /// The address of the actor in whose mailbox it was.
    pub address: ActorAddress,
    /// The actor in whose mailbox it was.
    pub actor: ActorId,
    /// Why it was not handled.
    pub reason: DeadLetterReason,
    /// When that became clear.
    pub at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_text_and_the_outcome_that_is_counted() {
        let reasons = [
            (DeadLetterReason::Expired, Outcome::Expired, "deadline"),
            (DeadLetterReason::Evicted, Outcome::Evicted, "room"),
            (DeadLetterReason::Cancelled, Outcome::Cancelled, "caller"),
            (DeadLetterReason::ActorStopped, Outcome::Abandoned, "actor"),
        ];
        for (reason, outcome, word) in reasons {
            assert_eq!(reason.outcome(), outcome);
            assert!(reason.to_string().contains(word), "{reason}");
        }
    }
}
