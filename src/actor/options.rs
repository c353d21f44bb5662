use crate::health::HealthPolicy;
use crate::mailbox::MailboxOptions;

/// What happens to an actor whose handler panicked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnPanic {
    /// The actor stops. What waits in its mailbox becomes dead letters.
    #[default]
    Stop,
    /// The factory builds a new handler, which goes on with the same mailbox. The actor stops if the factory has none
    /// left or the new handler fails to start.
    Rebuild,
}

/// How an actor is spawned.
///
/// ```
/// use switchboard::actor::{OnPanic, SpawnOptions};
/// use switchboard::mailbox::MailboxOptions;
///
/// let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(16)).on_panic(OnPanic::Rebuild);
/// # let _ = options;
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct SpawnOptions {
    mailbox: Option<MailboxOptions>,
    on_panic: OnPanic,
    in_order: bool,
    duplicate_window: usize,
    weight: u32,
    health: Option<HealthPolicy>,
}

impl Default for SpawnOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl SpawnOptions {
    /// The broker's default mailbox, and an actor that stops when its handler panics.
    pub const fn new() -> Self {
        Self { mailbox: None, on_panic: OnPanic::Stop, in_order: false, duplicate_window: 0, weight: 1, health: None }
    }

    /// Sets the mailbox, in place of the broker's default.
    pub const fn mailbox(mut self, mailbox: MailboxOptions) -> Self {
        self.mailbox = Some(mailbox);
        self
    }

    /// Sets what happens when the handler panics.
    pub const fn on_panic(mut self, on_panic: OnPanic) -> Self {
        self.on_panic = on_panic;
        self
    }

    /// Keeps strict order: while a message that was sent [at least once](crate::message::MessageEnvelope::at_least_once)
    /// waits to be handled again, the actor handles no other. Without this, those behind it go on.
    pub const fn in_order(mut self) -> Self {
        self.in_order = true;
        self
    }

    /// Drops a message whose id is that of one of the last `messages` that were handled, and counts it as a
    /// [duplicate](crate::metrics::Outcome::Duplicate). The default is 0: none is dropped.
    ///
    /// Ids repeat where somebody sends the same envelope again: an error that left open whether it had run, or a dead
    /// letter that was sent again. The window takes about 60 bytes for each message.
    pub const fn duplicate_window(mut self, messages: usize) -> Self {
        self.duplicate_window = messages;
        self
    }

    /// Sets how large a share of the messages of a pool or service the actor gets, in proportion to the weights of the
    /// other members, where it goes by [`Strategy::Weighted`](crate::balancing::Strategy::Weighted). The default is 1,
    /// and so is the weight of an actor that receives by hand; with 0 it gets none unless nobody else can take it.
    pub const fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Sets when the actor is set aside as a member of a service or pool because its handler keeps failing, in place of
    /// what the [broker](crate::broker::InMemoryBuilder::health) says.
    pub const fn health(mut self, policy: HealthPolicy) -> Self {
        self.health = Some(policy);
        self
    }

    /// The mailbox that was asked for.
    pub const fn mailbox_options(&self) -> Option<MailboxOptions> {
        self.mailbox
    }

    /// What happens when the handler panics.
    pub const fn panic_policy(&self) -> OnPanic {
        self.on_panic
    }

    /// Whether a message that waits to be handled again holds up those behind it.
    pub const fn keeps_order(&self) -> bool {
        self.in_order
    }

    /// How many of the messages handled last are known again.
    pub const fn known_messages(&self) -> usize {
        self.duplicate_window
    }

    /// How large its share is among weighted members.
    pub const fn share(&self) -> u32 {
        self.weight
    }

    /// The health policy that was asked for.
    pub const fn health_policy(&self) -> Option<HealthPolicy> {
        self.health
    }
}
