//! What must hold of each message, of the order in which they were begun, and of the sums.

use switchboard::dead_letters::DeadLetterReason as Reason;
use switchboard::mailbox::BackpressureStrategy;
use switchboard::message::MessagePriority;
use switchboard::metrics::{Audit, BrokerMetrics, Outcome, Outcomes};

use crate::answers;
use crate::ledger::Ledger;
use crate::letters;
use crate::program::{End, Kind};
use crate::reached::Reached;
use crate::record::{Actor, Entry, How, Sent};

/// How an accepted message ended, as far as is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    As(Outcome),
    /// Nothing was seen of it, which is right only for what was handled before under the same id.
    Unseen,
}

/// As many copies were seen as were sent.
pub(crate) fn recurring(ledger: &mut Ledger, template: u64, sent: u64) {
    let seen = ledger.copies_of(template);
    if seen != sent {
        ledger.problem(format!("{sent} copies of {template} were sent, and {seen} were seen"));
    }
}

pub(crate) fn entries(ledger: &mut Ledger) {
    let mut problems = Vec::new();
    for (number, entry) in ledger.entries.iter().enumerate() {
        let told = attempts(ledger, entry)
            .and_then(|()| once(ledger, entry))
            .and_then(|()| letters::check(ledger, entry))
            .and_then(|()| answers::check(ledger, entry));
        if let Err(problem) = told {
            problems.push(format!("message {number}: {problem}; {entry:?}"));
        }
    }
    problems.into_iter().for_each(|problem| ledger.problem(problem));
}

/// Attempts are counted without gaps, follow each other, and are no more than are allowed.
fn attempts(ledger: &Ledger, entry: &Entry) -> Result<(), String> {
    let numbers = entry.attempts.iter().map(|attempt| attempt.number);
    ensure(numbers.eq(1..=entry.attempts.len() as u32), "its attempts are not counted one by one")?;
    let mut pairs = entry.attempts.windows(2);
    let fits = |pair: &[_]| {
        let [before, after]: &[crate::record::Attempt; 2] = pair.try_into().unwrap();
        before.end.is_some_and(|(end, moment)| end.is_failure() && end != End::Reject && moment < after.began)
    };
    ensure(pairs.all(fits), "an attempt follows one that had not failed, or was the last")?;
    let most = match entry.retry {
        _ if !entry.at_least_once => 1,
        Some(policy) => policy.max_attempts().unwrap_or(u32::MAX),
        None => ledger.most_attempts,
    };
    ensure(entry.attempts.len() as u32 <= most, "it was begun too often")
}

/// It ended in one way, and only if it was accepted.
fn once(ledger: &Ledger, entry: &Entry) -> Result<(), String> {
    let begun = !entry.attempts.is_empty();
    if let Sent::Refused(_) = entry.sent {
        return ensure(!begun && entry.letters.is_empty(), "it was refused, and seen all the same");
    }
    if entry.sent == Sent::TakenBack {
        return ensure(!begun && entry.letters.is_empty(), "it was taken back, and seen all the same");
    }
    if !entry.is_accepted() {
        return Ok(());
    }
    ensure(entry.letters.len() <= 1, "it is dead twice")?;
    ensure(entry.letters.is_empty() || !entry.is_handled(), "it is handled, and dead as well")?;
    ensure(entry.attempts.iter().all(|attempt| attempt.end.is_some()), "an attempt has no end")?;
    ensure(fate(ledger, entry) != Fate::Unseen || may_be_duplicate(ledger, entry), "it is lost")
}

fn fate(ledger: &Ledger, entry: &Entry) -> Fate {
    if let Some(letter) = entry.letters.first() {
        return Fate::As(letter.reason.outcome());
    }
    if entry.sent == Sent::TakenBack {
        return Fate::As(Outcome::Cancelled);
    }
    let by_hand = |attempt: &crate::record::Attempt| ledger.actors[attempt.actor].place.by_hand;
    match entry.last_end() {
        Some(End::Done) => Fate::As(Outcome::Handled),
        // Of others, there is a copy: it must be somewhere.
        Some(end) if !entry.at_least_once && !entry.attempts.last().is_some_and(by_hand) => {
            Fate::As(if end == End::Cut { Outcome::Abandoned } else { Outcome::Failed })
        }
        _ => Fate::Unseen,
    }
}

/// Whether an actor that drops such knew the id when it was sent, or came to know it.
fn may_be_duplicate(ledger: &Ledger, entry: &Entry) -> bool {
    ledger.actors.iter().any(|actor| actor.knows_since(entry.id, entry.began))
}

