//! How the cost grows: one line per peer, one point per size.

use super::{Case, RUNTIME, runtime, workers};
use crate::peers::{mpsc, switchboard};
use crate::scenario::{Tell, measure_resolve, measure_tells, measure_tells_among};

pub const RESOLVE: &str = "resolve by id";
const AMONG: &str = "growth: tell among many actors";
const SENDERS: &str = "growth: tell from many senders";
const BYTES: &str = "growth: tell of larger messages";

/// The scenarios with a figure per size, in the order of the tables, and what the size is of.
pub const GROWTH: [(&str, &str); 4] = [(RESOLVE, "actors"), (AMONG, "actors"), (SENDERS, "senders"), (BYTES, "bytes")];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(resolves());
    cases.extend(tells_among::<switchboard::ByAddress>());
    cases.extend(tells_among::<mpsc::Teller>());
    cases.extend(senders::<switchboard::ByAddress>());
    cases.extend(senders::<mpsc::Teller>());
    cases.extend([
        bytes::<0, switchboard::ByAddress<0>>(),
        bytes::<5, switchboard::ByAddress>(),
        bytes::<13, switchboard::ByAddress<13>>(),
        bytes::<63, switchboard::ByAddress<63>>(),
        bytes::<511, switchboard::ByAddress<511>>(),
        bytes::<0, mpsc::Teller<0>>(),
        bytes::<5, mpsc::Teller>(),
        bytes::<13, mpsc::Teller<13>>(),
        bytes::<63, mpsc::Teller<63>>(),
        bytes::<511, mpsc::Teller<511>>(),
    ]);
    cases
}

fn resolves() -> [Case; 6] {
    [
        resolve::<10>(),
        resolve::<100>(),
        resolve::<1_000>(),
        resolve::<10_000>(),
        resolve::<100_000>(),
        resolve::<1_000_000>(),
    ]
}

fn resolve<const ACTORS: usize>() -> Case {
    let case = Case::new::<switchboard::Actors>(RESOLVE, |pace| RUNTIME.block_on(measure_resolve(ACTORS, pace)));
    of_many(case, ACTORS)
}

fn tells_among<T: Tell>() -> [Case; 6] {
    [
        among::<T, 10>(),
        among::<T, 100>(),
        among::<T, 1_000>(),
        among::<T, 10_000>(),
        among::<T, 100_000>(),
        among::<T, 1_000_000>(),
    ]
}

fn among<T: Tell, const ACTORS: usize>() -> Case {
    // A runtime of its own, which takes a million actors down with it sooner than they end one by one.
    let case = Case::new::<T>(AMONG, |pace| runtime(workers()).block_on(measure_tells_among::<T>(ACTORS, pace)));
    of_many(case, ACTORS)
}

/// To start a million actors takes longer than to measure with them.
fn of_many(case: Case, actors: usize) -> Case {
    let most_rounds = match actors {
        ..100_000 => usize::MAX,
        100_000..1_000_000 => 2,
        1_000_000.. => 1,
    };
    Case { size: Some(actors as u64), most_rounds, ..case }
}

fn senders<T: Tell>() -> [Case; 5] {
    [from::<T, 1>(), from::<T, 10>(), from::<T, 100>(), from::<T, 1_000>(), from::<T, 10_000>()]
}

fn from<T: Tell, const COUNT: u64>() -> Case {
    let case = Case::new::<T>(SENDERS, |pace| RUNTIME.block_on(measure_tells::<_, T>(COUNT, pace)));
    Case { size: Some(COUNT), ..case }
}

fn bytes<const REST: usize, T: Tell<REST>>() -> Case {
    let case = Case::new::<T>(BYTES, |pace| RUNTIME.block_on(measure_tells::<REST, T>(1, pace)));
    Case { size: Some(8 * (REST as u64 + 1)), ..case }
}
