use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use switchboard::broker::{Ran, RequestErrorKind, SendErrorKind};

/// What is said of a message, one way or the other, where no event is the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Said {
    /// It is in a mailbox, if true. Nobody says anything else.
    Accepted(bool),
    Error(Problem),
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Problem {
    pub(super) kind: String,
    #[serde(default)]
    pub(super) text: String,
    /// Whether a handler may have run.
    pub(super) ran: bool,
}

/// What a request may end with besides what any message may.
const WOULD_DEADLOCK: &str = "would_deadlock";
const NO_REPLY: &str = "no_reply";
const FAILED: &str = "failed";
const PANICKED: &str = "panicked";
const EVICTED: &str = "evicted";
const DUPLICATE: &str = "duplicate";
const TIMED_OUT: &str = "timed_out";
const ACTOR_STOPPED: &str = "actor_stopped";
const TOO_MANY: &str = "too_many";

impl Said {
    pub(super) fn to_bytes(&self) -> Bytes {
        // Texts and truth values can always be written.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

impl Problem {
    /// One that is found before anything has run.
    pub(super) fn never(kind: &str, text: impl Into<String>) -> Self {
        Self { kind: kind.into(), text: text.into(), ran: false }
    }

    /// The answer to a request could not be written.
    pub(super) fn failed(text: impl Into<String>) -> Self {
        Self { kind: FAILED.into(), text: text.into(), ran: true }
    }

    pub(super) fn of_send(kind: SendErrorKind) -> Self {
        Self { kind: name(kind), text: kind.to_string(), ran: kind.ran() == Ran::Maybe }
    }

    pub(super) fn of_request(kind: &RequestErrorKind, ran: Ran) -> Self {
        let name = match kind {
            RequestErrorKind::NotSent(kind) => name(*kind),
            RequestErrorKind::WouldDeadlock { .. } => WOULD_DEADLOCK.into(),
            RequestErrorKind::TooMany(_) => TOO_MANY.into(),
            RequestErrorKind::NoReply => NO_REPLY.into(),
            RequestErrorKind::HandlerFailed(_) => FAILED.into(),
            RequestErrorKind::HandlerPanicked(_) => PANICKED.into(),
            RequestErrorKind::ActorStopped => ACTOR_STOPPED.into(),
            RequestErrorKind::Evicted => EVICTED.into(),
            RequestErrorKind::Duplicate => DUPLICATE.into(),
            // What is not known here ended at a deadline for whoever asks.
            _ => TIMED_OUT.into(),
        };
        Self { kind: name, text: kind.to_string(), ran: ran == Ran::Maybe }
    }

    /// What it is to whoever has told.
    pub(super) fn send_kind(&self) -> SendErrorKind {
        if self.ran {
            return SendErrorKind::Unconfirmed;
        }
        // Of a limit elsewhere nothing is known but that there is no room.
        if self.kind == TOO_MANY {
            return SendErrorKind::Full;
        }
        serde_json::from_value(Value::String(self.kind.clone())).unwrap_or(SendErrorKind::NotOffered)
    }

    /// What it is to whoever has asked.
    pub(super) fn request_kind(self) -> (RequestErrorKind, Ran) {
        if !self.ran {
            return (self.send_kind().into(), Ran::Never);
        }
        let kind = match self.kind.as_str() {
            NO_REPLY => RequestErrorKind::NoReply,
            TIMED_OUT => RequestErrorKind::TimedOut,
            ACTOR_STOPPED => RequestErrorKind::ActorStopped,
            EVICTED => RequestErrorKind::Evicted,
            DUPLICATE => RequestErrorKind::Duplicate,
            PANICKED => RequestErrorKind::HandlerPanicked(self.text),
            _ => RequestErrorKind::HandlerFailed(self.text),
        };
        (kind, Ran::Maybe)
    }
}

/// The name of a kind, as in JSON.
fn name(kind: SendErrorKind) -> String {
    match serde_json::to_value(kind) {
        Ok(Value::String(name)) => name,
        _ => TOO_MANY.into(),
    }
}

#[cfg(test)]
mod tests {
    use switchboard::limits::{LimitError, Table};

    use super::*;

    #[test]
    fn what_is_said_is_a_small_object() {
        let cases = [
            (Said::Accepted(true), r#"{"accepted":true}"#),
            (
                Said::Error(Problem::never("full", "no room")),
                r#"{"error":{"kind":"full","text":"no room","ran":false}}"#,
            ),
        ];
        for (said, text) in cases {
            assert_eq!(said.to_bytes(), text);
            assert!(include_str!("../../WIRE.md").contains(text), "`WIRE.md` has another");
            assert_eq!(Said::read(text.as_bytes()), Some(said));
        }
        for text in ["", "{}", "7", r#"{"specversion":"1.0"}"#, r#"{"error":{"kind":"full"}}"#] {
            assert_eq!(Said::read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn why_a_message_was_not_accepted_arrives_as_what_it_was() {
        for kind in [SendErrorKind::NoSuchActor, SendErrorKind::Full, SendErrorKind::Unconfirmed] {
            assert_eq!(Problem::of_send(kind).send_kind(), kind);
        }
        let limit = SendErrorKind::TooMany(LimitError::new(Table::Senders, 3));
        assert_eq!(Problem::of_send(limit).send_kind(), SendErrorKind::Full);
        assert_eq!(Problem::never("shy", "").send_kind(), SendErrorKind::NotOffered);
    }

    #[test]
    fn why_there_is_no_answer_arrives_as_what_it_was() {
        let kinds = [
            RequestErrorKind::NoReply,
            RequestErrorKind::TimedOut,
            RequestErrorKind::HandlerPanicked("the handler panicked: no".into()),
            RequestErrorKind::ActorStopped,
            RequestErrorKind::Evicted,
            RequestErrorKind::Duplicate,
        ];
        for kind in kinds {
            let (arrived, ran) = Problem::of_request(&kind, Ran::Maybe).request_kind();
            assert_eq!((std::mem::discriminant(&arrived), ran), (std::mem::discriminant(&kind), Ran::Maybe));
        }
        let full = RequestErrorKind::NotSent(SendErrorKind::Full);
        assert_eq!(Problem::of_request(&full, Ran::Never).request_kind(), (full, Ran::Never));
    }
}
