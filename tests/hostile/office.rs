//! Where messages are that go off, and who handles them.

use std::panic::panic_any;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use switchboard::SpawnOptions;
use switchboard::actor::{ActorHandle, once};
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, InMemoryMessageBroker, MessageBroker, MessageHandler};
use switchboard::dead_letters::DeadLetterOptions;
use switchboard::mailbox::MailboxOptions;
use switchboard::message::{Message, MessageEnvelope};
use switchboard::metrics::Outcome;
use switchboard::retry::{Backoff, RetryPolicy};

use crate::common::{Gate, Log, named, poll_once, soon};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// What a [`Parcel`] does to whoever has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trick {
    None,
    /// Panics whenever it is dropped, be it while another panic goes on.
    Drop,
    /// Panics when it is cloned.
    Clone,
    /// Both.
    Both,
}

/// What its handler is to do with it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Note,
    /// Lets go of it only when it is let go itself.
    Hold,
    /// Returns an error, and forgets the message.
    Fail,
    /// Panics with a message in its payload, and forgets this one.
    Throw,
    /// Answers with a message of the same trick.
    Answer,
}

#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) number: u64,
    pub(crate) trick: Trick,
    pub(crate) order: Order,
    /// How many have gone off when they were dropped.
    pub(crate) gone_off: Arc<AtomicUsize>,
}

impl Message for Parcel {
    const MESSAGE_TYPE: &'static str = "parcel";
}

impl Drop for Parcel {
    fn drop(&mut self) {
        if matches!(self.trick, Trick::Drop | Trick::Both) {
            self.gone_off.fetch_add(1, Ordering::SeqCst);
            panic!("parcel {} went off", self.number);
        }
    }
}

impl Clone for Parcel {
    fn clone(&self) -> Self {
        assert!(matches!(self.trick, Trick::None | Trick::Drop), "parcel {} can't be cloned", self.number);
        Self { gone_off: Arc::clone(&self.gone_off), ..*self }
    }
}

impl Parcel {
    /// So that a test which takes it out need not fear it.
    pub(crate) fn defuse(mut self) -> u64 {
        self.trick = Trick::None;
        self.number
    }
}

pub(crate) type Broker = InMemoryMessageBroker<Parcel>;

pub(crate) struct Office {
    pub(crate) broker: Broker,
    pub(crate) gone_off: Arc<AtomicUsize>,
    pub(crate) clerk: Clerk,
}

#[derive(Clone)]
pub(crate) struct Clerk {
    pub(crate) gate: Gate,
    pub(crate) log: Log,
}

impl MessageHandler<Parcel> for Clerk {
    type Error = &'static str;

    async fn handle<B: MessageBroker<Parcel>>(
        &mut self,
        envelope: MessageEnvelope<Parcel>,
        context: &Context<Parcel, B>,
    ) -> Result<(), &'static str> {
        self.log.add(envelope.message().number);
        match envelope.message().order {
            Order::Note => {}
            Order::Hold => self.gate.hold().await,
            Order::Fail => {
                envelope.into_message().defuse();
                return Err("no");
            }
            Order::Throw => {
                let parcel = envelope.into_message();
                let payload =
                    Parcel { trick: parcel.trick, gone_off: Arc::clone(&parcel.gone_off), ..parcel_of(&parcel) };
                parcel.defuse();
                panic_any(payload);
            }
            Order::Answer => {
                let asked = envelope.into_message();
                let answer = Parcel { trick: asked.trick, gone_off: Arc::clone(&asked.gone_off), ..parcel_of(&asked) };
                asked.defuse();
                self.gate.hold().await;
                drop(context.reply(answer).await);
            }
        }
        Ok(())
    }
}

/// The same without its trick.
pub(crate) fn parcel_of(parcel: &Parcel) -> Parcel {
    Parcel { number: parcel.number, trick: Trick::None, order: parcel.order, gone_off: Arc::clone(&parcel.gone_off) }
}

impl Office {
    /// One that keeps `letters` dead letters.
    pub(crate) fn keeping(letters: usize) -> Self {
        let options = DeadLetterOptions::new().capacity(letters);
        Self::of(Broker::builder().dead_letters(options).build().unwrap())
    }

    pub(crate) fn of(broker: Broker) -> Self {
        Self { broker, gone_off: Arc::default(), clerk: Clerk { gate: Gate::new(), log: Log::default() } }
    }

    pub(crate) fn parcel(&self, number: u64, trick: Trick, order: Order) -> Parcel {
        Parcel { number, trick, order, gone_off: Arc::clone(&self.gone_off) }
    }

    pub(crate) fn bomb(&self, number: u64) -> Parcel {
        self.parcel(number, Trick::Drop, Order::Note)
    }

    pub(crate) fn plain(&self, number: u64) -> Parcel {
        self.parcel(number, Trick::None, Order::Note)
    }

    pub(crate) async fn spawn(&self, address: &ActorAddress, mailbox: MailboxOptions) -> ActorHandle<Parcel> {
        self.spawn_with(address, SpawnOptions::new().mailbox(mailbox)).await
    }

    pub(crate) async fn spawn_with(&self, address: &ActorAddress, options: SpawnOptions) -> ActorHandle<Parcel> {
        self.broker.spawn_with(address, options, once(self.clerk.clone())).await.unwrap()
    }

    /// An actor that is held by message 0, which is harmless.
    pub(crate) async fn spawn_held(&self, mailbox: MailboxOptions) -> ActorHandle<Parcel> {
        let actor = self.spawn(&DESK, mailbox).await;
        self.broker.send(&DESK, self.parcel(0, Trick::None, Order::Hold)).await.unwrap();
        self.clerk.gate.arrival().await;
        actor
    }

    /// Asserts that so many went off, each of which the broker has counted, and that it works and nothing is missing.
    pub(crate) async fn assert_stands(&self, gone_off: usize) {
        assert_eq!(self.gone_off.load(Ordering::SeqCst), gone_off);
        assert_eq!(self.broker.metrics().message_panics, gone_off as u64);
        self.assert_works().await;
    }

    pub(crate) async fn assert_works(&self) {
        let audit = self.broker.audit();
        assert!(audit.is_balanced(), "{audit}");
        let test = named("test");
        let mut inbox = self.broker.register(&test, MailboxOptions::bounded(1)).await.unwrap();
        self.broker.send_after(Duration::from_millis(1), &test, self.plain(1)).await.unwrap();
        assert_eq!(soon(inbox.recv()).await.unwrap().into_message().number, 1);
        let mut answered = pin!(self.broker.request(&test, self.plain(2)));
        assert!(poll_once(answered.as_mut()).is_pending());
        let asked = soon(inbox.recv()).await.unwrap();
        asked.reply(self.plain(3)).await.unwrap();
        assert_eq!(answered.await.unwrap().number, 3);
    }

    pub(crate) fn outcome(&self, outcome: Outcome) -> u64 {
        self.broker.metrics().total.outcomes[outcome]
    }
}

pub(crate) static DESK: LazyLock<ActorAddress> = LazyLock::new(|| named("desk"));

pub(crate) fn twice() -> RetryPolicy {
    RetryPolicy::attempts(2).backoff(Backoff::fixed(SECOND))
}
