//! What is noted of one message, and of one actor.

use switchboard::actor::{OnPanic, SpawnOptions};
use switchboard::address::ActorId;
use switchboard::broker::{Ran, RequestErrorKind, SendErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::message::{MessageId, MessagePriority};
use switchboard::retry::RetryPolicy;
use tokio::time::Instant;

use crate::program::{End, Place};

/// A point in the order of all that happens in a program.
pub(crate) type Moment = u64;

/// One message.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) how: How,
    pub(crate) place: usize,
    pub(crate) id: MessageId,
    pub(crate) priority: MessagePriority,
    pub(crate) at_least_once: bool,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) deadline: Time,
    /// The request that it is, or is passed on for.
    pub(crate) asked: Option<u64>,
    /// When the call that sent it began.
    pub(crate) began: Moment,
    pub(crate) sent: Sent,
    /// Whether the call that sent it has ended, or was dropped.
    pub(crate) is_over: bool,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) letters: Vec<Letter>,
    pub(crate) answer: Option<Result<(), (RequestErrorKind, Ran)>>,
}

/// How a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Told,
    Asked,
    Forwarded,
    /// An answer to a reply address.
    Reply,
    Scheduled(Instant),
    /// What is sent at intervals, which is itself never sent.
    Template,
    Copy,
}

/// When a message stops being worth handling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    Unlimited,
    Until(Instant),
    /// There is a limit, which only the broker knows.
    Limited,
}

/// How sending went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The call has not ended, or never will: it was accepted if it is seen anywhere.
    Unknown,
    Accepted(Moment),
    Refused(Option<SendErrorKind>),
    /// Scheduled, and taken back.
    TakenBack,
}

/// What a handler did with a message, or code that received it by hand.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) actor: usize,
    pub(crate) number: u32,
    pub(crate) began: Moment,
    pub(crate) end: Option<(End, Moment)>,
    pub(crate) ended_at: Option<Instant>,
    /// Whether it did something about an answer.
    pub(crate) answered: bool,
    /// Whether it passed the message on to another.
    pub(crate) passed_on: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) reason: DeadLetterReason,
    pub(crate) attempts: u32,
    pub(crate) actor: Option<ActorId>,
    pub(crate) cause: Option<String>,
    /// When it was found.
    pub(crate) found: Moment,
    pub(crate) at: Instant,
}

/// One actor, from its start to its end.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) at: usize,
    pub(crate) place: Place,
    pub(crate) id: Option<ActorId>,
    /// When it was closed to new messages.
    pub(crate) closed: Option<Moment>,
    /// When it was told to begin no more, or came to that by itself.
    pub(crate) stopping: Option<Moment>,
    /// When it had handled all there was.
    pub(crate) drained: Option<Moment>,
    pub(crate) ended: Option<Moment>,
    /// What it began with, in order: the message, and which attempt that was.
    pub(crate) begun: Vec<(u64, u32)>,
    /// The ids of what it handled to the end, each once for as long as it knows it, and when.
    pub(crate) handled: Vec<(MessageId, Moment)>,
    pub(crate) builds: u32,
}

impl Actor {
    /// Whether it has handled a message with this id, and is to know that now.
    pub(crate) fn knows(&self, id: MessageId) -> bool {
        self.knows_since(id, Moment::MAX)
    }

    /// Whether it has known this id at that moment, or later.
    pub(crate) fn knows_since(&self, id: MessageId, moment: Moment) -> bool {
        let before = self.handled.partition_point(|(_, handled)| *handled < moment);
        let window = &self.handled[before.saturating_sub(self.place.window)..];
        self.place.window > 0 && window.iter().any(|(handled, _)| *handled == id)
    }
}

impl Entry {
    /// Whether it was accepted, as far as anybody can know.
    pub(crate) fn is_accepted(&self) -> bool {
        match self.sent {
            Sent::Accepted(_) | Sent::TakenBack => true,
            Sent::Unknown => !self.attempts.is_empty() || !self.letters.is_empty(),
            Sent::Refused(_) => false,
        }
    }

    /// How its last attempt ended.
    pub(crate) fn last_end(&self) -> Option<End> {
        self.attempts.last()?.end.map(|(end, _)| end)
    }

    pub(crate) fn is_handled(&self) -> bool {
        self.attempts.iter().any(|attempt| matches!(attempt.end, Some((End::Done, _))))
    }
}

impl Place {
    pub(crate) fn options(&self) -> SpawnOptions {
        let on_panic = if self.rebuilds { OnPanic::Rebuild } else { OnPanic::Stop };
        let options = SpawnOptions::new().mailbox(self.mailbox).on_panic(on_panic).duplicate_window(self.window);
        if self.in_order { options.in_order() } else { options }
    }
}
