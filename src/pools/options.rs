use std::time::Duration;

use super::{DepthSizing, PoolError, Sizing};
use crate::actor::SpawnOptions;

/// How many workers a pool has, and how they are spawned.
///
/// ```
/// use std::time::Duration;
///
/// use switchboard::mailbox::MailboxOptions;
/// use switchboard::pools::{DepthSizing, PoolOptions};
/// use switchboard::SpawnOptions;
///
/// let four = PoolOptions::fixed(4);
/// let by_depth = PoolOptions::between(2, 16)
///     .sizing(DepthSizing::new().high_mark(20))
///     .look_every(Duration::from_millis(50))
///     .workers(SpawnOptions::new().mailbox(MailboxOptions::bounded(64)));
/// # let _ = (four, by_depth);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct PoolOptions {
    size: Size,
    workers: SpawnOptions,
    sizing: DepthSizing,
    interval: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Size {
    Fixed(usize),
    Between(usize, usize),
}

impl PoolOptions {
    /// So many workers, until the pool is resized.
    pub const fn fixed(workers: usize) -> Self {
        Self::of(Size::Fixed(workers))
    }

    /// A pool that sizes itself by how much waits before its workers, from `min` workers on and up to `max`.
    pub const fn between(min: usize, max: usize) -> Self {
        Self::of(Size::Between(min, max))
    }

    const fn of(size: Size) -> Self {
        let interval = Duration::from_millis(100);
        Self { size, workers: SpawnOptions::new(), sizing: DepthSizing::new(), interval }
    }

    /// Sets how the workers are spawned. The default is [`SpawnOptions::new`].
    pub const fn workers(mut self, options: SpawnOptions) -> Self {
        self.workers = options;
        self
    }

    /// Sets the marks by which the pool sizes itself. The default is [`DepthSizing::new`]. A fixed pool has no use for them.
    pub const fn sizing(mut self, marks: DepthSizing) -> Self {
        self.sizing = marks;
        self
    }

    /// Sets how often the pool looks how much there is to do, and replaces workers that have ended. The default is 100 ms;
    /// less than a millisecond counts as one.
    pub const fn look_every(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How many workers to begin with, and how that changes.
    pub(super) fn check(&self) -> Result<(usize, Option<Sizing>), PoolError> {
        match self.size {
            Size::Fixed(0) => Err(PoolError::NoWorkers),
            Size::Fixed(workers) => Ok((workers, None)),
            Size::Between(min, max) => Ok((min, Some(Sizing::new(min, max, self.sizing)?))),
        }
    }

    pub(super) const fn spawn_options(&self) -> SpawnOptions {
        self.workers
    }

    pub(super) fn interval(&self) -> Duration {
        self.interval.max(Duration::from_millis(1))
    }
}
