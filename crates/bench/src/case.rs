//! Every row of every table: which peer is measured in which scenario.

mod delays;
mod growth;
mod memory;

use std::sync::{LazyLock, OnceLock};

use tokio::runtime::{Builder, Runtime};

pub use self::delays::{DelayCase, LATENCY, delay_cases};
pub use self::growth::{GROWTH, RESOLVE};
pub use self::memory::memory_cases;
use crate::peers;
use crate::savina;
use crate::scenario::{
    Ask, Churn, Fan, Kind, Pace, Peer, Share, Tell, measure_asks, measure_asks_within, measure_churn, measure_fan,
    measure_pairs, measure_sharing, measure_tells, measure_tells_in_turn,
};

/// How many workers the runtime has, if that was said.
pub static WORKERS: OnceLock<usize> = OnceLock::new();

pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| runtime(workers()));
/// For the scenarios that say so.
static ONE_WORKER: LazyLock<Runtime> = LazyLock::new(|| runtime(1));

/// Two where nobody has said otherwise: the budgets were set with them.
pub fn workers() -> usize {
    WORKERS.get().copied().unwrap_or(2)
}

fn runtime(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).enable_time().build().expect("a few threads can be started")
}

/// One row: measured anew in each round.
#[derive(Clone, Copy)]
pub struct Case {
    pub scenario: &'static str,
    pub peer: &'static str,
    pub kind: Kind,
    /// Of how many, where a scenario shows how the cost grows.
    pub size: Option<u64>,
    /// It has no more rounds than this, where a round takes long.
    pub most_rounds: usize,
    run: fn(Pace) -> f64,
}

impl Case {
    pub fn new<P: Peer>(scenario: &'static str, run: fn(Pace) -> f64) -> Self {
        Self { scenario, peer: P::NAME, kind: P::KIND, size: None, most_rounds: usize::MAX, run }
    }

    /// Nanoseconds per piece of work, in one round.
    pub fn run(&self, pace: Pace) -> f64 {
        (self.run)(pace)
    }
}

pub const TELL_1: &str = "tell 1:1";
pub const TELL_4: &str = "tell 4:1";
pub const TELL_TO_4: &str = "tell 1:4";
pub const TELL_PAIRS: &str = "tell, 64 pairs";
pub const TELL_1_UNBOUNDED: &str = "tell 1:1, unbounded";
pub const TELL_1_SMALL: &str = "tell 1:1, 8 bytes";
pub const TELL_1_LARGE: &str = "tell 1:1, 512 bytes";
pub const TELL_1_ONE_WORKER: &str = "tell 1:1, one worker";
pub const TELL_4_ONE_WORKER: &str = "tell 4:1, one worker";
pub const ASK_1: &str = "ask, one task";
pub const ASK_64: &str = "ask, 64 tasks";
pub const ASK_1000: &str = "ask, 1,000 tasks";
pub const ASK_1_ONE_WORKER: &str = "ask, one task, one worker";
pub const ASK_64_ONE_WORKER: &str = "ask, 64 tasks, one worker";
pub const ASK_WITHIN_1: &str = "ask with a timeout, one task";
pub const ASK_WITHIN_64: &str = "ask with a timeout, 64 tasks";
pub const ASK_WITHIN_1000: &str = "ask with a timeout, 1,000 tasks";
pub const CHURN: &str = "spawn and stop";
pub const POOL: &str = "tell to a pool of 4";
pub const PUBLISH_1: &str = "publish to one";
pub const PUBLISH_10: &str = "publish to 10";
pub const PUBLISH_1000: &str = "publish to 1,000";

/// The scenarios with one figure per peer, in the order of the tables.
pub const SCENARIOS: &[&str] = &[
    TELL_1,
    TELL_1_UNBOUNDED,
    TELL_1_SMALL,
    TELL_1_LARGE,
    TELL_1_ONE_WORKER,
    TELL_4,
    TELL_4_ONE_WORKER,
    TELL_TO_4,
    TELL_PAIRS,
    ASK_1,
    ASK_1_ONE_WORKER,
    ASK_64,
    ASK_64_ONE_WORKER,
    ASK_1000,
    ASK_WITHIN_1,
    ASK_WITHIN_64,
    ASK_WITHIN_1000,
    POOL,
    PUBLISH_1,
    PUBLISH_10,
    PUBLISH_1000,
    CHURN,
];

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
    cases.extend(tells_to_one::<peers::elfo::Teller>());
    cases.extend(tells::<peers::kompact::Teller>());
    cases.extend(tells::<peers::kanal::Teller>());
    cases.extend(tells::<peers::mpsc::Teller>());
    cases.extend(tells::<peers::flume::Teller>());
    cases.extend(tells::<peers::async_channel::Teller>());
    cases.extend(tells::<peers::crossfire::Teller>());
    cases.extend(kinds_of_tells());
    cases.extend(asks::<peers::switchboard::Asker>());
    cases.extend(asks::<peers::kameo::Asker>());
    cases.extend(asks::<peers::ractor::Asker>());
    cases.extend(asks::<peers::actix::Asker>());
    cases.extend(asks::<peers::xtra::Asker>());
    cases.extend(asks::<peers::coerce::Asker>());
    cases.extend(asks::<peers::elfo::Asker>());
    cases.extend(asks::<peers::kompact::Asker>());
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
    cases.push(churn::<peers::kompact::Actors>());
    cases.push(churn::<peers::mpsc::Tasks>());
    cases.push(pool::<peers::switchboard::Pool>());
    cases.push(pool::<peers::kanal::Shared>());
    cases.push(pool::<peers::flume::Shared>());
    cases.push(pool::<peers::async_channel::Shared>());
    cases.extend(publishes::<peers::switchboard::Publisher>());
    cases.extend(publishes::<peers::switchboard::Telling>());
    cases.extend(publishes::<peers::ractor::Publisher>());
    cases.extend(publishes::<peers::mpsc::Telling>());
    cases.extend(growth::cases());
    cases.extend(savina::cases());
    cases
}

