//! xtra, with its bounded mailbox. It has no timeout of its own.

use ::xtra::{Actor, Address, Context, Handler, Mailbox};

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
