//! What is known of each message and each actor, from what senders, handlers and dead letters show, and from nothing that
//! the broker counts.

use std::collections::HashMap;
use std::time::Duration;

use switchboard::broker::SendErrorKind;
use switchboard::dead_letters::DeadLetter;
use switchboard::message::MessageId;
use switchboard::retry::RetryPolicy;
use tokio::time::Instant;

use crate::job::{Envelope, Job};
use crate::program::{Answer, End, Place};
use crate::record::{Actor, Attempt, Entry, How, Letter, Moment, Sent, Time};

#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) entries: Vec<Entry>,
    pub(crate) actors: Vec<Actor>,
    /// The templates and the entries of what is sent at intervals, by id: each has the number of its template inside.
    copies: HashMap<MessageId, (u64, u64)>,
    moment: Moment,
    /// When a shutdown began.
    pub(crate) shut: Option<Moment>,
    /// When its time is up.
    pub(crate) time_is_up: Option<Instant>,
    /// The most attempts that a policy of the broker or an address allows.
    pub(crate) most_attempts: u32,
    pub(crate) panics: u64,
    pub(crate) rebuilds: u64,
    /// Calls that have not ended.
    pub(crate) calls: usize,
    /// Whether no message is offered again of which nothing says that.
    pub(crate) never_retries: bool,
    /// Messages that were dead letters, and where they were sent.
    pub(crate) dead: Vec<(usize, Envelope)>,
    /// Whether so much has happened that it seems to go on for ever.
    pub(crate) is_endless: bool,
    /// What should not have been.
    pub(crate) problems: Vec<String>,
    /// What happened, for whoever wants to read it.
    pub(crate) lines: Lines,
}

/// More moments than any program has.
const TOO_LONG: Moment = 20_000;

