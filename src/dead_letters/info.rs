use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::address::{ActorAddress, ActorId};
use crate::dead_letters::DeadLetterReason;
use crate::message::MessageId;

/// A dead letter without its message: what can be shown, stored and sent on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeadLetterInfo {
    /// The message's id.
    pub id: MessageId,
    /// Where it was to go, as [`DeadLetter::address`](crate::dead_letters::DeadLetter::address).
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::SendErrorKind;
    use crate::dead_letters::store::support::{Note, letter};

    #[test]
    fn the_info_is_the_letter_without_its_message() {
        let mut letter = letter(Note(1));
        letter.cause = Some("no ink".into());
        letter.attempts = 3;
        let info = letter.info();
        assert_eq!((info.id, &info.address, info.actor), (letter.envelope.id(), &letter.address, letter.actor));
        assert_eq!((info.reason, info.attempts, info.at), (letter.reason, 3, letter.at));
        assert_eq!(info.cause.as_deref(), Some("no ink"));
    }

    #[test]
    fn an_info_survives_its_json() {
        let mut info = letter(Note(1)).info();
        info.reason = DeadLetterReason::Undeliverable(SendErrorKind::NoMembers);
        let json = serde_json::to_string(&info).unwrap();
        assert!(json.contains("\"undeliverable\":\"no_members\""), "{json}");
        assert_eq!(serde_json::from_str::<DeadLetterInfo>(&json).unwrap(), info);
    }
}
