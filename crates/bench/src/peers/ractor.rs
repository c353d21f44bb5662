//! ractor. Its mailboxes have no bound.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use ::ractor::port::OutputPort;
use ::ractor::rpc::CallResult;
use ::ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::task::JoinHandle;

use crate::savina::{Behaviour, Hosted, System};
use crate::scenario::{Ask, Churn, Fan, Idle, Kind, Peer, Tell};
use crate::work::{Sum, Work};

pub struct Adder<const REST: usize>;

impl<const REST: usize> Actor for Adder<REST> {
    type Msg = Work<REST>;
    type State = Sum;
    type Arguments = Sum;

    async fn pre_start(&self, _: ActorRef<Work<REST>>, sum: Sum) -> Result<Sum, ActorProcessingErr> {
        Ok(sum)
    }

    async fn handle(&self, _: ActorRef<Work<REST>>, work: Work<REST>, sum: &mut Sum) -> Result<(), ActorProcessingErr> {
        sum.add(work);
        Ok(())
    }
}

#[derive(Clone)]
pub struct Teller<const REST: usize = 5>(ActorRef<Work<REST>>);

impl<const REST: usize> Peer for Teller<REST> {
    const NAME: &'static str = "ractor";
    const KIND: Kind = Kind::Framework;

    async fn end(self) {
        self.0.stop(None);
    }
}

impl<const REST: usize> Tell<REST> for Teller<REST> {
    async fn start(sum: Sum) -> Self {
        Self(Actor::spawn(None, Adder::<REST>, sum).await.expect("the actor starts").0)
    }

    async fn tell(&self, work: Work<REST>) {
        self.0.cast(work).expect("the actor is there");
    }
}

/// An output port, in the version that loses nothing, and the actors that it forwards to.
#[derive(Clone)]
pub struct Publisher {
    port: Arc<OutputPort<Work>>,
    actors: Arc<[Teller]>,
}

impl Peer for Publisher {
    const NAME: &'static str = "ractor";
    const KIND: Kind = Kind::Framework;

    async fn end(self) {
        Teller::end_many(self.actors.to_vec()).await;
    }
}

impl Fan for Publisher {
    async fn start(sums: Vec<Sum>) -> Self {
        let (port, actors) = (OutputPort::default(), Teller::start_many(sums).await);
        for actor in &actors {
            port.subscribe(actor.0.clone(), Some);
        }
        Self { port: Arc::new(port), actors: actors.into() }
    }

    async fn give(&self, work: Work) {
        self.port.send(work);
    }
}

/// A message, and where its answer goes.
pub struct Question(Work, RpcReplyPort<Work>);

pub struct Echo;

impl Actor for Echo {
    type Msg = Question;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Question>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(&self, _: ActorRef<Question>, question: Question, (): &mut ()) -> Result<(), ActorProcessingErr> {
        question.1.send(question.0)?;
        Ok(())
    }
}

#[derive(Clone)]
pub struct Asker(ActorRef<Question>);

impl Peer for Asker {
    const NAME: &'static str = "ractor";
    const KIND: Kind = Kind::Framework;

    async fn end(self) {
        self.0.stop(None);
    }
}

impl Ask for Asker {
    async fn start() -> Self {
        Self(spawn_echo().await.0)
    }

    async fn ask(&self, work: Work) -> Work {
        call(&self.0, work, None).await
    }

    async fn ask_within(&self, work: Work, timeout: Duration) -> Work {
        call(&self.0, work, Some(timeout)).await
    }
}

async fn call(actor: &ActorRef<Question>, work: Work, timeout: Option<Duration>) -> Work {
    match actor.call(|port| Question(work, port), timeout).await {
        Ok(CallResult::Success(answer)) => answer,
        _ => panic!("the actor answers"),
    }
}

pub struct Actors;

impl Peer for Actors {
    const NAME: &'static str = "ractor";
    const KIND: Kind = Kind::Framework;
}

impl Idle for Actors {
    type Kept = ActorRef<Question>;

    async fn start() -> Self {
        Self
    }

    async fn spawn(&self) -> Self::Kept {
        spawn_echo().await.0
    }
}

impl Churn for Actors {
    async fn start() -> Self {
        Self
    }

    async fn spawn_and_stop(&self) {
        let (actor, task) = spawn_echo().await;
        actor.stop(None);
        task.await.expect("the actor ends well");
    }
}

async fn spawn_echo() -> (ActorRef<Question>, JoinHandle<()>) {
    Actor::spawn(None, Echo, ()).await.expect("the actor starts")
}

/// Programs of actors.
pub struct Savina;

impl Peer for Savina {
    const NAME: &'static str = "ractor";
    const KIND: Kind = Kind::Framework;
}

pub struct Player<B>(PhantomData<fn() -> B>);

impl<B: Behaviour<Savina>> Actor for Player<B> {
    type Msg = B::Message;
    type State = Hosted<Savina, B>;
    type Arguments = Hosted<Savina, B>;

    async fn pre_start(
        &self,
        _: ActorRef<B::Message>,
        actor: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(actor)
    }

    async fn handle(
        &self,
        me: ActorRef<B::Message>,
        message: B::Message,
        actor: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        if actor.handle(message) {
            me.stop(None);
        }
        Ok(())
    }
}

impl System for Savina {
    type Stage<B: Behaviour<Self>> = ();
    type Ref<B: Behaviour<Self>> = ActorRef<B::Message>;

    fn stage<B: Behaviour<Self>>() {}

    async fn spawn<B: Behaviour<Self>>((): &(), actor: Hosted<Self, B>) -> Self::Ref<B> {
        Actor::spawn(None, Player::<B>(PhantomData), actor).await.expect("the actor starts").0
    }

    fn send<B: Behaviour<Self>>(to: &Self::Ref<B>, message: B::Message) {
        assert!(to.cast(message).is_ok(), "the actor is there");
    }
}