fn tells<T: Tell>() -> Vec<Case> {
    let mut cases = tells_to_one::<T>().to_vec();
    cases.push(Case::new::<T>(TELL_TO_4, |pace| RUNTIME.block_on(measure_tells_in_turn::<T>(4, pace))));
    cases.push(Case::new::<T>(TELL_PAIRS, |pace| RUNTIME.block_on(measure_pairs::<T>(64, pace))));
    cases
}

fn tells_to_one<T: Tell>() -> [Case; 4] {
    [
        Case::new::<T>(TELL_1, |pace| RUNTIME.block_on(measure_tells::<_, T>(1, pace))),
        Case::new::<T>(TELL_4, |pace| RUNTIME.block_on(measure_tells::<_, T>(4, pace))),
        Case::new::<T>(TELL_1_ONE_WORKER, |pace| ONE_WORKER.block_on(measure_tells::<_, T>(1, pace))),
        Case::new::<T>(TELL_4_ONE_WORKER, |pace| ONE_WORKER.block_on(measure_tells::<_, T>(4, pace))),
    ]
}

/// Other mailboxes and messages than in most scenarios. Mailboxes of ractor and actix never keep to a bound.
fn kinds_of_tells() -> Vec<Case> {
    use peers::{actix, async_channel, crossfire, flume, kameo, kanal, kompact, mpsc, ractor, switchboard, xtra};

    let mut cases = Vec::new();
    cases.extend(kinds::<switchboard::ByRoute<5, false>, switchboard::ByRoute<0>, switchboard::ByRoute<63>>());
    cases.extend(kinds::<switchboard::ByAddress<5, false>, switchboard::ByAddress<0>, switchboard::ByAddress<63>>());
    cases.extend(kinds::<kameo::Teller<5, false>, kameo::Teller<0>, kameo::Teller<63>>());
    cases.extend(kinds::<ractor::Teller, ractor::Teller<0>, ractor::Teller<63>>());
    cases.extend(kinds::<actix::Teller, actix::Teller<0>, actix::Teller<63>>());
    cases.extend(kinds::<xtra::Teller<5, false>, xtra::Teller<0>, xtra::Teller<63>>());
    cases.extend(kinds::<kompact::Teller, kompact::Teller<0>, kompact::Teller<63>>());
    cases.extend(kinds::<kanal::Teller<5, false>, kanal::Teller<0>, kanal::Teller<63>>());
    cases.extend(kinds::<mpsc::Unbounded, mpsc::Teller<0>, mpsc::Teller<63>>());
    cases.extend(kinds::<flume::Teller<5, false>, flume::Teller<0>, flume::Teller<63>>());
    cases.extend(kinds::<async_channel::Teller<5, false>, async_channel::Teller<0>, async_channel::Teller<63>>());
    cases.extend(kinds::<crossfire::Unbounded, crossfire::Teller<0>, crossfire::Teller<63>>());
    cases
}

fn kinds<Unbounded: Tell, Small: Tell<0>, Large: Tell<63>>() -> [Case; 3] {
    [
        Case::new::<Unbounded>(TELL_1_UNBOUNDED, |pace| RUNTIME.block_on(measure_tells::<_, Unbounded>(1, pace))),
        Case::new::<Small>(TELL_1_SMALL, |pace| RUNTIME.block_on(measure_tells::<_, Small>(1, pace))),
        Case::new::<Large>(TELL_1_LARGE, |pace| RUNTIME.block_on(measure_tells::<_, Large>(1, pace))),
    ]
}

fn asks<A: Ask>() -> [Case; 8] {
    [
        Case::new::<A>(ASK_1, |pace| RUNTIME.block_on(measure_asks::<A>(1, pace))),
        Case::new::<A>(ASK_64, |pace| RUNTIME.block_on(measure_asks::<A>(64, pace))),
        Case::new::<A>(ASK_1000, |pace| RUNTIME.block_on(measure_asks::<A>(1_000, pace))),
        Case::new::<A>(ASK_1_ONE_WORKER, |pace| ONE_WORKER.block_on(measure_asks::<A>(1, pace))),
        Case::new::<A>(ASK_64_ONE_WORKER, |pace| ONE_WORKER.block_on(measure_asks::<A>(64, pace))),
        Case::new::<A>(ASK_WITHIN_1, |pace| RUNTIME.block_on(measure_asks_within::<A>(1, pace))),
        Case::new::<A>(ASK_WITHIN_64, |pace| RUNTIME.block_on(measure_asks_within::<A>(64, pace))),
        Case::new::<A>(ASK_WITHIN_1000, |pace| RUNTIME.block_on(measure_asks_within::<A>(1_000, pace))),
    ]
}

fn churn<C: Churn>() -> Case {
    Case::new::<C>(CHURN, |pace| RUNTIME.block_on(measure_churn::<C>(pace)))
}

fn pool<S: Share>() -> Case {
    Case::new::<S>(POOL, |pace| RUNTIME.block_on(measure_sharing::<S>(pace)))
}

fn publishes<F: Fan>() -> [Case; 3] {
    [
        Case::new::<F>(PUBLISH_1, |pace| RUNTIME.block_on(measure_fan::<F>(1, pace))),
        Case::new::<F>(PUBLISH_10, |pace| RUNTIME.block_on(measure_fan::<F>(10, pace))),
        Case::new::<F>(PUBLISH_1000, |pace| RUNTIME.block_on(measure_fan::<F>(1_000, pace))),
    ]
}
