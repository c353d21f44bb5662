//! The project itself: by address, which is looked up for each message, and by a route that was looked up once.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::switchboard::address::ActorId;
use ::switchboard::broker::{InMemoryBuilder, ReplyError, Route};
use ::switchboard::topics::{ActorSubscription, Subject, SubjectPattern};
use ::switchboard::{
    ActorAddress, Context, InMemoryMessageBroker, MailboxOptions, Message, MessageBroker, MessageEnvelope,
    MessageHandler,
};

use crate::savina::{Behaviour, Hosted, System};
use crate::scenario::{Ask, Churn, Count, Fan, Idle, Kind, Peer, Share, Tell};
use crate::work::{CAPACITY, Sum, Work};

/// How long a broker may take to end its actors.
const SHUTDOWN: Duration = Duration::from_secs(60);

type Broker<const REST: usize = 5> = InMemoryMessageBroker<Work<REST>>;

impl<const REST: usize> Message for Work<REST> {
    const MESSAGE_TYPE: &'static str = "bench.work";
}

fn builder<const REST: usize>(mailbox: MailboxOptions) -> InMemoryBuilder<Work<REST>> {
    Broker::builder().default_mailbox(mailbox)
}

fn broker<const REST: usize>() -> Broker<REST> {
    builder(MailboxOptions::bounded(CAPACITY)).build().expect("the capacity is small")
}

/// A handler that adds up.
pub struct Adder(Sum);

impl<const REST: usize> MessageHandler<Work<REST>> for Adder {
    type Error = Infallible;

    async fn handle<B: MessageBroker<Work<REST>>>(
        &mut self,
        envelope: MessageEnvelope<Work<REST>>,
        _: &Context<Work<REST>, B>,
    ) -> Result<(), Infallible> {
        self.0.add(envelope.into_message());
        Ok(())
    }
}

/// The broker, with the address looked up for each message. Mailboxes are `BOUNDED` or not.
#[derive(Clone)]
pub struct ByAddress<const REST: usize = 5, const BOUNDED: bool = true> {
    broker: Broker<REST>,
    address: ActorAddress,
}

impl<const REST: usize, const BOUNDED: bool> ByAddress<REST, BOUNDED> {
    async fn to(broker: Broker<REST>, handler: impl MessageHandler<Work<REST>>) -> Self {
        let address = ActorAddress::from(ActorId::next());
        broker.spawn(&address, handler).await.expect("the id is free");
        Self { broker, address }
    }
}

impl<const REST: usize, const BOUNDED: bool> Peer for ByAddress<REST, BOUNDED> {
    const NAME: &'static str = "switchboard by address";
    const KIND: Kind = Kind::Switchboard;

    async fn end(self) {
        self.broker.shutdown(SHUTDOWN).await;
    }
}

impl<const REST: usize, const BOUNDED: bool> Tell<REST> for ByAddress<REST, BOUNDED> {
    async fn start(sum: Sum) -> Self {
        let mailbox = if BOUNDED { MailboxOptions::bounded(CAPACITY) } else { MailboxOptions::unbounded() };
        Self::to(builder(mailbox).build().expect("the capacity is small"), Adder(sum)).await
    }

    async fn start_many(sums: Vec<Sum>) -> Vec<Self> {
        let broker = broker();
        let mut ways = Vec::with_capacity(sums.len());
        for sum in sums {
            ways.push(Self::to(broker.clone(), Adder(sum)).await);
        }
        ways
    }

    async fn end_many(mut ways: Vec<Self>) {
        ways.pop().expect("there is one").end().await;
    }

    async fn tell(&self, work: Work<REST>) {
        self.broker.send(&self.address, work).await.expect("the actor is there");
    }
}

/// A route, and the broker that it is of.
#[derive(Clone)]
pub struct ByRoute<const REST: usize = 5, const BOUNDED: bool = true> {
    broker: Broker<REST>,
    route: Route<Work<REST>>,
}

impl<const REST: usize, const BOUNDED: bool> ByRoute<REST, BOUNDED> {
    fn to(way: ByAddress<REST, BOUNDED>) -> Self {
        let route = way.broker.route(&way.address).expect("the actor is there");
        Self { broker: way.broker, route }
    }
}

