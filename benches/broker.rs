//! What a message costs through the broker, beside the same work over bare channels.
//!
//! ```text
//! cargo bench --bench broker              # everything, in under a minute
//! cargo bench --bench broker -- tell      # only what has `tell` in its path
//! cargo bench --bench broker -- --sample-count 300
//! ```
//!
//! `tell` sends [`TELLS`] messages and ends when the receiver has added all of them up. `ask` makes [`ASKS`] requests
//! and ends when all have their replies. The number under each name is how many tasks send or ask at once. Every
//! message is 48 bytes, every queue holds [`CAPACITY`], and everything runs on one tokio runtime of two workers, so the
//! rows differ only in what carries the message.
//!
//! `switchboard_by_address` looks the address up for each message, `switchboard_by_route` once.
//! `switchboard_with_timeout` asks with the broker's default timeout, `switchboard` without one.
//!
//! `resolve` picks the member for a message and sends nothing. The number is how many members the pool has.
//! `publish` hands out [`DELIVERIES`] copies, to a thousand subscribers each time or to ten, and they are received too;
//! `tell_and_receive` is the same number of messages told to one inbox and received. The number under
//! `among_subscriptions` is how many subscriptions there are, of which ten match.
//!
//! # How to read it
//!
//! Times are for a whole iteration; the `item/s` line below each is messages per second. Absolute figures move from
//! machine to machine and from run to run: compare rows of one run, by their medians, and repeat the run before you
//! believe a small difference. On a machine that does other things, `fastest` says more than `mean`.

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};

use divan::Bencher;
use divan::counter::ItemsCount;
use switchboard::address::ActorId;
use switchboard::balancing::Strategy;
use switchboard::broker::{InMemoryBuilder, ReplyError, Route};
use switchboard::topics::{Subject, SubjectPattern, Subscription};
use switchboard::{
    ActorAddress, Context, InMemoryMessageBroker, MailboxOptions, Message, MessageBroker, MessageEnvelope,
    MessageHandler, subject,
};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, mpsc, oneshot};

/// Messages per iteration of `tell`.
const TELLS: u64 = 100_000;
/// Requests per iteration of `ask`.
const ASKS: u64 = 19_200;
/// Copies per iteration of `publish`.
const DELIVERIES: u64 = 10_000;
/// Room in every queue.
const CAPACITY: usize = 1024;

type Broker = InMemoryMessageBroker<Work>;

const SENDERS: [u64; 2] = [1, 4];
const ASKERS: [u64; 2] = [1, 64];

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("two threads can be started")
});

fn main() {
    divan::main();
}

/// One sender or several, and the receiver adds up.
#[divan::bench_group(sample_count = 60, sample_size = 1)]
mod tell {
    use super::*;

    #[divan::bench(args = SENDERS)]
    fn kanal(bencher: Bencher<'_, '_>, senders: u64) {
        let (sender, receiver) = kanal::bounded_async(CAPACITY);
        let mut sum = Sum::default();
        let done = Arc::clone(&sum.done);
        RUNTIME.spawn(async move {
            while let Ok(work) = receiver.recv().await {
                sum.add(work);
            }
        });
        measure_tells(bencher, senders, &sender, &done);
    }

    #[divan::bench(args = SENDERS)]
    fn tokio_mpsc(bencher: Bencher<'_, '_>, senders: u64) {
        let (sender, mut receiver) = mpsc::channel(CAPACITY);
        let mut sum = Sum::default();
        let done = Arc::clone(&sum.done);
        RUNTIME.spawn(async move {
            while let Some(work) = receiver.recv().await {
                sum.add(work);
            }
        });
        measure_tells(bencher, senders, &sender, &done);
    }

    #[divan::bench(args = SENDERS)]
    fn switchboard_by_address(bencher: Bencher<'_, '_>, senders: u64) {
        let sum = Sum::default();
        let done = Arc::clone(&sum.done);
        measure_tells(bencher, senders, &ByAddress::to(InMemoryMessageBroker::builder(), sum), &done);
    }

