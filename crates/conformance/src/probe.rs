use std::fmt;
use std::time::Duration;

use switchboard::actor::{Delivery, Inbox};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::broker::{MessageBroker, RegisterError};
use switchboard::mailbox::MailboxOptions;
use switchboard::message::Message;
use tokio::time::{Instant, timeout_at};

/// An actor that expects messages, for tests of what sends to it.
///
/// Times are on tokio's clock: where a test pauses that, no wait takes any time.
///
/// ```
/// use std::time::Duration;
///
/// use switchboard::{ActorAddress, InMemoryMessageBroker, Message, MessageBroker};
/// use switchboard_conformance::Probe;
///
/// #[derive(Debug, PartialEq)]
/// struct Order(u32);
///
/// impl Message for Order {
///     const MESSAGE_TYPE: &'static str = "order";
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?.block_on(async {
/// let broker = InMemoryMessageBroker::new();
/// let kitchen = ActorAddress::named("kitchen")?;
/// let mut probe = Probe::register(&broker, &kitchen).await?;
///
/// for table in 1..4 {
///     broker.send(&kitchen, Order(table)).await?;
/// }
/// let second = Duration::from_secs(1);
/// assert_eq!(probe.expect_within(second).await?.message(), &Order(1));
/// assert_eq!(probe.expect_matching(second, |order| order.0 > 2).await?.message(), &Order(3));
/// probe.expect_none_for(second).await?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Probe<M: Message, B: MessageBroker<M>> {
    inbox: Inbox<M, B>,
}

impl<M: Message, B: MessageBroker<M>> Probe<M, B> {
    /// Registers a probe there, with the default mailbox.
    ///
    /// # Errors
    ///
    /// As [`MessageBroker::register`].
    ///
    /// # Cancel safety
    ///
    /// As [`MessageBroker::register`].
    pub async fn register(broker: &B, address: &ActorAddress) -> Result<Self, RegisterError> {
        Ok(Self::from(broker.register(address, MailboxOptions::default()).await?))
    }

    /// The actor's id.
    pub fn id(&self) -> ActorId {
        self.inbox.id()
    }

    /// The address it was registered at.
    pub fn address(&self) -> &ActorAddress {
        self.inbox.address()
    }

    /// Expects a message within this time. To answer it, use the delivery.
    ///
    /// # Errors
    ///
    /// If none comes.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, no message is lost.
    pub async fn expect_within(&mut self, time: Duration) -> Result<Delivery<M, B>, Unexpected> {
        self.expect_matching(time, |_| true).await
    }

    /// Expects that no message comes for this time.
    ///
    /// # Errors
    ///
    /// If one comes. It counts as handled.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, no message is lost.
    pub async fn expect_none_for(&mut self, time: Duration) -> Result<(), Unexpected> {
        match timeout_at(Instant::now() + time, self.inbox.recv()).await {
            Ok(Some(delivery)) => Err(Unexpected::Came { message: format!("{:?}", delivery.message()) }),
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// Expects a message within this time for which `predicate` is true. Those before it count as handled, and a request
    /// among them gets no reply.
    ///
    /// # Errors
    ///
    /// If none comes. The error says which others did.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, those that came before are gone.
    pub async fn expect_matching(
        &mut self,
        time: Duration,
        mut predicate: impl FnMut(&M) -> bool,
    ) -> Result<Delivery<M, B>, Unexpected> {
        let deadline = Instant::now() + time;
        let mut others = Vec::new();
        loop {
            match timeout_at(deadline, self.inbox.recv()).await {
                Ok(Some(delivery)) if predicate(delivery.message()) => return Ok(delivery),
                Ok(Some(other)) => others.push(format!("{:?}", other.message())),
                Ok(None) => return Err(Unexpected::Ended { others }),
                Err(_) => return Err(Unexpected::DidNotCome { time, others }),
            }
        }
    }
}

/// A probe of an inbox that was registered with other options.
impl<M: Message, B: MessageBroker<M>> From<Inbox<M, B>> for Probe<M, B> {
    fn from(inbox: Inbox<M, B>) -> Self {
        Self { inbox }
    }
}

/// What a [`Probe`] saw in place of what it expects. Messages are shown by their `Debug`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unexpected {
    /// The message did not come in this time.
    DidNotCome {
        /// How long it was waited for.
        time: Duration,
        /// Those that came.
        others: Vec<String>,
    },
    /// A message came where none should.
    Came {
        /// It.
        message: String,
    },
    /// The inbox was closed, or its broker shut down.
    Ended {
        /// Those that came before.
        others: Vec<String>,
    },
}

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DidNotCome { time, others } => write!(f, "no such message came in {time:?}; came: {others:?}"),
            Self::Came { message } => write!(f, "a message came where none should: {message}"),
            Self::Ended { others } => write!(f, "no message can come any more, the inbox is closed; came: {others:?}"),
        }
    }
}

/// As its text, which is what a test that unwraps it shows.
impl fmt::Debug for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Unexpected {}