impl<const REST: usize, const BOUNDED: bool> Peer for ByRoute<REST, BOUNDED> {
    const NAME: &'static str = "switchboard by route";
    const KIND: Kind = Kind::Switchboard;

    async fn end(self) {
        self.broker.shutdown(SHUTDOWN).await;
    }
}

impl<const REST: usize, const BOUNDED: bool> Tell<REST> for ByRoute<REST, BOUNDED> {
    async fn start(sum: Sum) -> Self {
        Self::to(ByAddress::start(sum).await)
    }

    async fn start_many(sums: Vec<Sum>) -> Vec<Self> {
        ByAddress::start_many(sums).await.into_iter().map(Self::to).collect()
    }

    async fn end_many(mut ways: Vec<Self>) {
        ways.pop().expect("there is one").end().await;
    }

    async fn tell(&self, work: Work<REST>) {
        self.route.send(work).await.expect("the actor is there");
    }
}

/// A pool, under the default strategy.
#[derive(Clone)]
pub struct Pool {
    broker: Broker,
    pool: ActorAddress,
}

impl Peer for Pool {
    const NAME: &'static str = "switchboard pool";
    const KIND: Kind = Kind::Switchboard;

    async fn end(self) {
        self.broker.shutdown(SHUTDOWN).await;
    }
}

impl Share for Pool {
    async fn start(counts: Vec<Count>) -> Self {
        let broker = broker();
        let pool = ActorAddress::pool("workers").expect("a pool's name");
        for count in counts {
            broker.spawn(&pool, Member(count)).await.expect("a pool takes any number");
        }
        Self { broker, pool }
    }

    async fn tell(&self, work: Work) {
        self.broker.send(&self.pool, work).await.expect("the pool has members");
    }
}

struct Member(Count);

impl MessageHandler<Work> for Member {
    type Error = Infallible;

    async fn handle<B: MessageBroker<Work>>(
        &mut self,
        envelope: MessageEnvelope<Work>,
        _: &Context<Work, B>,
    ) -> Result<(), Infallible> {
        self.0.add(envelope.into_message());
        Ok(())
    }
}

/// A subject, and actors that have subscribed to it.
#[derive(Clone)]
pub struct Publisher {
    broker: Broker,
    subject: Subject,
    _subscriptions: Arc<[ActorSubscription<Work>]>,
}

impl Peer for Publisher {
    const NAME: &'static str = "switchboard publish";
    const KIND: Kind = Kind::Switchboard;

    async fn end(self) {
        self.broker.shutdown(SHUTDOWN).await;
    }
}

impl Fan for Publisher {
    async fn start(sums: Vec<Sum>) -> Self {
        let subject = Subject::new("work.done").expect("a subject");
        let ways = ByAddress::<5>::start_many(sums).await;
        let broker = ways[0].broker.clone();
        let mut subscriptions = Vec::with_capacity(ways.len());
        for way in &ways {
            let subscribing = broker.subscribe_actor(SubjectPattern::from(&subject), &way.address);
            subscriptions.push(subscribing.await.expect("the broker runs"));
        }
        Self { broker, subject, _subscriptions: subscriptions.into() }
    }

    async fn give(&self, work: Work) {
        let published = self.broker.publish(&self.subject, work).await;
        assert_eq!(published.refused, 0, "every subscriber has room");
    }
}

/// The same actors, each told by itself.
#[derive(Clone)]
pub struct Telling(Arc<[ByAddress]>);

impl Peer for Telling {
    const NAME: &'static str = "switchboard tell to each";
    const KIND: Kind = Kind::Switchboard;

    async fn end(self) {
        self.0[0].clone().end().await;
    }
}

impl Fan for Telling {
    async fn start(sums: Vec<Sum>) -> Self {
        Self(ByAddress::start_many(sums).await.into())
    }

