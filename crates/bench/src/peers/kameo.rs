//! kameo, with its bounded mailbox.

use std::convert::Infallible;
use std::time::Duration;

use ::kameo::actor::{Actor, ActorRef, Spawn};
use ::kameo::mailbox;
use ::kameo::message::{Context, Message};

use crate::savina::{Behaviour, Hosted, System};
use crate::scenario::{Ask, Churn, Idle, Kind, Peer, Tell};
use crate::work::{CAPACITY, Sum, Work};

pub struct Adder(Sum);

impl Actor for Adder {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(adder: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(adder)
    }
}

impl<const REST: usize> Message<Work<REST>> for Adder {
    type Reply = ();

    async fn handle(&mut self, work: Work<REST>, _: &mut Context<Self, ()>) {
        self.0.add(work);
    }
}

/// With a mailbox that is `BOUNDED` or not.
#[derive(Clone)]
pub struct Teller<const REST: usize = 5, const BOUNDED: bool = true>(ActorRef<Adder>);

impl<const REST: usize, const BOUNDED: bool> Peer for Teller<REST, BOUNDED> {
    const NAME: &'static str = "kameo";
    const KIND: Kind = Kind::Framework;
}

impl<const REST: usize, const BOUNDED: bool> Tell<REST> for Teller<REST, BOUNDED> {
    async fn start(sum: Sum) -> Self {
        let mailbox = if BOUNDED { mailbox::bounded(CAPACITY) } else { mailbox::unbounded() };
        Self(Adder::spawn_with_mailbox(Adder(sum), mailbox))
    }

    async fn tell(&self, work: Work<REST>) {
        self.0.tell(work).send().await.expect("the actor is there");
    }
}

#[derive(Default)]
pub struct Echo;

impl Actor for Echo {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(echo: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(echo)
    }
}

#[derive(::kameo::Reply)]
pub struct Answer(Work);

impl Message<Work> for Echo {
    type Reply = Answer;

    async fn handle(&mut self, work: Work, _: &mut Context<Self, Answer>) -> Answer {
        Answer(work)
    }
}

#[derive(Clone)]
pub struct Asker(ActorRef<Echo>);

impl Peer for Asker {
    const NAME: &'static str = "kameo";
    const KIND: Kind = Kind::Framework;
}

impl Ask for Asker {
    async fn start() -> Self {
        Self(spawn_echo())
    }

    async fn ask(&self, work: Work) -> Work {
        self.0.ask(work).send().await.expect("the actor answers").0
    }

    async fn ask_within(&self, work: Work, timeout: Duration) -> Work {
        self.0.ask(work).reply_timeout(timeout).send().await.expect("the actor answers").0
    }
}

pub struct Actors;

impl Peer for Actors {
    const NAME: &'static str = "kameo";
    const KIND: Kind = Kind::Framework;
}

impl Idle for Actors {
    type Kept = ActorRef<Echo>;

    async fn start() -> Self {
        Self
    }

    async fn spawn(&self) -> Self::Kept {
        spawn_echo()
    }
}

impl Churn for Actors {
    async fn start() -> Self {
        Self
    }

    async fn spawn_and_stop(&self) {
        let actor = spawn_echo();
        actor.stop_gracefully().await.expect("the actor is there");
        actor.wait_for_shutdown().await;
    }
}

fn spawn_echo() -> ActorRef<Echo> {
    Echo::spawn_with_mailbox(Echo, mailbox::bounded(CAPACITY))
}

/// Programs of actors that have no bound.
pub struct Savina;

impl Peer for Savina {
    const NAME: &'static str = "kameo";
    const KIND: Kind = Kind::Framework;
}

pub struct Player<B: Behaviour<Savina>>(Hosted<Savina, B>);

impl<B: Behaviour<Savina>> Actor for Player<B> {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(player: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(player)
    }
}

impl<B: Behaviour<Savina>> Message<B::Message> for Player<B> {
    type Reply = ();

    async fn handle(&mut self, message: B::Message, context: &mut Context<Self, ()>) {
        if self.0.handle(message) {
            context.stop();
        }
    }
}

impl System for Savina {
    type Stage<B: Behaviour<Self>> = ();
    type Ref<B: Behaviour<Self>> = ActorRef<Player<B>>;

    fn stage<B: Behaviour<Self>>() {}

    async fn spawn<B: Behaviour<Self>>((): &(), actor: Hosted<Self, B>) -> Self::Ref<B> {
        Player::spawn_with_mailbox(Player(actor), mailbox::unbounded())
    }

    fn send<B: Behaviour<Self>>(to: &Self::Ref<B>, message: B::Message) {
        assert!(to.tell(message).try_send().is_ok(), "the actor is there");
    }
}
