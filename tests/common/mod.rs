//! What the tests of several guarantees share: a message that says what its handler is to do, a gate that holds
//! handlers until the test lets them go, a log of what was handled, and futures polled by hand.
#![allow(dead_code, reason = "each test binary is compiled with all of it and uses a part")]

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as TaskContext, Poll, Wake, Waker};

use switchboard::actor::{ActorHandle, Inbox, SpawnOptions, once};
use switchboard::address::ActorAddress;
use switchboard::balancing::Strategy;
use switchboard::broker::{Context, InMemoryMessageBroker, MessageBroker, MessageHandler};
use switchboard::dead_letters::{DeadLetter, DeadLetterFilter, DeadLetterReason};
use switchboard::mailbox::MailboxOptions;
use switchboard::message::{Message, MessageEnvelope, Request};
use switchboard::metrics::{Outcome, Traffic};
use tokio::sync::Semaphore;

pub(crate) type Broker = InMemoryMessageBroker<Job>;

/// A broker whose groups give each member its turn.
pub(crate) fn in_turns<M: Message>() -> InMemoryMessageBroker<M> {
    InMemoryMessageBroker::builder()
        .default_strategy(Strategy::RoundRobin)
        .build()
        .expect("the default mailbox has room")
}

/// What a [`Worker`] is to do, or what it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// Log the number.
    Note(u64),
    /// Log the number, then wait at the gate; answer with it if somebody asks.
    Hold(u64),
    /// Answer with this number.
    Echo(u64),
    Fail(&'static str),
    Panic(&'static str),
    Answer(u64),
}

impl Message for Job {
    const MESSAGE_TYPE: &'static str = "tests.job";
}

/// The typed request whose answer is [`Echoed`].
pub(crate) struct EchoOf(pub(crate) u64);

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Echoed(pub(crate) u64);

impl From<EchoOf> for Job {
    fn from(echo: EchoOf) -> Self {
        Self::Echo(echo.0)
    }
}

impl TryFrom<Job> for Echoed {
    type Error = Job;

    fn try_from(reply: Job) -> Result<Self, Job> {
        match reply {
            Job::Answer(number) => Ok(Self(number)),
            other => Err(other),
        }
    }
}

impl Request<Job> for EchoOf {
    type Reply = Echoed;
}

/// Holds handlers until the test lets them go.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<Doors>);

#[derive(Debug)]
struct Doors {
    arrived: Semaphore,
    leave: Semaphore,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Doors { arrived: Semaphore::new(0), leave: Semaphore::new(0) }))
    }

    /// Waits, in a handler, until the test lets it go.
    pub(crate) async fn hold(&self) {
        self.0.arrived.add_permits(1);
        take(&self.0.leave).await;
    }

    /// Waits, in a test, until one more handler is held.
    pub(crate) async fn arrival(&self) {
        take(&self.0.arrived).await;
    }

    pub(crate) fn let_go(&self, handlers: usize) {
        self.0.leave.add_permits(handlers);
    }

    /// Holds nobody from now on.
    pub(crate) fn let_all_go(&self) {
        self.let_go(1_000_000);
    }
}

async fn take(semaphore: &Semaphore) {
    semaphore.acquire().await.expect("nobody closes it").forget();
}

/// The numbers that handlers have logged, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u64>>>);

impl Log {
    pub(crate) fn add(&self, number: u64) {
        self.entries().push(number);
    }

    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.entries().clone()
    }

    /// A handler's panic must not make the log unreadable.
    fn entries(&self) -> MutexGuard<'_, Vec<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does what its messages say.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) gate: Gate,
    pub(crate) log: Log,
}

impl Worker {
    pub(crate) fn new() -> Self {
        Self { gate: Gate::new(), log: Log::default() }
    }

    /// Starts an actor that works like this, with a mailbox of `capacity`.
    pub(crate) async fn spawn(&self, broker: &Broker, address: &ActorAddress, capacity: usize) -> ActorHandle<Job> {
        let mailbox = MailboxOptions::bounded(capacity);
        self.spawn_with(broker, address, SpawnOptions::new().mailbox(mailbox)).await
    }

    pub(crate) async fn spawn_with(
        &self,
        broker: &Broker,
        address: &ActorAddress,
        options: SpawnOptions,
    ) -> ActorHandle<Job> {
        broker.spawn_with(address, options, once(self.clone())).await.expect("the address is free")
    }

