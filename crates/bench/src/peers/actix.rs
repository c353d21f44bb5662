//! actix, whose actors live on one thread of its own system. The senders are on the runtime that everybody else is
//! measured on, so a message crosses threads. `do_send` does not keep to a mailbox's bound.

use std::sync::{LazyLock, mpsc};
use std::time::Duration;

use ::actix::{Actor, ActorContext, Addr, ArbiterHandle, Context, Handler, Message, MessageResult, System};
use tokio::sync::oneshot;

use crate::savina::{self, Behaviour, Hosted};
use crate::scenario::{Ask, Churn, Idle, Kind, Peer, Tell};
use crate::work::{CAPACITY, Sum, Work};

/// The thread of the actors.
static ARBITER: LazyLock<ArbiterHandle> = LazyLock::new(|| {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let system = System::new();
        sender.send(System::current().arbiter().clone()).expect("the caller waits");
        system.run().expect("the system runs");
    });
    receiver.recv().expect("the system starts")
});

pub struct Told<const REST: usize>(Work<REST>);

impl<const REST: usize> Message for Told<REST> {
    type Result = ();
}

pub struct Adder(Sum);

impl Actor for Adder {
    type Context = Context<Self>;
}

impl<const REST: usize> Handler<Told<REST>> for Adder {
    type Result = ();

    fn handle(&mut self, told: Told<REST>, _: &mut Context<Self>) {
        self.0.add(told.0);
    }
}

#[derive(Clone)]
pub struct Teller<const REST: usize = 5>(Addr<Adder>);

impl<const REST: usize> Peer for Teller<REST> {
    const NAME: &'static str = "actix";
    const KIND: Kind = Kind::Framework;
}

impl<const REST: usize> Tell<REST> for Teller<REST> {
    async fn start(sum: Sum) -> Self {
        Self(Adder::start_in_arbiter(&ARBITER, |_| Adder(sum)))
    }

    async fn tell(&self, work: Work<REST>) {
        self.0.do_send(Told(work));
    }
}

pub struct Asked(Work);

impl Message for Asked {
    type Result = Work;
}

/// Answers, and lets its end be known by dropping `_end`.
pub struct Echo {
    _end: Option<oneshot::Sender<()>>,
}

impl Actor for Echo {
    type Context = Context<Self>;
}

impl Handler<Asked> for Echo {
    type Result = MessageResult<Asked>;

    fn handle(&mut self, asked: Asked, _: &mut Context<Self>) -> Self::Result {
        MessageResult(asked.0)
    }
}

#[derive(Clone)]
pub struct Asker(Addr<Echo>);

impl Peer for Asker {
    const NAME: &'static str = "actix";
    const KIND: Kind = Kind::Framework;
}

impl Ask for Asker {
    async fn start() -> Self {
        Self(spawn_echo(None))
    }

    async fn ask(&self, work: Work) -> Work {
        self.0.send(Asked(work)).await.expect("the actor answers")
    }

    async fn ask_within(&self, work: Work, timeout: Duration) -> Work {
        self.0.send(Asked(work)).timeout(timeout).await.expect("the actor answers")
    }
}

pub struct Actors;

impl Peer for Actors {
    const NAME: &'static str = "actix";
    const KIND: Kind = Kind::Framework;
}

impl Idle for Actors {
    type Kept = Addr<Echo>;

    async fn start() -> Self {
        Self
    }

    async fn spawn(&self) -> Self::Kept {
        spawn_echo(None)
    }
}

impl Churn for Actors {
    async fn start() -> Self {
        Self
    }

    /// An actor stops when nobody can send to it any more.
    async fn spawn_and_stop(&self) {
        let (end, ended) = oneshot::channel();
        drop(spawn_echo(Some(end)));
        let _dropped = ended.await;
    }
}

fn spawn_echo(end: Option<oneshot::Sender<()>>) -> Addr<Echo> {
    Echo::start_in_arbiter(&ARBITER, |context| {
        context.set_mailbox_capacity(CAPACITY);
        Echo { _end: end }
    })
}

/// Programs of actors on the one thread.
pub struct Savina;

impl Peer for Savina {
    const NAME: &'static str = "actix";
    const KIND: Kind = Kind::Framework;
}

pub struct Player<B>(Hosted<Savina, B>);

impl<B: Behaviour<Savina>> Actor for Player<B> {
    type Context = Context<Self>;
}

pub struct Sent<M>(M);

impl<M: 'static> Message for Sent<M> {
    type Result = ();
}

impl<B: Behaviour<Savina>> Handler<Sent<B::Message>> for Player<B> {
    type Result = ();

    fn handle(&mut self, sent: Sent<B::Message>, context: &mut Context<Self>) {
        if self.0.handle(sent.0) {
            context.stop();
        }
    }
}

impl savina::System for Savina {
    type Stage<B: Behaviour<Self>> = ();
    type Ref<B: Behaviour<Self>> = Addr<Player<B>>;

    fn stage<B: Behaviour<Self>>() {}

    async fn spawn<B: Behaviour<Self>>((): &(), actor: Hosted<Self, B>) -> Self::Ref<B> {
        Player::start_in_arbiter(&ARBITER, |_| Player(actor))
    }

    fn send<B: Behaviour<Self>>(to: &Self::Ref<B>, message: B::Message) {
        to.do_send(Sent(message));
    }
}