    #[divan::bench(args = SENDERS)]
    fn switchboard_by_route(bencher: Bencher<'_, '_>, senders: u64) {
        let sum = Sum::default();
        let done = Arc::clone(&sum.done);
        let way = ByAddress::to(InMemoryMessageBroker::builder(), sum);
        let route = way.broker.route(&way.address).expect("the actor is there");
        measure_tells(bencher, senders, &route, &done);
    }
}

/// One asker or many, and the receiver sends each message back.
#[divan::bench_group(sample_count = 60, sample_size = 1)]
mod ask {
    use super::*;

    #[divan::bench(args = ASKERS)]
    fn kanal_and_oneshot(bencher: Bencher<'_, '_>, askers: u64) {
        let (sender, receiver) = kanal::bounded_async(CAPACITY);
        RUNTIME.spawn(async move {
            while let Ok(question) = receiver.recv().await {
                echo(question);
            }
        });
        measure_asks(bencher, askers, &sender);
    }

    #[divan::bench(args = ASKERS)]
    fn tokio_mpsc_and_oneshot(bencher: Bencher<'_, '_>, askers: u64) {
        let (sender, mut receiver) = mpsc::channel(CAPACITY);
        RUNTIME.spawn(async move {
            while let Some(question) = receiver.recv().await {
                echo(question);
            }
        });
        measure_asks(bencher, askers, &sender);
    }

    #[divan::bench(args = ASKERS)]
    fn switchboard(bencher: Bencher<'_, '_>, askers: u64) {
        let unlimited = InMemoryMessageBroker::builder().no_request_timeout();
        measure_asks(bencher, askers, &ByAddress::to(unlimited, Echo));
    }

    #[divan::bench(args = ASKERS)]
    fn switchboard_with_timeout(bencher: Bencher<'_, '_>, askers: u64) {
        measure_asks(bencher, askers, &ByAddress::to(InMemoryMessageBroker::builder(), Echo));
    }
}

/// Finding out who gets a message, which is what an address costs beside a route.
#[divan::bench_group(sample_count = 100, sample_size = 10_000)]
mod resolve {
    use super::*;

    const MEMBERS: [usize; 2] = [4, 1_000];

    /// Of so many actors any one, as a pool picks any of so many members.
    #[divan::bench(args = MEMBERS)]
    fn by_id(bencher: Bencher<'_, '_>, actors: usize) {
        let broker = InMemoryMessageBroker::<Work>::new();
        let addresses: Vec<_> = (0..actors).map(|_| ActorAddress::from(ActorId::next())).collect();
        let register = |address| RUNTIME.block_on(broker.register(address, MailboxOptions::bounded(CAPACITY)));
        let _inboxes: Vec<_> = addresses.iter().map(|address| register(address).expect("its id is new")).collect();
        let envelope = MessageEnvelope::new(Work::ONE);
        bencher.bench_local(|| {
            let address = &addresses[fastrand::usize(..actors)];
            broker.registry().pick(divan::black_box(address), divan::black_box(&envelope))
        });
    }

    #[divan::bench]
    fn by_name(bencher: Bencher<'_, '_>) {
        measure_picks(bencher, &switchboard::address!("named:desk"), 1, Strategy::default());
    }

    #[divan::bench(args = MEMBERS)]
    fn pool_by_power_of_two(bencher: Bencher<'_, '_>, members: usize) {
        measure_picks(bencher, &switchboard::address!("pool:desks"), members, Strategy::PowerOfTwo);
    }

    #[divan::bench(args = MEMBERS)]
    fn pool_in_turns(bencher: Bencher<'_, '_>, members: usize) {
        measure_picks(bencher, &switchboard::address!("pool:desks"), members, Strategy::RoundRobin);
    }
}

/// Picks a member for one and the same message, which is in nobody's way.
fn measure_picks(bencher: Bencher<'_, '_>, address: &ActorAddress, members: usize, strategy: Strategy) {
    let broker = InMemoryMessageBroker::<Work>::new();
    broker.set_strategy(address, strategy).expect("there are few groups");
    let join = || RUNTIME.block_on(broker.register(address, MailboxOptions::bounded(CAPACITY)));
    let _inboxes: Vec<_> = (0..members).map(|_| join().expect("the address is free")).collect();
    let envelope = MessageEnvelope::new(Work::ONE);
    bencher.bench_local(|| broker.registry().pick(divan::black_box(address), divan::black_box(&envelope)));
}

