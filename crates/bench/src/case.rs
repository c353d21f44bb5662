//! Every row of every table: which peer is measured in which scenario.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

use crate::peers;
use crate::savina;
use crate::scenario::{
    Ask, Churn, Footprint, Idle, Kind, Pace, Peer, Tell, measure_asks, measure_asks_within, measure_churn,
    measure_idle, measure_resolve, measure_tells,
};

/// Two workers, as the budgets were measured with.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("two threads can be started")
});

/// One row: measured anew in each round.
#[derive(Clone, Copy)]
pub struct Case {
    pub scenario: &'static str,
    pub peer: &'static str,
    pub kind: Kind,
    run: fn(Pace) -> f64,
}

impl Case {
    pub fn new<P: Peer>(scenario: &'static str, run: fn(Pace) -> f64) -> Self {
        Self { scenario, peer: P::NAME, kind: P::KIND, run }
    }

    /// Nanoseconds per piece of work, in one round.
    pub fn run(&self, pace: Pace) -> f64 {
        (self.run)(pace)
    }
}

pub const TELL_1: &str = "tell 1:1";
pub const TELL_4: &str = "tell 4:1";
pub const ASK_1: &str = "ask, one task";
pub const ASK_64: &str = "ask, 64 tasks";
pub const ASK_WITHIN_1: &str = "ask with a timeout, one task";
pub const ASK_WITHIN_64: &str = "ask with a timeout, 64 tasks";
pub const CHURN: &str = "spawn and stop";
pub const POOL: &str = "tell to a pool of 4";
pub const RESOLVE: &str = "resolve by id";

/// The scenarios in the order of the tables.
pub const SCENARIOS: [&str; 9] = [TELL_1, TELL_4, ASK_1, ASK_64, ASK_WITHIN_1, ASK_WITHIN_64, CHURN, POOL, RESOLVE];

/// All rows that are measured in time.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(tells::<peers::switchboard::ByRoute>());
    cases.extend(tells::<peers::switchboard::ByAddress>());
    cases.extend(tells::<peers::kameo::Teller>());
    cases.extend(tells::<peers::ractor::Teller>());
    cases.extend(tells::<peers::actix::Teller>());
    cases.extend(tells::<peers::xtra::Teller>());
    cases.extend(tells::<peers::coerce::Teller>());
    cases.extend(tells::<peers::kanal::Teller>());
    cases.extend(tells::<peers::mpsc::Teller>());
    cases.extend(tells::<peers::flume::Teller>());
    cases.extend(tells::<peers::async_channel::Teller>());
    cases.extend(tells::<peers::crossfire::Teller>());
    cases.extend(asks::<peers::switchboard::Asker>());
    cases.extend(asks::<peers::kameo::Asker>());
    cases.extend(asks::<peers::ractor::Asker>());
    cases.extend(asks::<peers::actix::Asker>());
    cases.extend(asks::<peers::xtra::Asker>());
    cases.extend(asks::<peers::coerce::Asker>());
    cases.extend(asks::<peers::kanal::Asker>());
    cases.extend(asks::<peers::mpsc::Asker>());
    cases.extend(asks::<peers::flume::Asker>());
    cases.extend(asks::<peers::async_channel::Asker>());
    cases.extend(asks::<peers::crossfire::Asker>());
    cases.push(churn::<peers::switchboard::Actors>());
    cases.push(churn::<peers::kameo::Actors>());
    cases.push(churn::<peers::ractor::Actors>());
    cases.push(churn::<peers::actix::Actors>());
    cases.push(churn::<peers::xtra::Actors>());
    cases.push(churn::<peers::coerce::Actors>());
    cases.push(churn::<peers::mpsc::Tasks>());
    cases.push(Case::new::<peers::switchboard::Pool>(POOL, |pace| {
        RUNTIME.block_on(measure_tells::<peers::switchboard::Pool>(1, pace))
    }));
    cases.extend(resolves());
    cases.extend(savina::cases());
    cases
}

fn tells<T: Tell>() -> [Case; 2] {
    [
        Case::new::<T>(TELL_1, |pace| RUNTIME.block_on(measure_tells::<T>(1, pace))),
        Case::new::<T>(TELL_4, |pace| RUNTIME.block_on(measure_tells::<T>(4, pace))),
    ]
}

fn asks<A: Ask>() -> [Case; 4] {
    [
        Case::new::<A>(ASK_1, |pace| RUNTIME.block_on(measure_asks::<A>(1, pace))),
        Case::new::<A>(ASK_64, |pace| RUNTIME.block_on(measure_asks::<A>(64, pace))),
        Case::new::<A>(ASK_WITHIN_1, |pace| RUNTIME.block_on(measure_asks_within::<A>(1, pace))),
        Case::new::<A>(ASK_WITHIN_64, |pace| RUNTIME.block_on(measure_asks_within::<A>(64, pace))),
    ]
}

fn churn<C: Churn>() -> Case {
    Case::new::<C>(CHURN, |pace| RUNTIME.block_on(measure_churn::<C>(pace)))
}

fn resolves() -> [Case; 4] {
    let case = |peer, run| Case { scenario: RESOLVE, peer, kind: Kind::Switchboard, run };
    [
        case("among 10", |pace| RUNTIME.block_on(measure_resolve(10, pace))),
        case(AMONG_1_000, |pace| RUNTIME.block_on(measure_resolve(1_000, pace))),
        case("among 100,000", |pace| RUNTIME.block_on(measure_resolve(100_000, pace))),
        case("among 1,000,000", |pace| RUNTIME.block_on(measure_resolve(1_000_000, pace))),
    ]
}

pub const AMONG_1_000: &str = "among 1,000";

/// One row of the table of memory. It is measured in a process of its own, so that nobody finds what another has left.
#[derive(Clone, Copy)]
pub struct MemoryCase {
    pub peer: &'static str,
    run: fn(usize) -> Footprint,
}

impl MemoryCase {
    fn new<I: Idle>() -> Self {
        Self { peer: I::NAME, run: |actors| RUNTIME.block_on(measure_idle::<I>(actors)) }
    }

    pub fn run(&self, actors: usize) -> Footprint {
        (self.run)(actors)
    }
}

/// All rows that are measured in bytes.
pub fn memory_cases() -> [MemoryCase; 7] {
    [
        MemoryCase::new::<peers::switchboard::Actors>(),
        MemoryCase::new::<peers::kameo::Actors>(),
        MemoryCase::new::<peers::ractor::Actors>(),
        MemoryCase::new::<peers::actix::Actors>(),
        MemoryCase::new::<peers::xtra::Actors>(),
        MemoryCase::new::<peers::coerce::Actors>(),
        MemoryCase::new::<peers::mpsc::Tasks>(),
    ]
}
