//! xtra, with its bounded mailbox. It has no timeout of its own.

use std::pin::pin;
use std::task::{self, Poll, Waker};

use ::xtra::{Actor, Address, Context, Handler, Mailbox};

use crate::savina::{Behaviour, Hosted, System};
use crate::scenario::{Ask, Churn, Idle, Kind, Peer, Tell};
use crate::work::{CAPACITY, Sum, Work};

pub struct Adder(Sum);

impl Actor for Adder {
    type Stop = ();

    async fn stopped(self) {}
}

impl<const REST: usize> Handler<Work<REST>> for Adder {
    type Return = ();

    async fn handle(&mut self, work: Work<REST>, _: &mut Context<Self>) {
        self.0.add(work);
    }
}

/// With a mailbox that is `BOUNDED` or not.
#[derive(Clone)]
pub struct Teller<const REST: usize = 5, const BOUNDED: bool = true>(Address<Adder>);

impl<const REST: usize, const BOUNDED: bool> Peer for Teller<REST, BOUNDED> {
    const NAME: &'static str = "xtra";
    const KIND: Kind = Kind::Framework;
}

impl<const REST: usize, const BOUNDED: bool> Tell<REST> for Teller<REST, BOUNDED> {
    async fn start(sum: Sum) -> Self {
        let mailbox = if BOUNDED { Mailbox::bounded(CAPACITY) } else { Mailbox::unbounded() };
        Self(::xtra::spawn_tokio(Adder(sum), mailbox))
    }

    async fn tell(&self, work: Work<REST>) {
        let _unread = self.0.send(work).detach().await.expect("the actor is there");
    }
}

pub struct Echo;

impl Actor for Echo {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<Work> for Echo {
    type Return = Work;

    async fn handle(&mut self, work: Work, _: &mut Context<Self>) -> Work {
        work
    }
}

#[derive(Clone)]
pub struct Asker(Address<Echo>);

impl Peer for Asker {
    const NAME: &'static str = "xtra";
    const KIND: Kind = Kind::Framework;
}

impl Ask for Asker {
    async fn start() -> Self {
        Self(spawn_echo())
    }

    async fn ask(&self, work: Work) -> Work {
        self.0.send(work).await.expect("the actor answers")
    }
}

pub struct Actors;

impl Peer for Actors {
    const NAME: &'static str = "xtra";
    const KIND: Kind = Kind::Framework;
}

impl Idle for Actors {
    type Kept = Address<Echo>;

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
        let end = actor.join();
        drop(actor);
        end.await;
    }
}

fn spawn_echo() -> Address<Echo> {
    ::xtra::spawn_tokio(Echo, Mailbox::bounded(CAPACITY))
}

/// Programs of actors that have no bound.
pub struct Savina;

impl Peer for Savina {
    const NAME: &'static str = "xtra";
    const KIND: Kind = Kind::Framework;
}

pub struct Player<B>(Hosted<Savina, B>);

impl<B: Behaviour<Savina>> Actor for Player<B> {
    type Stop = ();

    async fn stopped(self) {}
}

impl<B: Behaviour<Savina>> Handler<B::Message> for Player<B> {
    type Return = ();

    async fn handle(&mut self, message: B::Message, context: &mut Context<Self>) {
        if self.0.handle(message) {
            context.stop_self();
        }
    }
}

impl System for Savina {
    type Stage<B: Behaviour<Self>> = ();
    type Ref<B: Behaviour<Self>> = Address<Player<B>>;

    fn stage<B: Behaviour<Self>>() {}

    async fn spawn<B: Behaviour<Self>>((): &(), actor: Hosted<Self, B>) -> Self::Ref<B> {
        ::xtra::spawn_tokio(Player(actor), Mailbox::unbounded())
    }

    /// It has only a future for this, which is ready at once where there is no bound.
    fn send<B: Behaviour<Self>>(to: &Self::Ref<B>, message: B::Message) {
        let mut sending = pin!(to.send(message).detach().into_future());
        let sent = sending.as_mut().poll(&mut task::Context::from_waker(Waker::noop()));
        assert!(matches!(sent, Poll::Ready(Ok(_))), "the actor is there");
    }
}
