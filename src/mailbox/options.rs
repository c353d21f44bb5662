use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::mailbox::CapacityError;

/// What happens to a message that finds the mailbox full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackpressureStrategy {
    /// The sender waits for room, in the order of arrival. `try_send` refuses instead.
    #[default]
    Block,
    /// The oldest message of the least urgent level is evicted in the same step that takes the new one. A message
    /// less urgent than all that wait is itself the one evicted.
    DropOldest,
    /// The new message is evicted.
    DropNewest,
    /// The new message is refused and comes back.
    Error,
}

/// How large a mailbox is and what it does when it is full.
///
/// ```
/// use std::time::Duration;
///
/// use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
///
/// let patient = MailboxOptions::bounded(64).block_limit(Duration::from_secs(1));
/// let latest_only = MailboxOptions::bounded(1).strategy(BackpressureStrategy::DropOldest);
/// assert_eq!(patient.capacity(), Some(64));
/// assert_eq!(MailboxOptions::unbounded().capacity(), None);
/// # assert_eq!(latest_only.capacity(), Some(1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct MailboxOptions {
    capacity: usize,
    strategy: BackpressureStrategy,
    block_limit: Option<Duration>,
    /// How many messages may stand in line for room. Small, so that it takes no room itself.
    line: u32,
}

/// Room for this many messages unless something else is asked for.
const DEFAULT_CAPACITY: usize = 1024;

/// More than fits in memory, so never full.
const UNBOUNDED: usize = usize::MAX;

impl MailboxOptions {
    /// Room for `capacity` messages, and senders that wait for it. A capacity of zero is refused by whatever makes
    /// the mailbox.
    pub const fn bounded(capacity: usize) -> Self {
        Self { capacity, strategy: BackpressureStrategy::Block, block_limit: None, line: u32::MAX }
    }

    /// No bound: the mailbox grows for as long as there is memory. Nothing pushes back on its senders.
    pub const fn unbounded() -> Self {
        Self::bounded(UNBOUNDED)
    }

    /// Sets what happens when the mailbox is full.
    pub const fn strategy(mut self, strategy: BackpressureStrategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Limits how long a sender waits for room under [`BackpressureStrategy::Block`]. Without a limit it waits for as
    /// long as its message's deadline allows.
    pub const fn block_limit(mut self, limit: Duration) -> Self {
        self.block_limit = Some(limit);
        self
    }

    /// The capacity in messages; `None` if unbounded.
    pub const fn capacity(&self) -> Option<usize> {
        match self.capacity {
            UNBOUNDED => None,
            capacity => Some(capacity),
        }
    }

    /// Limits how many messages may stand in line for room.
    pub(crate) const fn with_line(mut self, most: usize) -> Self {
        self.line = if most < u32::MAX as usize { most as u32 } else { u32::MAX };
        self
    }

    /// How many messages may stand in line for room.
    pub(crate) const fn line(&self) -> usize {
        self.line as usize
    }

    pub(crate) const fn limit(&self) -> usize {
        self.capacity
    }

    /// What happens to a message that finds it full.
    pub const fn on_full(&self) -> BackpressureStrategy {
        self.strategy
    }

    /// The limit on how long a sender waits for room, if there is one.
    pub const fn longest_wait(&self) -> Option<Duration> {
        self.block_limit
    }

    pub(crate) const fn check(self) -> Result<Self, CapacityError> {
        if self.capacity == 0 { Err(CapacityError) } else { Ok(self) }
    }
}

impl Default for MailboxOptions {
    /// Bounded to 1,024 messages, with senders that wait.
    fn default() -> Self {
        Self::bounded(DEFAULT_CAPACITY)
    }
}
