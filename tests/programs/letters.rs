//! Whether a dead letter fits what is known of its message.

use switchboard::broker::{RequestErrorKind, SendErrorKind};
use switchboard::dead_letters::DeadLetterReason as Reason;
use switchboard::mailbox::BackpressureStrategy::{DropNewest, DropOldest};
use switchboard::retry::Failure;

use crate::draw::millis;
use crate::job::CLONED_TOO_OFTEN;
use crate::ledger::Ledger;
use crate::program::End;
use crate::record::{Actor, Attempt, Entry, How, Letter, Sent, Time};
use crate::verify::ensure;

pub(crate) fn check(ledger: &Ledger, entry: &Entry) -> Result<(), String> {
    let Some(letter) = entry.letters.first() else { return Ok(()) };
    ensure(letter.attempts as usize == entry.attempts.len(), "its dead letter tells another number of attempts")?;
    reason(ledger, entry, letter)?;
    ensure(!waited_too_long(entry, letter), "it waited for an attempt that could only come too late")?;
    ensure(is_in_time(entry) || !gave_up(letter), "it had attempts left")?;
    ensure(!should_have_come_back(ledger, entry, letter), "an actor waited for it in vain")
}

/// Whether the reason can be that one.
fn reason(ledger: &Ledger, entry: &Entry, letter: &Letter) -> Result<(), String> {
    let end = entry.last_end();
    let uncloned = letter.cause.as_deref() == Some(CLONED_TOO_OFTEN);
    let of_handler = |ends: &dyn Fn(End) -> bool| letter.cause.is_some() && end.is_some_and(ends);
    let fits = match letter.reason {
        Reason::Failed => of_handler(&|end| matches!(end, End::Fail | End::RetryAfter(_))),
        Reason::Panicked => uncloned || of_handler(&|end| end == End::Panic),
        Reason::Rejected => of_handler(&|end| end == End::Reject),
        Reason::Expired => match entry.deadline {
            Time::Until(deadline) => deadline <= letter.at,
            Time::Limited => true,
            Time::Unlimited => entry.asked.is_some(),
        },
        Reason::Evicted => {
            by_actor(ledger, letter, |actor| matches!(actor.place.mailbox.on_full(), DropOldest | DropNewest))
        }
        Reason::Cancelled => caller_went(ledger, entry),
        Reason::ActorStopped => by_actor(ledger, letter, |actor| has_stopped(ledger, actor, letter)),
        Reason::ShutDown => ledger.shut.is_some_and(|shut| shut < letter.found),
        Reason::Undeliverable(_) => matches!(entry.how, How::Scheduled(_)) || !entry.attempts.is_empty(),
        _ => false,
    };
    ensure(fits, "the reason of its death can't be that")
}

/// Whether the actor of a dead letter is one that can have left it.
fn by_actor(ledger: &Ledger, letter: &Letter, holds: impl Fn(&Actor) -> bool) -> bool {
    letter.actor.is_some() && ledger.actors.iter().filter(|actor| actor.id == letter.actor).any(holds)
}

/// Whether an actor was to begin no more when a letter was found, or had ended.
fn has_stopped(ledger: &Ledger, actor: &Actor, letter: &Letter) -> bool {
    let before = |moment: Option<u64>| moment.is_some_and(|moment| moment < letter.found);
    before(actor.stopping) || before(actor.ended) || ledger.time_is_up.is_some_and(|up| up <= letter.at)
}

/// Whether the caller of the request that a message belongs to waits no more, though nobody has ended that.
fn caller_went(ledger: &Ledger, entry: &Entry) -> bool {
    let Some(asked) = entry.asked else { return false };
    match &ledger.entries[asked as usize].answer {
        Some(Err((RequestErrorKind::TimedOut, _))) => true,
        // Whoever passed it on was cut off while that waited for room, and so was the right to answer.
        Some(Err((RequestErrorKind::NoReply, _))) => {
            matches!((&entry.how, &entry.sent), (How::Forwarded, Sent::Unknown))
        }
        Some(Err(_)) => false,
        Some(Ok(())) => false,
        None => true,
    }
}

/// Whether a handler failed, and that was the end.
fn gave_up(letter: &Letter) -> bool {
    let cloned = letter.cause.as_deref() != Some(CLONED_TOO_OFTEN);
    matches!(letter.reason, Reason::Failed | Reason::Panicked) && cloned
}

/// Whether it waited for another attempt beyond its deadline.
fn waited_too_long(entry: &Entry, letter: &Letter) -> bool {
    let last = entry.attempts.last().and_then(|attempt| Some((attempt.end?.0, attempt.ended_at?)));
    match (last, entry.deadline, letter.reason) {
        (Some((End::RetryAfter(time), ended)), Time::Until(deadline), Reason::Expired) => {
            ended + millis(time) >= deadline
        }
        _ => false,
    }
}

/// Whether there may have been no further attempt after the last, because something else than their number ended it.
fn is_in_time(entry: &Entry) -> bool {
    let (Some(policy), Some(end)) = (entry.retry, entry.last_end()) else { return true };
    let failure = if end == End::Panic { Failure::Panicked } else { Failure::Failed };
    let answered = entry.attempts.last().is_some_and(|attempt| attempt.answered);
    let used_up = policy.max_attempts().is_none_or(|most| entry.attempts.len() as u32 >= most);
    let limited = policy.overall().is_some() || entry.deadline != Time::Unlimited || entry.asked.is_some() && answered;
    // A request's own timeout is a deadline like any other.
    used_up || limited || !policy.retries_on().contains(failure) || !entry.at_least_once || entry.asked.is_some()
}

/// Whether a message was not delivered although the actor that had handled it in vain took it back.
fn should_have_come_back(ledger: &Ledger, entry: &Entry, letter: &Letter) -> bool {
    let Some(Attempt { actor, .. }) = entry.attempts.last() else { return false };
    let actor = &ledger.actors[*actor];
    let closed = actor.closed.is_some_and(|closed| closed < letter.found);
    // A mailbox that was full was open when it refused.
    let undelivered = match letter.reason {
        Reason::Undeliverable(kind) => kind != SendErrorKind::Full,
        reason => reason == Reason::ShutDown,
    };
    undelivered && letter.actor == actor.id && closed && !has_stopped(ledger, actor, letter)
}

pub(crate) fn name(end: End) -> &'static str {
    match end {
        End::Done => "done",
        End::Fail => "failed",
        End::Panic => "panicked",
        End::Reject => "rejected",
        End::RetryAfter(_) => "again after a time",
        End::Cut => "cut off",
    }
}