    async fn give(&self, work: Work) {
        for way in &*self.0 {
            way.tell(work).await;
        }
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

/// Asks by address, of a broker that has no timeout of its own.
#[derive(Clone)]
pub struct Asker(ByAddress);

impl Peer for Asker {
    const NAME: &'static str = "switchboard by address";
    const KIND: Kind = Kind::Switchboard;

    async fn end(self) {
        self.0.end().await;
    }
}

impl Ask for Asker {
    async fn start() -> Self {
        let bounded = builder(MailboxOptions::bounded(CAPACITY));
        let unlimited = bounded.no_request_timeout().build().expect("the capacity is small");
        Self(ByAddress::to(unlimited, Echo).await)
    }

    async fn ask(&self, work: Work) -> Work {
        self.0.broker.request(&self.0.address, work).await.expect("the actor answers")
    }

    async fn ask_within(&self, work: Work, timeout: Duration) -> Work {
        let envelope = MessageEnvelope::new(work).within(timeout);
        self.0.broker.request(&self.0.address, envelope).await.expect("the actor answers")
    }
}

/// Registered and spawned actors.
pub struct Actors(Broker);

impl Peer for Actors {
    const NAME: &'static str = "switchboard";
    const KIND: Kind = Kind::Switchboard;
}

impl Idle for Actors {
    /// The registry keeps its actors.
    type Kept = ();

    async fn start() -> Self {
        Self(broker())
    }

    async fn spawn(&self) {
        self.0.spawn(&ActorAddress::from(ActorId::next()), Echo).await.expect("the id is free");
    }
}

/// Actors that give up their tasks when they have been idle for a while.
pub struct Hibernating(Broker);

impl Peer for Hibernating {
    const NAME: &'static str = "switchboard, hibernating";
    const KIND: Kind = Kind::Switchboard;
}

impl Idle for Hibernating {
    type Kept = ();

    async fn start() -> Self {
        // Sooner than anybody would in earnest, so that all do while the bytes are watched for a change.
        Self(
            builder(MailboxOptions::bounded(CAPACITY))
                .hibernate_after(Duration::from_millis(50))
                .build()
                .expect("the capacity is small"),
        )
    }

    async fn spawn(&self) {
        self.0.spawn(&ActorAddress::from(ActorId::next()), Echo).await.expect("the id is free");
    }
}

impl Churn for Actors {
    async fn start() -> Self {
        Self(broker())
    }

    async fn spawn_and_stop(&self) {
        let actor = self.0.spawn(&ActorAddress::from(ActorId::next()), Echo).await.expect("the id is free");
        actor.stop();
        actor.join().await;
    }
}

/// Programs of actors that have no bound, and know each other by route.
pub struct Savina;

impl Peer for Savina {
    const NAME: &'static str = "switchboard";
    const KIND: Kind = Kind::Switchboard;
}

/// A program's message, as the broker's.
pub struct Sent<M>(M);

impl<M: Send + 'static> Message for Sent<M> {
    const MESSAGE_TYPE: &'static str = "savina";
}

impl<M> fmt::Debug for Sent<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sent")
    }
}

struct Player<B: Behaviour<Savina>>(Hosted<Savina, B>);

impl<P: Behaviour<Savina>> MessageHandler<Sent<P::Message>> for Player<P> {
    type Error = Infallible;

    async fn handle<B: MessageBroker<Sent<P::Message>>>(
        &mut self,
        envelope: MessageEnvelope<Sent<P::Message>>,
        context: &Context<Sent<P::Message>, B>,
    ) -> Result<(), Infallible> {
        if self.0.handle(envelope.into_message().0) {
            context.stop();
        }
        Ok(())
    }
}

impl System for Savina {
    type Stage<B: Behaviour<Self>> = InMemoryMessageBroker<Sent<B::Message>>;
    type Ref<B: Behaviour<Self>> = Route<Sent<B::Message>>;

    fn stage<B: Behaviour<Self>>() -> Self::Stage<B> {
        let unbounded = InMemoryMessageBroker::builder().default_mailbox(MailboxOptions::unbounded());
        unbounded.build().expect("there is room")
    }

    async fn spawn<B: Behaviour<Self>>(stage: &Self::Stage<B>, actor: Hosted<Self, B>) -> Self::Ref<B> {
        let address = ActorAddress::from(ActorId::next());
        stage.spawn(&address, Player(actor)).await.expect("the id is free");
        stage.route(&address).expect("the actor is there")
    }

    fn send<B: Behaviour<Self>>(to: &Self::Ref<B>, message: B::Message) {
        to.try_send(Sent(message)).expect("the actor is there");
    }
}
