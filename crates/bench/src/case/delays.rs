//! The rows of the table of latencies.

use hdrhistogram::Histogram;

use super::RUNTIME;
use crate::peers;
use crate::scenario::{Kind, Pace, Tell, measure_delays};

pub const LATENCY: &str = "latency of a tell at 20,000 a second";

/// One row, whose rounds are put together.
#[derive(Clone, Copy)]
pub struct DelayCase {
    pub peer: &'static str,
    pub kind: Kind,
    run: fn(Pace) -> Histogram<u64>,
}

impl DelayCase {
    fn new<T: Tell>() -> Self {
        Self { peer: T::NAME, kind: T::KIND, run: |pace| RUNTIME.block_on(measure_delays::<T>(pace)) }
    }

    /// The nanoseconds of each message of one round.
    pub fn run(&self, pace: Pace) -> Histogram<u64> {
        (self.run)(pace)
    }
}

/// All rows that are measured in percentiles.
pub fn delay_cases() -> Vec<DelayCase> {
    vec![
        DelayCase::new::<peers::switchboard::ByRoute>(),
        DelayCase::new::<peers::switchboard::ByAddress>(),
        DelayCase::new::<peers::kameo::Teller>(),
        DelayCase::new::<peers::ractor::Teller>(),
        DelayCase::new::<peers::actix::Teller>(),
        DelayCase::new::<peers::xtra::Teller>(),
        DelayCase::new::<peers::kanal::Teller>(),
        DelayCase::new::<peers::mpsc::Teller>(),
        DelayCase::new::<peers::direct::Teller>(),
    ]
}
