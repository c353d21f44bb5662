use super::PoolError;

/// How many waiting messages a worker of a self-sizing pool should have before it: see [`Sizing`](super::Sizing).
///
/// ```
/// use switchboard::pools::DepthSizing;
///
/// // More workers above 100 messages for each, fewer when there are less than 10 for each at 20 looks in a row.
/// const LONG_QUEUES: DepthSizing = DepthSizing::new().high_mark(100).low_mark(10).patience(20);
/// # let _ = LONG_QUEUES;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct DepthSizing {
    high: usize,
    low: usize,
    patience: u32,
}

impl Default for DepthSizing {
    fn default() -> Self {
        Self::new()
    }
}

impl DepthSizing {
    /// More workers above 8 messages for each, fewer below 2 for each at 5 looks in a row.
    pub const fn new() -> Self {
        Self { high: 8, low: 2, patience: 5 }
    }

    /// Above how many messages for each worker the pool grows.
    pub const fn high_mark(mut self, messages: usize) -> Self {
        self.high = messages;
        self
    }

    /// Below how many messages for each worker the pool shrinks: at least 1, and at most half of the high mark, so that
    /// what one worker leaves to the others does not make the pool grow again.
    pub const fn low_mark(mut self, messages: usize) -> Self {
        self.low = messages;
        self
    }

    /// At how many looks in a row there must be so little to do before a worker goes. With 0 it is as with 1.
    pub const fn patience(mut self, looks: u32) -> Self {
        self.patience = looks;
        self
    }

    pub(super) const fn check(self) -> Result<Self, PoolError> {
        if self.low == 0 || self.low > self.high / 2 {
            return Err(PoolError::Marks { low: self.low, high: self.high });
        }
        Ok(self)
    }

    /// How many workers it takes to have no more than the high mark before each.
    pub(super) const fn needed(&self, depth: usize) -> usize {
        depth.div_ceil(self.high)
    }

    pub(super) const fn is_low(&self, workers: usize, depth: usize) -> bool {
        depth < self.low.saturating_mul(workers)
    }

    pub(super) const fn is_patient(&self, looks: u32) -> bool {
        looks < self.patience
    }
}