/// One task publishes, and receives what the subscribers got.
#[divan::bench_group(sample_count = 60, sample_size = 1)]
mod publish {
    use super::*;

    /// A tell to each of so many actors, which then receive it, as the subscribers of a publication do.
    #[divan::bench(args = [1, 1_000])]
    fn tell_and_receive(bencher: Bencher<'_, '_>, actors: u64) {
        let broker = InMemoryMessageBroker::new();
        let addresses: Vec<_> = (0..actors).map(|_| ActorAddress::from(ActorId::next())).collect();
        let register = |address| RUNTIME.block_on(broker.register(address, MailboxOptions::bounded(CAPACITY)));
        let mut inboxes: Vec<_> = addresses.iter().map(|address| register(address).expect("its id is new")).collect();
        bencher.counter(ItemsCount::new(DELIVERIES)).bench_local(|| {
            RUNTIME.block_on(async {
                for _ in 0..DELIVERIES / actors {
                    for address in &addresses {
                        broker.send(address, Work::ONE).await.expect("there is room");
                    }
                    inboxes.iter_mut().for_each(|inbox| drop(inbox.try_recv()));
                }
            });
        });
    }

    #[divan::bench]
    fn to_a_thousand(bencher: Bencher<'_, '_>) {
        let broker = InMemoryMessageBroker::new();
        let subject = subject!("orders.eu.created");
        let mut subscriptions: Vec<_> = (0..1_000).map(|_| subscribe(&broker, &subject)).collect();
        measure_publishing(bencher, &broker, &subject, &mut subscriptions);
    }

    #[divan::bench(args = [10, 100_000])]
    fn among_subscriptions(bencher: Bencher<'_, '_>, subscriptions: usize) {
        let broker = InMemoryMessageBroker::new();
        let on = |number: usize| Subject::new(format!("orders.{number}.created")).expect("a subject");
        let mut matching: Vec<_> = (0..10).map(|_| subscribe(&broker, &on(0))).collect();
        let _others: Vec<_> = (10..subscriptions).map(|number| subscribe(&broker, &on(number / 10))).collect();
        measure_publishing(bencher, &broker, &on(0), &mut matching);
    }

    fn subscribe(broker: &Broker, subject: &Subject) -> Subscription<Work, Broker> {
        let subscribing = broker.subscribe(SubjectPattern::from(subject), MailboxOptions::bounded(CAPACITY));
        RUNTIME.block_on(subscribing).expect("there is room in the mailbox")
    }

    fn measure_publishing(
        bencher: Bencher<'_, '_>,
        broker: &Broker,
        subject: &Subject,
        subscriptions: &mut [Subscription<Work, Broker>],
    ) {
        let times = DELIVERIES / subscriptions.len() as u64;
        bencher.counter(ItemsCount::new(DELIVERIES)).bench_local(|| {
            RUNTIME.block_on(async {
                for _ in 0..times {
                    broker.publish(subject, Work::ONE).await;
                    subscriptions.iter_mut().for_each(|subscription| drop(subscription.try_recv()));
                }
            });
        });
    }
}

fn measure_tells<T: Tell>(bencher: Bencher<'_, '_>, senders: u64, way: &T, done: &Notify) {
    bencher.counter(ItemsCount::new(TELLS)).bench_local(|| {
        RUNTIME.block_on(async {
            for _ in 0..senders {
                let way = way.clone();
                tokio::spawn(async move {
                    for _ in 0..TELLS / senders {
                        way.tell(Work::ONE).await;
                    }
                });
            }
            done.notified().await;
        });
    });
}

fn measure_asks<A: Ask>(bencher: Bencher<'_, '_>, askers: u64, way: &A) {
    bencher.counter(ItemsCount::new(ASKS)).bench_local(|| {
        RUNTIME.block_on(async {
            let asking = (0..askers).map(|_| {
                let way = way.clone();
                tokio::spawn(async move {
                    let mut sum = 0;
                    for _ in 0..ASKS / askers {
                        sum += way.ask(Work::ONE).await.number;
                    }
                    sum
                })
            });
            let mut sum = 0;
            for asker in asking.collect::<Vec<_>>() {
                sum += asker.await.expect("the asker ends well");
            }
            assert_eq!(sum, ASKS);
        });
    });
}

