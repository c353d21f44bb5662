use std::time::Duration;

use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
use switchboard::dead_letters::DeadLetterOptions;
use switchboard::health::HealthPolicy;
use switchboard::mailbox::MailboxOptions;

use crate::job::Job;

/// A broker that is to be soaked.
pub trait Candidate: Clone + Send + Sync + 'static {
    /// The broker.
    type Broker: MessageBroker<Job>;

    /// Makes a broker at which nobody is registered, in the runtime of the soak.
    ///
    /// # Cancel safety
    ///
    /// It is never dropped before it is done.
    fn make(&self) -> impl Future<Output = Self::Broker> + Send;

    /// The broker in memory that it is, or wraps: what [`MessageBroker`] does not show is looked at there. Without one, the
    /// accounts are not compared, and what ends without a handler is not seen, so that nothing can be told to be lost.
    fn in_memory<'a>(&self, broker: &'a Self::Broker) -> Option<&'a InMemoryMessageBroker<Job>>;
}

/// The broker in memory.
#[derive(Clone, Copy, Debug)]
pub struct InMemory;

/// How long a request waits that has no deadline of its own.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);

/// After which time of idleness actors hibernate: short, so that many do.
pub(crate) const HIBERNATE_AFTER: Duration = Duration::from_millis(30);

/// More than there are between two looks at them, so that none is let go.
const LETTERS: usize = 1 << 16;

impl InMemory {
    /// The broker that is soaked.
    pub fn broker(self) -> InMemoryMessageBroker<Job> {
        let health = HealthPolicy::failures(5).hold(Duration::from_millis(20)).longest_hold(Duration::from_millis(200));
        InMemoryMessageBroker::builder()
            .default_mailbox(MailboxOptions::bounded(64))
            .request_timeout(REQUEST_TIMEOUT)
            .hibernate_after(HIBERNATE_AFTER)
            .health(health)
            .dead_letters(DeadLetterOptions::new().capacity(LETTERS).log_per_second(0))
            // Few enough to be full before memory is compared.
            .remembered_ends(128)
            .build()
            .expect("the default mailbox has room")
    }
}

impl Candidate for InMemory {
    type Broker = InMemoryMessageBroker<Job>;

    async fn make(&self) -> Self::Broker {
        self.broker()
    }

    fn in_memory<'a>(&self, broker: &'a Self::Broker) -> Option<&'a InMemoryMessageBroker<Job>> {
        Some(broker)
    }
}
