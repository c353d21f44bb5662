use std::time::Duration;

use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
use switchboard::dead_letters::{DeadLetter, DeadLetterReason};
use switchboard::message::Message;
use switchboard::metrics::{Audit, Outcomes};

use super::{Capabilities, Clock, Job};

/// A broker that is to pass the suite: how one is made, what it can do, and how to look at what
/// [`MessageBroker`] does not show.
///
/// What needs a [`Capability`](super::Capability) is asked for only if it is declared; the defaults are for brokers that
/// do not.
pub trait Candidate: Send + Sync {
    /// The broker.
    type Broker: MessageBroker<Job>;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Which clock the cases run by. The default is the paused one.
    fn clock(&self) -> Clock {
        Clock::Paused
    }

    /// Makes a broker at which nobody is registered, in the runtime of the case that is to use it.
    ///
    /// # Cancel safety
    ///
    /// It is never dropped before it is done, unless the case takes too long.
    fn make(&self) -> impl Future<Output = Self::Broker> + Send;

    /// Another connection to the broker: with a server behind it, one of its own, as another process would have. The
    /// default is another handle.
    ///
    /// # Cancel safety
    ///
    /// As [`make`](Self::make).
    fn connect(&self, broker: &Self::Broker) -> impl Future<Output = Self::Broker> + Send {
        std::future::ready(broker.clone())
    }

    /// Ends everything that the broker has in this process, without a word to anyone, as if the process were killed, and
    /// makes another in its place. `None` by default.
    ///
    /// # Cancel safety
    ///
    /// As [`make`](Self::make).
    fn restart(&self, broker: &Self::Broker) -> impl Future<Output = Option<Self::Broker>> + Send {
        let _ = broker;
        std::future::ready(None)
    }

    /// The broker's accounts. `None` by default.
    ///
    /// # Cancel safety
    ///
    /// As [`make`](Self::make).
    fn accounts(&self, broker: &Self::Broker) -> impl Future<Output = Option<Accounts>> + Send {
        let _ = broker;
        std::future::ready(None)
    }

    /// The dead letters that the broker keeps, the oldest first. `None` by default.
    ///
    /// # Cancel safety
    ///
    /// As [`make`](Self::make).
    fn dead_letters(&self, broker: &Self::Broker) -> impl Future<Output = Option<Vec<Letter>>> + Send {
        let _ = broker;
        std::future::ready(None)
    }

    /// Shuts the broker down, with this much time for what was accepted, and returns when that is over. The default does
    /// nothing.
    ///
    /// # Cancel safety
    ///
    /// As [`make`](Self::make).
    fn shut_down(&self, broker: &Self::Broker, time: Duration) -> impl Future<Output = ()> + Send {
        let _ = (broker, time);
        std::future::ready(())
    }
}

/// What a broker says of the messages that it has accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// How many it has accepted.
    pub accepted: u64,
    /// How those that ended did.
    pub outcomes: Outcomes,
    /// How many wait, or are being handled.
    pub under_way: u64,
}

impl From<Audit> for Accounts {
    fn from(audit: Audit) -> Self {
        let under_way = (audit.queued + audit.in_handlers + audit.waiting) as u64;
        Self { accepted: audit.accepted, outcomes: audit.outcomes, under_way }
    }
}

impl Accounts {
    /// The accounts of this broker, for candidates that are made of one in memory.
    #[must_use]
    pub fn of<M: Message>(broker: &InMemoryMessageBroker<M>) -> Self {
        broker.audit().into()
    }
}

/// A dead letter, as far as the cases look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The message.
    pub job: Job,
    /// Why it was not handled.
    pub reason: DeadLetterReason,
}

impl From<DeadLetter<Job>> for Letter {
    fn from(letter: DeadLetter<Job>) -> Self {
        Self { reason: letter.reason, job: letter.envelope.into_message() }
    }
}
