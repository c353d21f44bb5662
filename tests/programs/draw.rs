//! Draws programs.

use std::time::Duration;

use fastrand::Rng;
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::MessagePriority;
use switchboard::retry::{Backoff, Failure, Failures, RetryPolicy};

use crate::program::{Act, Again, Answer, By, Does, End, Ending, Kind, Note, Pause, Place, Program, Step, Way};

/// The program of a seed.
pub(crate) fn program(seed: u64) -> Program {
    let mut draw = Draw { rng: Rng::with_seed(seed), places: 0 };
    draw.places = draw.rng.usize(1..=5);
    let places: Vec<_> = (0..draw.places).map(|_| draw.place()).collect();
    let mut steps: Vec<_> = (0..draw.places).filter(|_| draw.chance(90)).map(Step::Start).collect();
    let more = draw.rng.usize(5..=60 - steps.len());
    let mut shut = false;
    for _ in 0..more {
        let step = draw.step(&places);
        // One that comes early leaves little to look at.
        if !(matches!(step, Step::ShutDown(_)) && std::mem::replace(&mut shut, true)) {
            steps.push(step);
        }
    }
    let retry = draw.chance(30).then(|| draw.policy());
    Program { seed, retry, patience: draw.rng.u64(20..2_000), places, steps, ending: draw.ending() }
}

struct Draw {
    rng: Rng,
    places: usize,
}

