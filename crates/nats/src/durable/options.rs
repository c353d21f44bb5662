use std::time::Duration;

/// How messages that are sent [at least once](switchboard::message::MessageEnvelope::at_least_once) are kept by the server until
/// they have been handled.
///
/// ```
/// use std::time::Duration;
///
/// use switchboard_nats::{DurableOptions, NatsOptions};
///
/// let durable = DurableOptions::new().max_messages(1_000_000).max_age(Duration::from_secs(86_400));
/// let options = NatsOptions::new("nats://localhost:4222")?.durable(durable).replicas(3);
/// # Ok::<(), switchboard_nats::OptionsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct DurableOptions {
    pub(crate) max_messages: Option<u64>,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) max_age: Duration,
    pub(crate) duplicate_window: Duration,
    pub(crate) ack_wait: Duration,
    pub(crate) per_name: usize,
    pub(crate) per_group: usize,
    pub(crate) most_deliveries: u32,
}

impl DurableOptions {
    /// Without a limit on how much is kept, for a week at most.
    pub const fn new() -> Self {
        Self {
            max_messages: None,
            max_bytes: None,
            max_age: Duration::from_secs(7 * 86_400),
            duplicate_window: Duration::from_secs(120),
            ack_wait: Duration::from_secs(30),
            per_name: 1,
            per_group: 16,
            most_deliveries: 20,
        }
    }

    /// How many messages may wait in the whole namespace, dead letters not counted. Beyond that, a message is refused as
    /// [full](switchboard::broker::SendErrorKind::Full).
    pub const fn max_messages(mut self, messages: u64) -> Self {
        self.max_messages = Some(messages);
        self
    }

    /// How many bytes of them there may be, likewise. Dead letters have as much again to themselves.
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// For how long a message or a dead letter is kept. Then it is gone, and only the server knows.
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// For how long the server knows messages again that it has stored: a sender that got no confirmation sends the same one
    /// again, and it is stored once. The default is two minutes.
    pub const fn duplicate_window(mut self, window: Duration) -> Self {
        self.duplicate_window = window;
        self
    }

    /// How long after the last sign of life of a node that handles a message it is given to another. The default is half a
    /// minute. A handler may take longer: its node gives such signs.
    pub const fn ack_wait(mut self, wait: Duration) -> Self {
        self.ack_wait = wait;
        self
    }

    /// How many messages to one name may be in hand at once. With 1, the default, one is handled to its end before the next
    /// begins, retries included, whichever node owns the name; with more, order is not kept.
    pub const fn per_name(mut self, messages: usize) -> Self {
        self.per_name = if messages == 0 { 1 } else { messages };
        self
    }

    /// How many messages to one service or pool may be in hand at once on each node. The default is 16. Order is not kept.
    pub const fn per_group(mut self, messages: usize) -> Self {
        self.per_group = if messages == 0 { 1 } else { messages };
        self
    }

    /// How often a message is given to a node that then does not say what became of it, as when it ends the process, before it is
    /// a dead letter. The default is 20.
    pub const fn most_deliveries(mut self, deliveries: u32) -> Self {
        self.most_deliveries = deliveries;
        self
    }
}

impl Default for DurableOptions {
    fn default() -> Self {
        Self::new()
    }
}
