//! The project itself: by address, which is looked up for each message, and by a route that was looked up once.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::switchboard::address::ActorId;
use ::switchboard::broker::{InMemoryBuilder, ReplyError, Route};
use ::switchboard::{
    ActorAddress, Context, InMemoryMessageBroker, MailboxOptions, Message, MessageBroker, MessageEnvelope,
    MessageHandler,
};

use crate::savina::{Behaviour, Hosted, System};
use crate::scenario::{Ask, Churn, Idle, Kind, Peer, Tell};
use crate::work::{CAPACITY, Sum, Work};

type Broker = InMemoryMessageBroker<Work>;

impl Message for Work {
    const MESSAGE_TYPE: &'static str = "bench.work";
}

fn builder() -> InMemoryBuilder<Work> {
    Broker::builder().default_mailbox(MailboxOptions::bounded(CAPACITY))
}

fn broker() -> Broker {
    builder().build().expect("the capacity is small")
}

/// A handler that adds up.
pub struct Adder(Sum);

impl MessageHandler<Work> for Adder {
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

/// The broker, with the address looked up for each message.
#[derive(Clone)]
pub struct ByAddress {
    broker: Broker,
    address: ActorAddress,
}

impl ByAddress {
    async fn to(broker: Broker, handler: impl MessageHandler<Work>) -> Self {
        let address = ActorAddress::from(ActorId::next());
        broker.spawn(&address, handler).await.expect("the id is free");
        Self { broker, address }
    }
}

impl Peer for ByAddress {
    const NAME: &'static str = "switchboard by address";
    const KIND: Kind = Kind::Switchboard;
}

impl Tell for ByAddress {
    async fn start(sum: Sum) -> Self {
        Self::to(broker(), Adder(sum)).await
    }

    async fn tell(&self, work: Work) {
        self.broker.send(&self.address, work).await.expect("the actor is there");
    }
}

/// A route, and the broker that it is of.
#[derive(Clone)]
pub struct ByRoute {
    _broker: Broker,
    route: Route<Work>,
}

impl Peer for ByRoute {
    const NAME: &'static str = "switchboard by route";
    const KIND: Kind = Kind::Switchboard;
}

impl Tell for ByRoute {
    async fn start(sum: Sum) -> Self {
        let ByAddress { broker, address } = ByAddress::start(sum).await;
        let route = broker.route(&address).expect("the actor is there");
        Self { _broker: broker, route }
    }

    async fn tell(&self, work: Work) {
        self.route.send(work).await.expect("the actor is there");
    }
}

/// A pool of four, under the default strategy.
#[derive(Clone)]
pub struct Pool {
    broker: Broker,
    pool: ActorAddress,
}

impl Peer for Pool {
    const NAME: &'static str = "switchboard pool of 4";
    const KIND: Kind = Kind::Switchboard;
}

impl Tell for Pool {
    /// The members share one sum, behind a lock that costs each message a few nanoseconds more than a lone receiver's.
    async fn start(sum: Sum) -> Self {
        let broker = broker();
        let pool = ActorAddress::pool("workers").expect("a pool's name");
        let sum = Arc::new(Mutex::new(sum));
        for _ in 0..4 {
            broker.spawn(&pool, Member(Arc::clone(&sum))).await.expect("a pool takes any number");
        }
        Self { broker, pool }
    }

    async fn tell(&self, work: Work) {
        self.broker.send(&self.pool, work).await.expect("the pool has members");
    }
}

struct Member(Arc<Mutex<Sum>>);

impl MessageHandler<Work> for Member {
    type Error = Infallible;

    async fn handle<B: MessageBroker<Work>>(
        &mut self,
        envelope: MessageEnvelope<Work>,
        _: &Context<Work, B>,
    ) -> Result<(), Infallible> {
        self.0.lock().expect("adding does not panic").add(envelope.into_message());
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

/// Asks by address, of a broker that has no timeout of its own.
#[derive(Clone)]
pub struct Asker(ByAddress);

impl Peer for Asker {
    const NAME: &'static str = "switchboard by address";
    const KIND: Kind = Kind::Switchboard;
}

impl Ask for Asker {
    async fn start() -> Self {
        let unlimited = builder().no_request_timeout().build().expect("the capacity is small");
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