/// The message: 48 bytes, of which the receiver adds up eight.
#[derive(Clone, Copy, Debug)]
struct Work {
    number: u64,
    _rest: [u64; 5],
}

impl Work {
    const ONE: Self = Self { number: 1, _rest: [0; 5] };
}

impl Message for Work {
    const MESSAGE_TYPE: &'static str = "bench.work";

    fn routing_key(&self) -> Option<&str> {
        Some("customer-4711")
    }
}

/// What a receiver has added up, and who is told when that is all of an iteration.
#[derive(Default)]
struct Sum {
    seen: u64,
    done: Arc<Notify>,
}

impl Sum {
    fn add(&mut self, work: Work) {
        self.seen += work.number;
        if self.seen == TELLS {
            self.seen = 0;
            self.done.notify_one();
        }
    }
}

/// A question over a bare channel: the message, and where its answer goes.
type Question = (Work, oneshot::Sender<Work>);

fn echo((work, asker): Question) {
    asker.send(work).expect("the asker waits");
}

impl MessageHandler<Work> for Sum {
    type Error = Infallible;

    async fn handle<B: MessageBroker<Work>>(
        &mut self,
        envelope: MessageEnvelope<Work>,
        _: &Context<Work, B>,
    ) -> Result<(), Infallible> {
        self.add(envelope.into_message());
        Ok(())
    }
}

struct Echo;

impl MessageHandler<Work> for Echo {
    type Error = ReplyError<Work>;

    async fn handle<B: MessageBroker<Work>>(
        &mut self,
        envelope: MessageEnvelope<Work>,
        context: &Context<Work, B>,
    ) -> Result<(), Self::Error> {
        context.reply(envelope.into_message()).await
    }
}

/// The broker, with the address looked up for each message.
#[derive(Clone)]
struct ByAddress {
    broker: InMemoryMessageBroker<Work>,
    address: ActorAddress,
}

impl ByAddress {
    fn to(builder: InMemoryBuilder<Work>, handler: impl MessageHandler<Work>) -> Self {
        let broker = builder.default_mailbox(MailboxOptions::bounded(CAPACITY)).build().expect("there is room");
        let address = ActorAddress::from(ActorId::next());
        RUNTIME.block_on(broker.spawn(&address, handler)).expect("the id is free");
        Self { broker, address }
    }
}

/// What carries a message one way.
trait Tell: Clone + Send + 'static {
    fn tell(&self, work: Work) -> impl Future<Output = ()> + Send;
}

impl Tell for kanal::AsyncSender<Work> {
    async fn tell(&self, work: Work) {
        self.send(work).await.expect("the receiver is there");
    }
}

impl Tell for mpsc::Sender<Work> {
    async fn tell(&self, work: Work) {
        self.send(work).await.expect("the receiver is there");
    }
}

impl Tell for ByAddress {
    async fn tell(&self, work: Work) {
        self.broker.send(&self.address, work).await.expect("the actor is there");
    }
}

impl Tell for Route<Work> {
    async fn tell(&self, work: Work) {
        self.send(work).await.expect("the actor is there");
    }
}

/// What carries a message one way and its answer back.
trait Ask: Clone + Send + 'static {
    fn ask(&self, work: Work) -> impl Future<Output = Work> + Send;
}

impl Ask for kanal::AsyncSender<Question> {
    async fn ask(&self, work: Work) -> Work {
        let (asker, answer) = oneshot::channel();
        self.send((work, asker)).await.expect("the receiver is there");
        answer.await.expect("the receiver answers")
    }
}

impl Ask for mpsc::Sender<Question> {
    async fn ask(&self, work: Work) -> Work {
        let (asker, answer) = oneshot::channel();
        self.send((work, asker)).await.expect("the receiver is there");
        answer.await.expect("the receiver answers")
    }
}

impl Ask for ByAddress {
    async fn ask(&self, work: Work) -> Work {
        self.broker.request(&self.address, work).await.expect("the actor answers")
    }
}
