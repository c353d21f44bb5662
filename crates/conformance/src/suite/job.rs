use serde::{Deserialize, Serialize};
use switchboard::address::ActorAddress;
use switchboard::message::{Message, MessagePriority};

/// The message of the suite: what its receiver is to do, or what it answered. It can be cloned, and be written and read
/// by [`serde`], so that any broker can carry it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Job {
    /// Log the number.
    Note(u64),
    /// As `Note`, and go before others.
    Urgent(u64),
    /// As `Note`, with all of this key in order.
    Keyed(String, u64),
    /// Log the number, wait until the case lets go, then answer with it.
    Hold(u64),
    /// Log the number and answer with it.
    Echo(u64),
    /// Log the number, and answer with it later, from elsewhere, when the case lets go.
    Later(u64),
    /// Log the number; fail unless it is this attempt or a later one.
    Attempt(u64, u32),
    /// Fail with this text.
    Fail(String),
    /// Panic with this cause.
    Panic(String),
    /// Answer with the milliseconds that are left until the deadline.
    TimeLeft,
    /// Send so many notes, from 0, there.
    Tell(ActorAddress, u64),
    /// Ask there how much time is left, and answer with the answer.
    AskTimeLeft(ActorAddress),
    /// Have somebody else echo the number.
    Pass(ActorAddress, u64),
    /// An answer.
    Answer(u64),
}

impl Message for Job {
    const MESSAGE_TYPE: &'static str = "switchboard.conformance.job";

    fn priority(&self) -> MessagePriority {
        match self {
            Self::Urgent(_) => MessagePriority::High,
            _ => MessagePriority::Normal,
        }
    }

    fn routing_key(&self) -> Option<&str> {
        match self {
            Self::Keyed(key, _) => Some(key),
            _ => None,
        }
    }

    fn is_dead_letter_logged(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_survives_being_written_and_read() {
        let to = ActorAddress::named("desk").unwrap();
        for job in [Job::Note(1), Job::Keyed("a".into(), 2), Job::Pass(to, 3)] {
            let text = serde_json::to_string(&job).unwrap();
            assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), job);
        }
    }
}