    /// As [`spawn`](Self::spawn), with the handler held by [`Job::Hold`] number 0.
    pub(crate) async fn spawn_held(
        &self,
        broker: &Broker,
        address: &ActorAddress,
        capacity: usize,
    ) -> ActorHandle<Job> {
        let actor = self.spawn(broker, address, capacity).await;
        let first = ActorAddress::from(actor.id());
        broker.send(&first, Job::Hold(0)).await.expect("the actor takes it");
        self.gate.arrival().await;
        actor
    }
}

impl MessageHandler<Job> for Worker {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        match envelope.into_message() {
            Job::Note(number) | Job::Answer(number) => self.log.add(number),
            Job::Hold(number) => {
                self.log.add(number);
                self.gate.hold().await;
                let _ = context.reply(Job::Answer(number)).await;
            }
            Job::Echo(number) => answer(context, number).await?,
            Job::Fail(text) => return Err(text.into()),
            Job::Panic(cause) => panic!("{cause}"),
        }
        Ok(())
    }
}

async fn answer<B: MessageBroker<Job>>(context: &Context<Job, B>, number: u64) -> Result<(), String> {
    let answered = context.reply(Job::Answer(number)).await;
    answered.map_err(|error| error.to_string())
}

pub(crate) fn named(name: &str) -> ActorAddress {
    ActorAddress::named(name).expect("a name")
}

pub(crate) fn pool(name: &str) -> ActorAddress {
    ActorAddress::pool(name).expect("a name")
}

pub(crate) async fn inbox(broker: &Broker, address: &ActorAddress, capacity: usize) -> Inbox<Job, Broker> {
    broker.register(address, MailboxOptions::bounded(capacity)).await.expect("the address is free")
}

/// Waits for what needs nothing but a turn of the other tasks, with the clock paused; panics if it does not end.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    let patience = std::time::Duration::from_secs(1_000_000);
    tokio::time::timeout(patience, future).await.expect("it waits for something that will not be")
}

/// Polls once, with a waker that does nothing.
pub(crate) fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut TaskContext::from_waker(Waker::noop()))
}

/// Polls once; the wakes that follow are counted.
pub(crate) fn poll_counted<F: Future>(future: Pin<&mut F>, wakes: &Arc<Wakes>) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(wakes));
    future.poll(&mut TaskContext::from_waker(&waker))
}

/// A waker that counts how often it was woken.
#[derive(Debug, Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Lets the other tasks of a current-thread runtime go on until each waits for something.
pub(crate) async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

/// Lets other tasks go on until `condition` holds; panics if it does not in a long time.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    for _ in 0..10_000_000 {
        if condition() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("what was waited for did not happen");
}

/// Takes all dead letters.
pub(crate) fn take_letters<M: Message>(broker: &InMemoryMessageBroker<M>) -> Vec<DeadLetter<M>> {
    broker.dead_letters().take(&DeadLetterFilter::all())
}

/// The numbers in the dead letters that have this reason, in their order.
pub(crate) fn numbers_of(letters: &[DeadLetter<Job>], reason: DeadLetterReason) -> Vec<u64> {
    letters.iter().filter(|letter| letter.reason == reason).map(|letter| number_of(letter.envelope.message())).collect()
}

pub(crate) fn number_of(job: &Job) -> u64 {
    match job {
        Job::Note(number) | Job::Hold(number) | Job::Echo(number) | Job::Answer(number) => *number,
        Job::Fail(_) | Job::Panic(_) => u64::MAX,
    }
}

/// Asserts that these are the only outcomes, that nothing waits or is being handled, and that the accounts balance.
#[track_caller]
pub(crate) fn assert_at_rest(traffic: &Traffic, expected: &[(Outcome, u64)]) {
    for outcome in Outcome::ALL {
        let wanted = expected.iter().filter(|(known, _)| *known == outcome).map(|(_, count)| count).sum::<u64>();
        assert_eq!(traffic.outcomes[outcome], wanted, "{outcome}: {traffic:?}");
    }
    assert_balanced(traffic);
}

/// Asserts that each accepted message has ended, once.
#[track_caller]
pub(crate) fn assert_balanced(traffic: &Traffic) {
    assert_eq!((traffic.queued, traffic.in_handlers), (0, 0), "{traffic:?}");
    assert_eq!(traffic.unaccounted(), 0, "{traffic:?}");
    assert_eq!(traffic.accepted, traffic.outcomes.sum(), "{traffic:?}");
}
