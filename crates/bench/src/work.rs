//! What is sent: the message, and a receiver's sum of what it got.

use std::sync::Arc;

use tokio::sync::Notify;

/// Room in every mailbox and channel that has a bound.
pub const CAPACITY: usize = 1024;

/// The message: 48 bytes, of which a receiver adds up eight.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    pub number: u64,
    _rest: [u64; 5],
}

impl Work {
    pub const ONE: Self = Self { number: 1, _rest: [0; 5] };
}

/// What a receiver has added up, and who is told when that is a whole lap.
#[derive(Clone)]
pub struct Sum {
    seen: u64,
    lap: u64,
    done: Arc<Notify>,
}

impl Sum {
    /// Tells `done` each time that `lap` messages have come.
    pub fn new(lap: u64, done: &Arc<Notify>) -> Self {
        Self { seen: 0, lap, done: Arc::clone(done) }
    }

    /// Adds one message. Every receiver does just this.
    pub fn add(&mut self, work: Work) {
        self.seen += work.number;
        if self.seen == self.lap {
            self.seen = 0;
            self.done.notify_one();
        }
    }
}
