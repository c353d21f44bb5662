//! What a program is: some places for actors, and steps that are taken one after the other.

use std::fmt;

use switchboard::mailbox::MailboxOptions;
use switchboard::message::MessagePriority;
use switchboard::retry::RetryPolicy;

/// A random program: all that happens in it follows from this.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) seed: u64,
    /// The broker's own retry policy.
    pub(crate) retry: Option<RetryPolicy>,
    /// How long a request waits that says nothing else, in milliseconds, as all times here are.
    pub(crate) patience: u64,
    pub(crate) places: Vec<Place>,
    pub(crate) steps: Vec<Step>,
    pub(crate) ending: Ending,
}

/// What kind of address a place has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Name,
    Id,
    Pool,
    Service,
}

/// An address, and how the actors at it are.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    /// Whether they receive by hand.
    pub(crate) by_hand: bool,
    pub(crate) mailbox: MailboxOptions,
    pub(crate) rebuilds: bool,
    pub(crate) in_order: bool,
    pub(crate) window: usize,
    /// Which of the handlers that are built does not start.
    pub(crate) fails_to_start: Option<u32>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Starts an actor at a place.
    Start(usize),
    /// Sends, waiting for room.
    Send(usize, Way, Note),
    TrySend(usize, Way, Note),
    Ask(usize, Way, Note),
    /// Sends an envelope that was sent before, once more.
    SendAgain(usize, Again),
    SendAfter(usize, u64, Note),
    SendEvery(usize, u64, Note),
    CancelScheduled(usize),
    CancelRecurring(usize),
    /// Drops the future of a sender or caller.
    GoAway(usize),
    /// Lets others run.
    Yield(u32),
    /// Lets time pass.
    Wait(u64),
    /// Lets handlers go that stall.
    Release(usize),
    Stop(usize),
    Abort(usize),
    Drain(usize),
    Unregister(usize),
    /// Receives by hand, waiting for so long at most.
    Receive(usize, u64),
    /// Is done with what was received by hand.
    Finish(usize, By),
    CloseInbox(usize),
    DropInbox(usize),
    SetRetry(usize, Option<RetryPolicy>),
    ShutDown(u64),
}

/// How a message finds its way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Address,
    /// By a route that was resolved at the first such message.
    Route,
    /// By the id of the latest actor at the place.
    Latest,
}

/// How an envelope is sent again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Again {
    TrySend,
    Ask,
    /// Twice in a row.
    Twice,
}

/// What a message is.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) priority: MessagePriority,
    pub(crate) at_least_once: bool,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) within: Option<u64>,
    /// The time to live of its type.
    pub(crate) lives: Option<u64>,
    /// Where an answer is wanted.
    pub(crate) reply_to: Option<usize>,
    /// How often it can be cloned before that panics.
    pub(crate) clones: Option<u32>,
    /// What handlers do with it: the first attempt, the second, and so on; the last is repeated.
    pub(crate) acts: Vec<Act>,
}

/// What a handler does with one attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Act {
    pub(crate) pause: Pause,
    pub(crate) does: Does,
    pub(crate) answer: Answer,
    /// After it has answered.
    pub(crate) pause_again: Pause,
    pub(crate) end: End,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Pause {
    None,
    Yield,
    Sleep(u64),
    /// Until the program releases it.
    Stall,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Does {
    Nothing,
    Send(usize),
    TrySend(usize),
    Ask(usize),
    SendAfter(usize, u64),
    Stop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    None,
    Reply,
    Forward(usize),
    /// Takes the token, and after a time answers or drops it.
    Token(u64, bool),
}

/// How an attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    Fail,
    Panic,
    Reject,
    RetryAfter(u64),
    /// Its future was dropped.
    Cut,
}

/// How what was received by hand is done with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    Drop,
    Taking,
    Answering,
    Token(u64, bool),
    Failing(End),
}

/// How a program comes to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    /// All is let go and handled.
    Rest,
    /// Actors drain.
    Drain,
    /// The broker is shut down, with so much time.
    ShutDown(u64),
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, retry, patience, places, steps, ending } = self;
        writeln!(f, "seed {seed}, patience {patience} ms, {retry:?}")?;
        (0..).zip(places).try_for_each(|(number, place)| writeln!(f, "  place {number}: {place:?}"))?;
        steps.iter().try_for_each(|step| writeln!(f, "  {step:?}"))?;
        writeln!(f, "  {ending:?}")
    }
}

impl End {
    /// Whether the attempt was in vain.
    pub(crate) fn is_failure(self) -> bool {
        !matches!(self, Self::Done | Self::Cut)
    }
}
