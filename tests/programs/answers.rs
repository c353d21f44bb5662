//! Whether a request ended as it must.

use switchboard::broker::{Ran, RequestErrorKind as Kind};
use switchboard::dead_letters::DeadLetterReason as Reason;

use crate::ledger::Ledger;
use crate::program::End;
use crate::record::{Entry, How, Sent};
use crate::verify::ensure;

pub(crate) fn check(ledger: &Ledger, entry: &Entry) -> Result<(), String> {
    let Some(answer) = entry.answer.as_ref().filter(|_| entry.how == How::Asked) else { return Ok(()) };
    // It, and all that it was passed on as.
    let chain: Vec<_> = ledger.entries.iter().filter(|other| other.asked == entry.asked).collect();
    let begun = chain.iter().any(|entry| !entry.attempts.is_empty());
    let Err((kind, ran)) = answer else { return ensure(begun, "nobody began with it, and it was answered") };
    ensure(!begun || *ran == Ran::Maybe, "it is said never to have run, and did")?;
    let Sent::Accepted(told) = entry.sent else {
        return ensure(!begun, "it was refused, and begun all the same");
    };
    let ended = |as_this: fn(End) -> bool| {
        chain.iter().flat_map(|entry| &entry.attempts).any(|attempt| attempt.end.is_some_and(|(end, _)| as_this(end)))
    };
    let dead = |as_this: fn(Reason) -> bool| {
        chain.iter().flat_map(|entry| &entry.letters).any(|letter| as_this(letter.reason))
    };
    let shut = ledger.shut.is_some_and(|shut| shut < told);
    let stopped = || shut || chain.iter().any(|entry| was_left(entry));
    let fits = match kind {
        Kind::TooMany(_) => false,
        // Refused, or passed on into a circle.
        Kind::WouldDeadlock { .. } => true,
        Kind::TimedOut | Kind::NoReply => true,
        Kind::HandlerFailed(_) => ended(|end| end.is_failure() && end != End::Panic),
        Kind::HandlerPanicked(_) => ended(|end| end == End::Panic) || dead(|reason| reason == Reason::Panicked),
        Kind::ActorStopped => stopped(),
        Kind::Evicted => dead(|reason| reason == Reason::Evicted),
        Kind::Duplicate => chain.iter().any(|entry| entry.letters.is_empty() && !entry.is_handled()),
        _ => false,
    };
    ensure(fits, "its request can't have ended like that")
}

/// Whether an actor left it to nobody, be it in its mailbox or in its handler.
fn was_left(entry: &Entry) -> bool {
    let passed_on = entry.attempts.iter().any(|attempt| attempt.passed_on);
    let undelivered = |reason| matches!(reason, Reason::ActorStopped | Reason::Undeliverable(_) | Reason::ShutDown);
    let cut = entry.last_end() == Some(End::Cut);
    !passed_on && (cut || entry.letters.iter().any(|letter| undelivered(letter.reason)))
}

pub(crate) fn name(kind: &Kind) -> &'static str {
    match kind {
        Kind::NotSent(_) => "not sent",
        Kind::WouldDeadlock { .. } => "would deadlock",
        Kind::TooMany(_) => "too many",
        Kind::TimedOut => "timed out",
        Kind::NoReply => "no reply",
        Kind::HandlerFailed(_) => "handler failed",
        Kind::HandlerPanicked(_) => "handler panicked",
        Kind::ActorStopped => "actor stopped",
        Kind::Evicted => "evicted",
        Kind::Duplicate => "duplicate",
        _ => "another",
    }
}
