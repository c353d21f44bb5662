//! coerce. Its mailboxes have no bound, and it has no timeout of its own.

use ::coerce::actor::context::ActorContext;
use ::coerce::actor::message::{Handler, Message};
use ::coerce::actor::system::ActorSystem;
use ::coerce::actor::{Actor, LocalActorRef};

use crate::scenario::{Ask, Churn, Idle, Kind, Peer, Tell};
use crate::work::{Sum, Work};

pub struct Told(Work);

impl Message for Told {
    type Result = ();
}

pub struct Adder(Sum);

impl Actor for Adder {}

#[async_trait::async_trait]
impl Handler<Told> for Adder {
    async fn handle(&mut self, told: Told, _: &mut ActorContext) {
        self.0.add(told.0);
    }
}

#[derive(Clone)]
pub struct Teller(LocalActorRef<Adder>);

impl Peer for Teller {
    const NAME: &'static str = "coerce";
    const KIND: Kind = Kind::Framework;
}

impl Tell for Teller {
    async fn start(sum: Sum) -> Self {
        Self(ActorSystem::new().new_anon_actor(Adder(sum)).await.expect("the actor starts"))
    }

    async fn tell(&self, work: Work) {
        self.0.notify(Told(work)).expect("the actor is there");
    }
}

pub struct Asked(Work);

impl Message for Asked {
    type Result = Work;
}

pub struct Echo;

impl Actor for Echo {}

#[async_trait::async_trait]
impl Handler<Asked> for Echo {
    async fn handle(&mut self, asked: Asked, _: &mut ActorContext) -> Work {
        asked.0
    }
}

#[derive(Clone)]
pub struct Asker(LocalActorRef<Echo>);

impl Peer for Asker {
    const NAME: &'static str = "coerce";
    const KIND: Kind = Kind::Framework;
}

impl Ask for Asker {
    async fn start() -> Self {
        Self(spawn_echo(&ActorSystem::new()).await)
    }

    async fn ask(&self, work: Work) -> Work {
        self.0.send(Asked(work)).await.expect("the actor answers")
    }
}

/// Actors that the system keeps no list of.
pub struct Actors(ActorSystem);

impl Peer for Actors {
    const NAME: &'static str = "coerce";
    const KIND: Kind = Kind::Framework;
}

impl Idle for Actors {
    type Kept = LocalActorRef<Echo>;

    async fn start() -> Self {
        Self(ActorSystem::new())
    }

    async fn spawn(&self) -> Self::Kept {
        spawn_echo(&self.0).await
    }
}

impl Churn for Actors {
    async fn start() -> Self {
        Self(ActorSystem::new())
    }

    async fn spawn_and_stop(&self) {
        spawn_echo(&self.0).await.stop().await.expect("the actor ends");
    }
}

async fn spawn_echo(system: &ActorSystem) -> LocalActorRef<Echo> {
    system.new_anon_actor(Echo).await.expect("the actor starts")
}