/// What a living actor must have counted as handled, failed and evicted.
pub(crate) fn failed_at(ledger: &Ledger, actor: usize) -> [u64; 3] {
    let id = ledger.actors[actor].id;
    let mut seen = [0; 3];
    for entry in &ledger.entries {
        let last = entry.attempts.last().filter(|attempt| attempt.actor == actor);
        let letter = entry.letters.iter().find(|letter| letter.actor == id);
        match (last.and_then(|attempt| attempt.end), letter.map(|letter| letter.reason.outcome())) {
            (_, Some(Outcome::Failed)) => seen[1] += 1,
            (_, Some(Outcome::Evicted)) => seen[2] += 1,
            (Some((End::Done, _)), _) => seen[0] += 1,
            (Some((End::Cut, _)), _) => {}
            (Some(_), None) if !entry.at_least_once && !ledger.actors[actor].place.by_hand => seen[1] += 1,
            _ => {}
        }
    }
    seen
}

/// What was accepted before another was sent was begun before it.
pub(crate) fn order(ledger: &mut Ledger) {
    let mut problems = Vec::new();
    for (number, actor) in ledger.actors.iter().enumerate() {
        let firsts = actor.begun.iter().filter(|(_, attempt)| *attempt == 1).map(|(message, _)| *message);
        let firsts: Vec<_> = firsts.filter(|message| goes_straight(&ledger.entries[*message as usize])).collect();
        for (place, later) in firsts.iter().enumerate() {
            let overtaken = firsts[place + 1..].iter().find(|earlier| comes_before(ledger, **earlier, *later));
            overtaken
                .into_iter()
                .for_each(|earlier| problems.push(format!("{later} overtook {earlier} at actor {number}")));
        }
        problems
            .extend(evicted_too_early(ledger, actor).map(|message| format!("{message} was evicted before its time")));
        problems.extend(strict_order(actor).map(|message| format!("{message} was overtaken in strict order")));
    }
    problems.into_iter().for_each(|problem| ledger.problem(problem));
}

/// Whether it went into its mailbox by the hand of its sender.
fn goes_straight(entry: &Entry) -> bool {
    !matches!(entry.how, How::Scheduled(_) | How::Copy | How::Template)
}

fn comes_before(ledger: &Ledger, earlier: u64, later: u64) -> bool {
    let [earlier, later] = [earlier, later].map(|number| &ledger.entries[number as usize]);
    let Sent::Accepted(accepted) = earlier.sent else { return false };
    if earlier.priority != later.priority {
        return false;
    }
    // A request is known to be accepted only when it has its answer.
    if earlier.how != How::Asked && accepted < later.began {
        return true;
    }
    // Where senders wait for room, they do so in the order in which they came.
    [earlier, later].iter().all(|entry| comes_once(ledger, entry)) && earlier.began < later.began
}

/// Whether it is offered to one actor, and not again.
fn comes_once(ledger: &Ledger, entry: &Entry) -> bool {
    let offered_once = ledger.never_retries && entry.retry.is_none() && !entry.at_least_once;
    let to_one = entry.attempts.iter().all(|attempt| {
        let kind = ledger.actors[attempt.actor].place.kind;
        matches!(kind, Kind::Name | Kind::Id)
    });
    offered_once && to_one && entry.how == How::Told
}

/// A message that made room though an older one waited, where the oldest has to go. Where messages are not all of one
/// priority, one that the actor has fetched may have to wait on, and can't be evicted any more.
fn evicted_too_early(ledger: &Ledger, actor: &Actor) -> Option<u64> {
    let here = || (0..).zip(&ledger.entries).filter(|(_, entry)| entry.place == actor.at);
    let plain = here().all(|(_, entry)| entry.priority == MessagePriority::Normal);
    if actor.place.mailbox.on_full() != BackpressureStrategy::DropOldest || actor.place.kind != Kind::Name || !plain {
        return None;
    }
    let older_waits = |evicted: &Entry, found| {
        let begun =
            actor.begun.iter().filter(|(_, attempt)| *attempt == 1).map(|(older, _)| &ledger.entries[*older as usize]);
        let older = |older: &Entry| matches!(older.sent, Sent::Accepted(accepted) if accepted < evicted.began);
        let mut waiting = begun.filter(|entry| goes_straight(entry) && entry.how != How::Asked && older(entry));
        waiting.any(|entry| entry.attempts[0].began > found)
    };
    let evicted = here().filter(|(_, entry)| goes_straight(entry) && entry.attempts.is_empty());
    let mut evicted = evicted.filter_map(|(number, entry)| Some((number, entry, entry.letters.first()?)));
    let wrongly = evicted.find(|(_, entry, letter)| {
        letter.reason == Reason::Evicted && letter.actor == actor.id && older_waits(entry, letter.found)
    });
    wrongly.map(|(number, ..)| number)
}

