//! The rows of the table of memory.

use super::RUNTIME;
use crate::peers;
use crate::scenario::{Footprint, Idle, measure_idle};

/// One row. It is measured in a process of its own, so that nobody finds what another has left.
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
pub fn memory_cases() -> [MemoryCase; 9] {
    [
        MemoryCase::new::<peers::switchboard::Actors>(),
        MemoryCase::new::<peers::switchboard::Hibernating>(),
        MemoryCase::new::<peers::kameo::Actors>(),
        MemoryCase::new::<peers::ractor::Actors>(),
        MemoryCase::new::<peers::actix::Actors>(),
        MemoryCase::new::<peers::xtra::Actors>(),
        MemoryCase::new::<peers::coerce::Actors>(),
        MemoryCase::new::<peers::kompact::Actors>(),
        MemoryCase::new::<peers::mpsc::Tasks>(),
    ]
}
