use serde::{Deserialize, Serialize};

/// Which dead letter is let go when there is no room for one more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterOverflow {
    /// The oldest, so that the latest are kept.
    #[default]
    DropOldest,
    /// The newest, so that the first are kept: those from before one failure led to the next.
    DropNewest,
}

/// How many dead letters are kept and how many are logged.
///
/// ```
/// use switchboard::dead_letters::{DeadLetterOptions, DeadLetterOverflow};
///
/// let first_ten = DeadLetterOptions::new().capacity(10).on_full(DeadLetterOverflow::DropNewest);
/// let counted_only = DeadLetterOptions::new().capacity(0).log_per_second(0);
/// # assert_ne!(first_ten, counted_only);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct DeadLetterOptions {
    pub(super) capacity: usize,
    pub(super) on_full: DeadLetterOverflow,
    pub(super) log_per_second: u32,
}

/// Room for this many dead letters unless something else is asked for.
const DEFAULT_CAPACITY: usize = 1024;

/// Enough to see what goes wrong, and few enough to see what else does.
const DEFAULT_LOG_PER_SECOND: u32 = 10;

impl DeadLetterOptions {
    /// Room for 1,024, of which the oldest is let go for one more, and up to ten logged in a second.
    pub const fn new() -> Self {
        Self {
            capacity: DEFAULT_CAPACITY,
            on_full: DeadLetterOverflow::DropOldest,
            log_per_second: DEFAULT_LOG_PER_SECOND,
        }
    }

    /// Sets how many are kept. With 0 none is: they are counted, logged, and told to followers.
    pub const fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Sets which one is let go when there is no room for one more.
    pub const fn on_full(mut self, overflow: DeadLetterOverflow) -> Self {
        self.on_full = overflow;
        self
    }

    /// Sets how many are logged in a second. With 0 none ever is.
    pub const fn log_per_second(mut self, letters: u32) -> Self {
        self.log_per_second = letters;
        self
    }
}

impl Default for DeadLetterOptions {
    /// As [`new`](Self::new).
    fn default() -> Self {
        Self::new()
    }
}
