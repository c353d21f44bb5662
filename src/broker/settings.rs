use std::marker::PhantomData;
use std::time::Duration;

use super::InMemoryMessageBroker;
use crate::balancing::Strategy;
use crate::dead_letters::DeadLetterOptions;
use crate::health::HealthPolicy;
use crate::limits::Limits;
use crate::mailbox::{CapacityError, MailboxOptions};
use crate::message::Message;
use crate::retry::{Jitter, RetryPolicy};

/// What a broker goes by where a call says nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) mailbox: MailboxOptions,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) dead_letters: DeadLetterOptions,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) jitter: Jitter,
    pub(crate) remembered_ends: usize,
    pub(crate) strategy: Strategy,
    pub(crate) health: HealthPolicy,
    pub(crate) hibernate_after: Option<Duration>,
    pub(crate) limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mailbox: MailboxOptions::default(),
            request_timeout: Some(Duration::from_secs(30)),
            dead_letters: DeadLetterOptions::new(),
            retry: None,
            jitter: Jitter::new(),
            remembered_ends: 1024,
            strategy: Strategy::default(),
            health: HealthPolicy::default(),
            hibernate_after: None,
            limits: Limits::new(),
        }
    }
}

/// Settings for an [`InMemoryMessageBroker`].
///
/// ```
/// use std::time::Duration;
///
/// use switchboard::broker::InMemoryMessageBroker;
/// use switchboard::dead_letters::DeadLetterOptions;
/// use switchboard::mailbox::MailboxOptions;
/// # use switchboard::message::Message;
/// # #[derive(Debug)]
/// # struct Note;
/// # impl Message for Note {
/// #     const MESSAGE_TYPE: &'static str = "note";
/// # }
///
/// let broker: InMemoryMessageBroker<Note> = InMemoryMessageBroker::builder()
///     .default_mailbox(MailboxOptions::bounded(256))
///     .request_timeout(Duration::from_secs(2))
///     .dead_letters(DeadLetterOptions::new().capacity(100))
///     .build()?;
/// # Ok::<_, switchboard::mailbox::CapacityError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct InMemoryBuilder<M> {
    settings: Settings,
    message: PhantomData<fn(M)>,
}

impl<M: Message> InMemoryBuilder<M> {
    pub(super) fn new() -> Self {
        Self { settings: Settings::default(), message: PhantomData }
    }

    /// The mailbox of actors whose spawn options name none. The default is [`MailboxOptions::default`].
    pub fn default_mailbox(mut self, mailbox: MailboxOptions) -> Self {
        self.settings.mailbox = mailbox;
        self
    }

    /// Has actors hibernate: one that has had nothing to do for between once and twice this time gives up its task, and
    /// keeps only its handler and its mailbox until the next message. By default none does.
    ///
    /// A hibernating actor takes about a quarter of the memory of one that waits in its task; `BENCHMARKS.md` has the figures. The
    /// message that wakes it costs the start of a task more. Nothing else changes: whoever sends, asks, stops or watches
    /// the actor can't tell but by [`ActorMetrics::hibernates`](crate::metrics::ActorMetrics::hibernates). A handler that
    /// goes by what belongs to a task (task-local values, the task's id) finds another each time.
    ///
    /// It takes a runtime whose time is enabled. An `after` of less than a millisecond is taken for one.
    pub fn hibernate_after(mut self, after: Duration) -> Self {
        self.settings.hibernate_after = Some(after);
        self
    }

    /// How long a request waits that has no deadline of its own. The default is 30 seconds.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.settings.request_timeout = Some(timeout);
        self
    }

    /// Lets a request that has no deadline of its own wait for as long as its handler is at work.
    pub fn no_request_timeout(mut self) -> Self {
        self.settings.request_timeout = None;
        self
    }

    /// The retry policy of messages for which neither their sender nor their [address](InMemoryMessageBroker::set_retry)
    /// has one. The default is none: a message that is not accepted comes back at once, and one that is sent [at least
    /// once](crate::message::MessageEnvelope::at_least_once) goes by [`RetryPolicy::default`].
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.retry = Some(policy);
        self
    }

    /// The source of the random part of delays: a seeded one makes them the same each time. The default is seeded by
    /// chance.
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.settings.jitter = jitter;
        self
    }

    /// How the member of a pool or service is picked for a message, where neither the message nor the
    /// [address](InMemoryMessageBroker::set_strategy) says. The default is [`Strategy::PowerOfTwo`].
    pub fn default_strategy(mut self, strategy: Strategy) -> Self {
        self.settings.strategy = strategy;
        self
    }

    /// When a member of a service or pool is set aside because its handler keeps failing, where its
    /// [spawn options](crate::actor::SpawnOptions::health) don't say. The default is [`HealthPolicy::default`].
    pub fn health(mut self, policy: HealthPolicy) -> Self {
        self.settings.health = policy;
        self
    }

    /// How many dead letters are kept and logged. The default is [`DeadLetterOptions::new`].
    pub fn dead_letters(mut self, options: DeadLetterOptions) -> Self {
        self.settings.dead_letters = options;
        self
    }

    /// How many of the latest ends of actors are remembered, for those who [watch](crate::watching) one that is gone.
    /// The default is 1,024; with 0 none is.
    pub fn remembered_ends(mut self, ends: usize) -> Self {
        self.settings.remembered_ends = ends;
        self
    }

    /// How much callers can make it keep. The default is [`Limits::new`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Makes the broker.
    ///
    /// # Errors
    ///
    /// If the default mailbox has a capacity of zero.
    pub fn build(self) -> Result<InMemoryMessageBroker<M>, CapacityError> {
        let mailbox = self.settings.mailbox.check()?;
        Ok(InMemoryMessageBroker::with_settings(Settings { mailbox, ..self.settings }))
    }
}
