//! How often programs came to what matters, so that they can't stop doing so without anybody's notice.

use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub(crate) struct Reached(BTreeMap<String, u64>);

impl Reached {
    pub(crate) fn note(&mut self, what: impl Into<String>) {
        self.count(what, 1);
    }

    pub(crate) fn count(&mut self, what: impl Into<String>, times: u64) {
        *self.0.entry(what.into()).or_default() += times;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        other.0.iter().for_each(|(what, times)| self.count(what, *times));
    }

    /// What was reached less often than it should have been.
    pub(crate) fn missing(&self) -> Vec<(&'static str, u64)> {
        let times = |what: &str| self.0.get(what).copied().unwrap_or(0);
        let missing = WANTED.iter().filter(|(what, least)| times(what) < *least);
        missing.map(|(what, _)| (*what, times(what))).collect()
    }
}

impl std::fmt::Display for Reached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|(what, times)| writeln!(f, "{times:>9} {what}"))
    }
}

/// What each half of the programs must come to, and how often at least.
const WANTED: &[(&str, u64)] = &[
    ("accepted, and the sender gone", 100),
    ("actor by id", 400),
    ("answer", 1_000),
    ("attempt: another", 1_000),
    ("copy at an interval", 1_000),
    ("dead: ActorStopped", 500),
    ("dead: Cancelled", 30),
    ("dead: Evicted", 1_000),
    ("dead: Expired", 500),
    ("dead: Failed", 500),
    ("dead: Panicked", 300),
    ("dead: Rejected", 200),
    ("dead: ShutDown", 1_000),
    ("dead: Undeliverable(ActorStopped)", 10),
    ("dead: Undeliverable(Full)", 20),
    ("dead: Undeliverable(NoMembers)", 100),
    ("dead: Undeliverable(NoSuchActor)", 500),
    ("drained", 1_000),
    ("end: again after a time", 800),
    ("end: cut off", 100),
    ("end: done", 5_000),
    ("end: failed", 2_000),
    ("end: panicked", 1_000),
    ("end: rejected", 300),
    ("forwarded", 250),
    ("in line: a message that nobody waits with", 400),
    ("late reply", 50),
    ("no answer: actor stopped", 300),
    ("no answer: duplicate", 5),
    ("no answer: evicted", 150),
    ("no answer: handler failed", 150),
    ("no answer: handler panicked", 50),
    ("no answer: no reply", 500),
    ("no answer: not sent", 2_000),
    ("no answer: timed out", 300),
    ("no answer: would deadlock", 100),
    ("offered again", 4_000),
    ("outcome: cancelled", 200),
    ("outcome: duplicate", 40),
    ("rebuilt", 800),
    ("refused: ActorStopped", 500),
    ("refused: Expired", 500),
    ("refused: Full", 800),
    ("refused: NoMembers", 500),
    ("refused: NoSuchActor", 2_000),
    ("refused: ShutDown", 2_000),
    ("refused: TimedOut", 50),
    ("shut down in the middle", 200),
    ("state: a blocked sender", 1_000),
    ("state: a request in flight", 5_000),
    ("state: a wait in strict order", 800),
    ("state: something waits with the broker", 5_000),
    ("taken back", 200),
];
