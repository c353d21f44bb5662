use std::time::Duration;

/// How long a soak runs, how hard, and what it draws.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Plan {
    pub(crate) time: Duration,
    pub(crate) seed: u64,
    pub(crate) rate: f64,
    pub(crate) quiet_every: Duration,
    pub(crate) sample_every: Duration,
}

/// Messages in a second unless something else is asked for: a few hundredths of what one core can do, so that a soak can run
/// beside other work.
const DEFAULT_RATE: f64 = 5_000.0;

impl Plan {
    /// For so long, with all at rest every minute, or eight times if that is more often, and 600 samples.
    pub fn new(time: Duration) -> Self {
        Self {
            time,
            seed: 1,
            rate: DEFAULT_RATE,
            quiet_every: (time / 8).min(Duration::from_secs(60)),
            sample_every: (time / 600).max(Duration::from_millis(50)),
        }
    }

    /// Sets the seed. The same seed gives the same choices; how they meet each other is up to the threads.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets how long the loads run before all is to be at rest.
    pub fn rest_every(mut self, time: Duration) -> Self {
        self.quiet_every = time;
        self
    }

    /// Sets how many messages there are in a second, of all kinds together.
    pub fn rate(mut self, messages: f64) -> Self {
        self.rate = messages;
        self
    }
}