/// What is done with the lines that say what happens.
#[derive(Default)]
pub(crate) enum Lines {
    #[default]
    Dropped,
    Kept(Vec<String>),
    /// At once, so that it can be seen where a program hangs.
    Printed,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        let most_attempts = RetryPolicy::default().max_attempts().unwrap_or(u32::MAX);
        Self { most_attempts, ..Self::default() }
    }

    /// The next moment.
    pub(crate) fn tick(&mut self) -> Moment {
        self.moment += 1;
        self.moment
    }

    pub(crate) fn say(&mut self, what: impl FnOnce() -> String) {
        let moment = self.moment;
        let line = || format!("{moment:>5} {}", what());
        match &mut self.lines {
            Lines::Dropped => {}
            Lines::Kept(lines) => lines.push(line()),
            Lines::Printed => println!("{}", line()),
        }
    }

    pub(crate) fn problem(&mut self, what: String) {
        self.say(|| format!("!!! {what}"));
        self.problems.push(what);
    }

    /// A number for a new message.
    pub(crate) fn next_number(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Enters a message that is about to be sent, under the next number.
    pub(crate) fn enter(&mut self, how: How, place: usize, envelope: &Envelope) {
        let began = self.tick();
        let entry = Entry {
            how,
            place,
            id: envelope.id(),
            priority: envelope.priority(),
            at_least_once: envelope.is_at_least_once(),
            retry: envelope.retry_policy(),
            deadline: envelope.deadline().map_or(Time::Unlimited, Time::Until),
            asked: envelope.message().asked,
            began,
            sent: Sent::Unknown,
            is_over: false,
            attempts: Vec::new(),
            letters: Vec::new(),
            answer: None,
        };
        let number = self.next_number();
        self.say(|| format!("{how:?} message {number} to place {place}"));
        self.entries.push(entry);
    }

    pub(crate) fn entry(&mut self, number: u64) -> &mut Entry {
        &mut self.entries[number as usize]
    }

    /// The number under which a message is entered, which is found whole.
    pub(crate) fn identify(&mut self, envelope: &Envelope) -> u64 {
        let number = envelope.message().number;
        self.check_whole(envelope.message(), number);
        if self.entries[number as usize].how == How::Template {
            return self.copy_of(number, envelope);
        }
        let entry = &mut self.entries[number as usize];
        if entry.how == How::Reply {
            // The broker puts it in an envelope.
            entry.id = envelope.id();
        }
        if entry.id != envelope.id()
            || entry.priority != envelope.priority()
            || entry.at_least_once != envelope.is_at_least_once()
        {
            self.problem(format!("message {number} has another header"));
        }
        number
    }

    fn copy_of(&mut self, template: u64, envelope: &Envelope) -> u64 {
        if let Some((_, number)) = self.copies.get(&envelope.id()) {
            return *number;
        }
        let (number, moment) = (self.next_number(), self.tick());
        let place = self.entries[template as usize].place;
        self.enter(How::Copy, place, envelope);
        let entry = self.entry(number);
        entry.sent = Sent::Accepted(moment);
        if entry.deadline != Time::Unlimited {
            entry.deadline = Time::Limited;
        }
        self.copies.insert(envelope.id(), (template, number));
        number
    }

    /// How many copies of a template were seen.
    pub(crate) fn copies_of(&self, template: u64) -> u64 {
        self.copies.values().filter(|(of, _)| *of == template).count() as u64
    }

    pub(crate) fn check_whole(&mut self, job: &Job, number: u64) {
        if job.number != number || !job.is_whole() {
            self.problem(format!("message {number} is not whole"));
        }
    }

    /// An actor begins with a message. Gives its number, and which of its attempts that is.
    pub(crate) fn begin(&mut self, actor: usize, envelope: &Envelope) -> (u64, usize) {
        if self.moment > TOO_LONG && !self.is_endless {
            self.is_endless = true;
            self.problem("it does not come to an end".into());
        }
        let number = self.identify(envelope);
        let began = self.tick();
        let attempt = Attempt {
            actor,
            number: envelope.attempt(),
            began,
            end: None,
            ended_at: None,
            answered: false,
            passed_on: false,
        };
        self.say(|| format!("actor {actor} begins {number}, attempt {}", envelope.attempt()));
        self.check_unknown(actor, number, envelope);
        self.check_wanted(number, envelope);
        self.actors[actor].begun.push((number, envelope.attempt()));
        let entry = self.entry(number);
        entry.attempts.push(attempt);
        (number, entry.attempts.len() - 1)
    }

    /// An actor that drops what it has handled before does not begin with it.
    fn check_unknown(&mut self, actor: usize, number: u64, envelope: &Envelope) {
        let known = self.actors[actor].knows(envelope.id());
        // Held in strict order, it is not looked at again.
        let held = self.actors[actor].begun.last() == Some(&(number, envelope.attempt() - 1));
        if known && !held {
            self.problem(format!("actor {actor} begins {number}, though it has handled its id before"));
        }
    }

    /// Nobody begins with a request whose caller waits no more.
    fn check_wanted(&mut self, number: u64, envelope: &Envelope) {
        let asked = envelope.message().asked.filter(|_| envelope.is_request());
        if asked.is_some_and(|asked| self.entry(asked).is_over) {
            self.problem(format!("{number} is begun, and nobody waits for the answer"));
        }
    }

    /// An attempt has ended.
    pub(crate) fn end(&mut self, (number, attempt): (u64, usize), end: End) {
        let moment = self.tick();
        let entry = &mut self.entries[number as usize];
        let id = entry.id;
        let attempt = &mut entry.attempts[attempt];
        (attempt.end, attempt.ended_at) = (Some((end, moment)), Some(Instant::now()));
        let (actor, passed_on) = (attempt.actor, attempt.passed_on);
        self.say(|| format!("actor {actor} ends {number}: {end:?}"));
        let actor = &mut self.actors[actor];
        match end {
            End::Done if !passed_on && !actor.place.by_hand && !actor.knows(id) => actor.handled.push((id, moment)),
            End::Panic if !actor.place.by_hand => {
                self.panics += 1;
                if !actor.place.rebuilds {
                    actor.stopping.get_or_insert(moment);
                }
            }
            _ => {}
        }
    }

    /// Says that an attempt does something about an answer.
    pub(crate) fn answers(&mut self, (number, attempt): (u64, usize), answer: Answer) {
        self.entry(number).attempts[attempt].answered |= answer != Answer::None;
    }

    /// Says that an attempt has passed its message on.
    pub(crate) fn passes_on(&mut self, (number, attempt): (u64, usize)) {
        self.entry(number).attempts[attempt].passed_on = true;
    }

    pub(crate) fn accept(&mut self, number: u64) {
        let moment = self.tick();
        self.entry(number).sent = Sent::Accepted(moment);
        self.say(|| format!("{number} is accepted"));
    }

    /// A message was not accepted, and came back.
    pub(crate) fn refuse(&mut self, number: u64, kind: Option<SendErrorKind>, back: &Job) {
        self.tick();
        self.check_whole(back, number);
        self.entry(number).sent = Sent::Refused(kind);
        self.say(|| format!("{number} is refused: {kind:?}"));
    }

    /// A dead letter was found. Gives the place that it was sent to.
    pub(crate) fn bury(&mut self, letter: &DeadLetter<Job>) -> usize {
        let number = self.identify(&letter.envelope);
        let (found, at) = (self.tick(), Instant::now());
        let DeadLetter { reason, attempts, actor, ref cause, .. } = *letter;
        self.say(|| format!("{number} is dead after {attempts} attempts: {reason:?}"));
        if letter.envelope.metadata("colour") != Some("red") && self.entry(number).how != How::Reply {
            self.problem(format!("the dead letter {number} has lost its metadata"));
        }
        let entry = self.entry(number);
        entry.letters.push(Letter { reason, attempts, actor, cause: cause.clone(), found, at });
        entry.place
    }

    /// Enters an actor that is about to start.
    pub(crate) fn start(&mut self, at: usize, place: &Place) -> usize {
        self.actors.push(Actor {
            at,
            place: place.clone(),
            id: None,
            closed: None,
            stopping: None,
            drained: None,
            ended: None,
            begun: Vec::new(),
            handled: Vec::new(),
            builds: 0,
        });
        self.actors.len() - 1
    }

    /// The broker is being shut down.
    pub(crate) fn shut_within(&mut self, time: Duration) {
        let moment = self.tick();
        self.say(|| format!("the broker is shut down within {time:?}"));
        self.shut.get_or_insert(moment);
        let up = Instant::now() + time;
        self.time_is_up = Some(self.time_is_up.map_or(up, |other| other.min(up)));
        for actor in &mut self.actors {
            actor.closed.get_or_insert(moment);
        }
    }

    /// Changes when something happened to an actor, if that is the first time.
    pub(crate) fn mark(&mut self, actor: usize, what: &str, of: impl FnOnce(&mut Actor) -> &mut Option<Moment>) {
        let moment = self.tick();
        of(&mut self.actors[actor]).get_or_insert(moment);
        self.say(|| format!("actor {actor} {what}"));
    }
}