impl Draw {
    fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(0..100) < percent
    }

    /// One of the choices, as often as its weight says.
    fn one_of<T: Clone>(&mut self, choices: &[(u32, T)]) -> T {
        let mut left = self.rng.u32(0..choices.iter().map(|(weight, _)| weight).sum());
        for (weight, choice) in choices {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return choice.clone(),
            }
        }
        unreachable!("the weights are more than what was drawn")
    }

    fn place_of(&mut self) -> usize {
        self.rng.usize(0..self.places)
    }

    fn any(&mut self) -> usize {
        self.rng.usize(0..1_000)
    }

    fn place(&mut self) -> Place {
        let kinds = [(70, Kind::Name), (10, Kind::Id), (15, Kind::Pool), (5, Kind::Service)];
        let by_hand = self.chance(25);
        Place {
            kind: self.one_of(&kinds),
            by_hand,
            mailbox: self.mailbox(),
            rebuilds: self.chance(60),
            in_order: self.chance(30),
            window: self.one_of(&[(60, 0), (20, 1), (20, 8)]),
            fails_to_start: self.chance(10).then(|| self.rng.u32(0..4)),
        }
    }

    fn mailbox(&mut self) -> MailboxOptions {
        use BackpressureStrategy::{Block, DropNewest, DropOldest, Error};
        let capacity = self.one_of(&[(40, 1), (20, 2), (20, 3), (20, 16)]);
        let mailbox = if self.chance(5) { MailboxOptions::unbounded() } else { MailboxOptions::bounded(capacity) };
        let mailbox = mailbox.strategy(self.one_of(&[(55, Block), (15, DropOldest), (15, DropNewest), (15, Error)]));
        if self.chance(20) { mailbox.block_limit(millis(self.rng.u64(0..60))) } else { mailbox }
    }

    fn policy(&mut self) -> RetryPolicy {
        let base = millis(self.rng.u64(0..60));
        let backoff = match self.rng.u32(0..3) {
            0 => Backoff::exponential(base),
            1 => Backoff::exponential(base).without_jitter(),
            _ => Backoff::fixed(base),
        };
        let policy = match self.rng.u32(0..10) {
            // With a floor under the delays, so that it does not go on for ever within no time.
            0 => {
                RetryPolicy::unlimited().within(millis(self.rng.u64(0..200))).backoff(Backoff::fixed(base + millis(5)))
            }
            1 => RetryPolicy::attempts(4).within(millis(self.rng.u64(0..200))).backoff(backoff),
            _ => RetryPolicy::attempts(self.rng.u32(1..5)).backoff(backoff),
        };
        let failures = [Failures::ALL, Failures::NEVER_RAN, Failures::ALL.without(Failure::Panicked)];
        policy.on(self.one_of(&[(80, failures[0]), (10, failures[1]), (10, failures[2])]))
    }

    fn ending(&mut self) -> Ending {
        let time = self.one_of(&[(30, 0), (30, 20), (20, 200), (20, 10_000)]);
        self.one_of(&[(40, Ending::Rest), (25, Ending::Drain), (35, Ending::ShutDown(time))])
    }

    fn step(&mut self, places: &[Place]) -> Step {
        let to = self.place_of();
        let hand = places.iter().any(|place| place.by_hand);
        match self.rng.u32(0..if hand { 1_180 } else { 1_000 }) {
            0..50 => Step::Start(to),
            50..200 => Step::Send(to, self.way(), self.note()),
            200..320 => Step::TrySend(to, self.way(), self.note()),
            320..450 => Step::Ask(to, self.way(), self.note()),
            450..490 => {
                Step::SendAgain(self.any(), self.one_of(&[(2, Again::TrySend), (1, Again::Ask), (2, Again::Twice)]))
            }
            490..560 => Step::SendAfter(to, self.rng.u64(0..80), self.note()),
            560..580 => Step::SendEvery(to, self.rng.u64(0..40), self.note()),
            580..600 => Step::CancelScheduled(self.any()),
            600..610 => Step::CancelRecurring(self.any()),
            610..650 => Step::GoAway(self.any()),
            650..700 => Step::Yield(self.rng.u32(1..8)),
            700..830 => Step::Wait(self.one_of(&[(50, 1), (30, 10), (20, 60)])),
            830..890 => Step::Release(self.rng.usize(1..3)),
            890..940 => self.ends_an_actor(),
            940..960 => Step::SetRetry(to, self.chance(70).then(|| self.policy())),
            960..966 => Step::ShutDown(self.rng.u64(0..200)),
            966..1_000 => Step::Wait(self.rng.u64(1..200)),
            _ => self.step_by_hand(),
        }
    }

    fn ends_an_actor(&mut self) -> Step {
        let whom = self.any();
        let ends = [(3, Step::Stop(whom)), (4, Step::Abort(whom)), (3, Step::Drain(whom)), (2, Step::Unregister(whom))];
        self.one_of(&ends)
    }

    fn step_by_hand(&mut self) -> Step {
        let which = self.any();
        match self.rng.u32(0..20) {
            0..8 => Step::Receive(which, self.one_of(&[(60, 0), (40, 20)])),
            8..18 => Step::Finish(which, self.by()),
            18 => Step::CloseInbox(which),
            _ => Step::DropInbox(which),
        }
    }

    fn by(&mut self) -> By {
        let token = By::Token(self.rng.u64(0..40), self.chance(50));
        let failing = By::Failing(self.failure());
        self.one_of(&[(15, By::Drop), (10, By::Taking), (20, By::Answering), (10, token), (45, failing)])
    }

    fn way(&mut self) -> Way {
        self.one_of(&[(70, Way::Address), (15, Way::Route), (15, Way::Latest)])
    }

    fn note(&mut self) -> Note {
        use MessagePriority::{Critical, High, Low, Normal};
        let at_least_once = self.chance(55);
        let attempts = if at_least_once { self.rng.usize(1..5) } else { 1 };
        Note {
            priority: self.one_of(&[(80, Normal), (8, High), (6, Low), (6, Critical)]),
            at_least_once,
            retry: self.chance(if at_least_once { 60 } else { 25 }).then(|| self.policy()),
            within: self.chance(25).then(|| self.one_of(&[(5, 0), (30, 5), (35, 50), (30, 400)])),
            lives: self.chance(8).then(|| self.rng.u64(1..60)),
            reply_to: self.chance(10).then(|| self.place_of()),
            clones: (at_least_once && self.chance(3)).then(|| self.rng.u32(0..3)),
            acts: (0..attempts).map(|_| self.act()).collect(),
        }
    }

    fn act(&mut self) -> Act {
        let sleep = Pause::Sleep(self.rng.u64(0..40));
        Act {
            pause: self.one_of(&[(50, Pause::None), (10, Pause::Yield), (25, sleep), (15, Pause::Stall)]),
            does: self.deed(),
            answer: self.answer(),
            pause_again: self.one_of(&[(70, Pause::None), (15, sleep), (15, Pause::Stall)]),
            end: if self.chance(45) { End::Done } else { self.failure() },
        }
    }

    fn deed(&mut self) -> Does {
        let (to, after) = (self.place_of(), self.rng.u64(0..50));
        self.one_of(&[
            (76, Does::Nothing),
            (6, Does::Send(to)),
            (6, Does::TrySend(to)),
            (6, Does::Ask(to)),
            (4, Does::SendAfter(to, after)),
            (2, Does::Stop),
        ])
    }

    fn answer(&mut self) -> Answer {
        let forward = Answer::Forward(self.place_of());
        let token = Answer::Token(self.rng.u64(0..60), self.chance(70));
        self.one_of(&[(30, Answer::None), (40, Answer::Reply), (20, forward), (10, token)])
    }

    fn failure(&mut self) -> End {
        // Not at once: where attempts are unlimited, time would stand still.
        let later = End::RetryAfter(self.rng.u64(1..50));
        self.one_of(&[(45, End::Fail), (25, End::Panic), (10, End::Reject), (20, later)])
    }
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
