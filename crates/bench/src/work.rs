//! What is sent, and what a receiver does with it.

use std::sync::Arc;

use crate::delays::Delays;
use crate::lap::Lap;

/// Room in every mailbox and channel that has a bound.
pub const CAPACITY: usize = 1024;

/// The message: a number, which a receiver adds up, and `REST` words more of eight bytes each. That makes 48 bytes
/// unless it says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Work<const REST: usize = 5> {
    pub number: u64,
    rest: [u64; REST],
}

impl<const REST: usize> Work<REST> {
    pub const ONE: Self = Self { number: 1, rest: [0; REST] };

    /// A message that was to be sent at so many nanoseconds of a schedule.
    pub fn due(nanoseconds: u64) -> Self {
        let mut work = Self::ONE;
        work.rest[0] = nanoseconds;
        work
    }
}

/// What a receiver has added up, and who is told when that is its share of a lap.
#[derive(Clone)]
pub struct Sum {
    seen: u64,
    share: u64,
    lap: Arc<Lap>,
    delays: Option<Arc<Delays>>,
}

impl Sum {
    /// Tells `lap` each time that `share` messages have come.
    pub fn new(share: u64, lap: &Arc<Lap>) -> Self {
        Self { seen: 0, share, lap: Arc::clone(lap), delays: None }
    }

    /// Also notes when each message came, by [`Work::due`].
    pub fn noting(self, delays: &Arc<Delays>) -> Self {
        Self { delays: Some(Arc::clone(delays)), ..self }
    }

    /// Adds one message. Every receiver does just this.
    pub fn add<const REST: usize>(&mut self, work: Work<REST>) {
        if let (Some(delays), Some(&due)) = (&self.delays, work.rest.first()) {
            delays.note(due);
        }
        self.seen += work.number;
        if self.seen == self.share {
            self.seen = 0;
            self.lap.arrive();
        }
    }
}
