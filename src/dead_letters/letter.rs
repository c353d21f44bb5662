use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::address::{ActorAddress, ActorId};
use crate::broker::SendErrorKind;
use crate::dead_letters::DeadLetterInfo;
use crate::message::{MessageEnvelope, MessageId};
use crate::metrics::Outcome;

/// Why an accepted message was not handled, or not to its end.
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
    /// Its actor stopped while it waited, or, sent at least once, while it was handled.
    ActorStopped,
    /// Its handler returned an error, and there was to be no further attempt.
    Failed,
    /// Its handler panicked, and there was to be no further attempt.
    Panicked,
    /// Its handler rejected it.
    Rejected,
    /// When it was due, scheduled or to be handled again, it was not accepted, for this reason.
    Undeliverable(SendErrorKind),
    /// The broker was shut down before it was its turn.
    ShutDown,
}

impl DeadLetterReason {
    /// The outcome that the message counts as.
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Expired => Outcome::Expired,
            Self::Evicted => Outcome::Evicted,
            Self::Cancelled => Outcome::Cancelled,
            Self::ActorStopped | Self::Undeliverable(_) | Self::ShutDown => Outcome::Abandoned,
            Self::Failed | Self::Panicked | Self::Rejected => Outcome::Failed,
        }
    }
}

impl fmt::Display for DeadLetterReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Expired => "its deadline passed while it waited",
            Self::Evicted => "it made room for another in a full mailbox",
            Self::Cancelled => "its caller went away while it waited",
            Self::ActorStopped => "its actor stopped",
            Self::Failed => "its handler failed",
            Self::Panicked => "its handler panicked",
            Self::Rejected => "its handler rejected it",
            Self::Undeliverable(kind) => return write!(f, "it could not be delivered: {kind}"),
            Self::ShutDown => "the broker was shut down",
        })
    }
}

/// An accepted message that was not handled, or not to its end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeadLetter<M> {
    /// The message and its header.
    pub envelope: MessageEnvelope<M>,
    /// Where it was to go: the address of the actor in whose mailbox it was, or the one it was sent to if it was in
    /// none.
    pub address: ActorAddress,
    /// The actor in whose mailbox it was.
    pub actor: Option<ActorId>,
    /// Why it was not handled.
    pub reason: DeadLetterReason,
    /// What the handler said, if it failed, panicked or rejected it.
    pub cause: Option<String>,
    /// How often a handler began with it.
    pub attempts: u32,
    /// When that became clear.
    pub at: DateTime<Utc>,
}

impl<M> DeadLetter<M> {
    /// The message's id.
    pub fn id(&self) -> MessageId {
        self.envelope.id()
    }

    /// All but the message.
    pub fn info(&self) -> DeadLetterInfo {
        DeadLetterInfo {
            id: self.id(),
            address: self.address.clone(),
            actor: self.actor,
            reason: self.reason,
            cause: self.cause.clone(),
            attempts: self.attempts,
            at: self.at,
        }
    }
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
            (DeadLetterReason::ActorStopped, Outcome::Abandoned, "actor stopped"),
            (DeadLetterReason::Failed, Outcome::Failed, "failed"),
            (DeadLetterReason::Panicked, Outcome::Failed, "panicked"),
            (DeadLetterReason::Rejected, Outcome::Failed, "rejected"),
            (DeadLetterReason::Undeliverable(SendErrorKind::NoMembers), Outcome::Abandoned, "no living member"),
            (DeadLetterReason::ShutDown, Outcome::Abandoned, "shut down"),
        ];
        for (reason, outcome, word) in reasons {
            assert_eq!(reason.outcome(), outcome);
            assert!(reason.to_string().contains(word), "{reason}");
        }
    }
}