/// A message that was overtaken between two attempts by one actor that keeps strict order.
fn strict_order(actor: &Actor) -> Option<u64> {
    let overtaken = |pair: &&[(u64, u32)]| {
        let [(before, _), (message, attempt)] = pair else { return false };
        *attempt > 1 && before != message && actor.begun.contains(&(*message, attempt - 1))
    };
    let strict = actor.place.in_order && !actor.place.by_hand;
    let pair = strict.then(|| actor.begun.windows(2).find(overtaken)).flatten()?;
    Some(pair[1].0)
}

/// The broker has counted what is known.
pub(crate) fn counts(ledger: &mut Ledger, audit: &Audit, metrics: &BrokerMetrics) {
    let (mut accepted, mut outcomes) = (0, Outcomes::default());
    for entry in ledger.entries.iter().filter(|entry| entry.is_accepted()) {
        accepted += 1;
        outcomes[match fate(ledger, entry) {
            Fate::As(outcome) => outcome,
            Fate::Unseen => Outcome::Duplicate,
        }] += 1;
    }
    // A caller that has gone may have asked for what was dropped as a duplicate, and nothing shows it.
    let unseen = audit.outcomes[Outcome::Duplicate].saturating_sub(outcomes[Outcome::Duplicate]);
    let unknown =
        |entry: &&Entry| entry.sent == Sent::Unknown && !entry.is_accepted() && may_be_duplicate(ledger, entry);
    if unseen <= ledger.entries.iter().filter(unknown).count() as u64 {
        accepted += unseen;
        outcomes[Outcome::Duplicate] += unseen;
    }
    let attempts = || ledger.entries.iter().flat_map(|entry| &entry.attempts);
    let again = attempts().filter(|attempt| attempt.number > 1).count() as u64;
    let known = (accepted, outcomes, again, ledger.panics, ledger.rebuilds);
    let total = &metrics.total;
    let counted = (audit.accepted, audit.outcomes, total.redeliveries, total.panics, total.rebuilds);
    if known != counted {
        ledger.problem(format!(
            "accepted, outcomes, redeliveries, panics and rebuilds are {known:?}, counted as {counted:?}"
        ));
    }
}

pub(crate) fn ensure(holds: bool, problem: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(problem.into()) }
}

pub(crate) fn note_reached(ledger: &Ledger, metrics: &BrokerMetrics, reached: &mut Reached) {
    for entry in &ledger.entries {
        reached.count("attempt: another", entry.attempts.len().saturating_sub(1) as u64);
        entry.letters.iter().for_each(|letter| reached.note(format!("dead: {:?}", letter.reason)));
        if entry.is_accepted() {
            reached.note(match fate(ledger, entry) {
                Fate::As(outcome) => format!("outcome: {outcome}"),
                Fate::Unseen => format!("outcome: {}", Outcome::Duplicate),
            });
        }
        match entry.sent {
            Sent::Refused(Some(kind)) => reached.note(format!("refused: {kind:?}")),
            Sent::TakenBack => reached.note("taken back"),
            Sent::Accepted(_) if entry.how == How::Forwarded => reached.note("forwarded"),
            Sent::Accepted(_) if entry.how == How::Copy => reached.note("copy at an interval"),
            Sent::Unknown if entry.is_accepted() => reached.note("accepted, and the sender gone"),
            _ => {}
        }
        match &entry.answer {
            Some(Ok(())) => reached.note("answer"),
            Some(Err((kind, _))) => reached.note(format!("no answer: {}", answers::name(kind))),
            None => {}
        }
        let ends = entry.attempts.iter().filter_map(|attempt| attempt.end);
        ends.for_each(|(end, _)| reached.note(format!("end: {}", letters::name(end))));
    }
    reached.count("rebuilt", metrics.total.rebuilds);
    reached.count("offered again", metrics.total.retries);
    reached.count("late reply", metrics.late_replies);
    reached.count("drained", ledger.actors.iter().filter(|actor| actor.drained.is_some()).count() as u64);
    let displaced = ledger.actors.iter().filter(|actor| actor.place.kind == Kind::Id && actor.id.is_some());
    reached.count("actor by id", displaced.count() as u64);
}
