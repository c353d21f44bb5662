//! tokio mpsc, and tokio's `oneshot` for answers.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::savina::{Behaviour, Hosted, System};
use crate::scenario::{Ask, Churn, Fan, Idle, Kind, Peer, Tell};
use crate::work::{CAPACITY, Sum, Work};

/// A message, and where its answer goes.
type Question = (Work, oneshot::Sender<Work>);

#[derive(Clone)]
pub struct Teller<const REST: usize = 5>(mpsc::Sender<Work<REST>>);

impl<const REST: usize> Peer for Teller<REST> {
    const NAME: &'static str = "tokio mpsc";
    const KIND: Kind = Kind::Floor;
}

impl<const REST: usize> Tell<REST> for Teller<REST> {
    async fn start(mut sum: Sum) -> Self {
        let (sender, mut receiver) = mpsc::channel(CAPACITY);
        tokio::spawn(async move {
            while let Some(work) = receiver.recv().await {
                sum.add(work);
            }
        });
        Self(sender)
    }

    async fn tell(&self, work: Work<REST>) {
        self.0.send(work).await.expect("the receiver is there");
    }
}

/// By a channel without a bound.
#[derive(Clone)]
pub struct Unbounded(mpsc::UnboundedSender<Work>);

impl Peer for Unbounded {
    const NAME: &'static str = "tokio mpsc";
    const KIND: Kind = Kind::Floor;
}

impl Tell for Unbounded {
    async fn start(mut sum: Sum) -> Self {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(work) = receiver.recv().await {
                sum.add(work);
            }
        });
        Self(sender)
    }

    async fn tell(&self, work: Work) {
        self.0.send(work).expect("the receiver is there");
    }
}

#[derive(Clone)]
pub struct Asker(mpsc::Sender<Question>);

impl Peer for Asker {
    const NAME: &'static str = "tokio mpsc";
    const KIND: Kind = Kind::Floor;
}

impl Ask for Asker {
    async fn start() -> Self {
        let (sender, mut receiver) = mpsc::channel::<Question>(CAPACITY);
        tokio::spawn(async move {
            while let Some((work, asker)) = receiver.recv().await {
                asker.send(work).expect("the asker waits");
            }
        });
        Self(sender)
    }

    async fn ask(&self, work: Work) -> Work {
        let (asker, answer) = oneshot::channel();
        self.0.send((work, asker)).await.expect("the receiver is there");
        answer.await.expect("the receiver answers")
    }
}

/// One sender of each channel in a list.
#[derive(Clone)]
pub struct Telling(Arc<[Teller]>);

impl Peer for Telling {
    const NAME: &'static str = "tokio mpsc each";
    const KIND: Kind = Kind::Floor;
}

impl Fan for Telling {
    async fn start(sums: Vec<Sum>) -> Self {
        Self(Teller::start_many(sums).await.into())
    }

    async fn give(&self, work: Work) {
        for way in &*self.0 {
            way.tell(work).await;
        }
    }
}

/// A task that receives: the least that an actor can be.
pub struct Tasks;

impl Peer for Tasks {
    const NAME: &'static str = "tokio mpsc";
    const KIND: Kind = Kind::Floor;
}

impl Idle for Tasks {
    type Kept = mpsc::Sender<Work>;

    async fn start() -> Self {
        Self
    }

    async fn spawn(&self) -> Self::Kept {
        spawn_task().0
    }
}

impl Churn for Tasks {
    async fn start() -> Self {
        Self
    }

    async fn spawn_and_stop(&self) {
        let (sender, task) = spawn_task();
        drop(sender);
        task.await.expect("the task ends well");
    }
}

fn spawn_task() -> (mpsc::Sender<Work>, JoinHandle<()>) {
    let (sender, mut receiver) = mpsc::channel::<Work>(CAPACITY);
    let task = tokio::spawn(async move { while receiver.recv().await.is_some() {} });
    (sender, task)
}

/// Programs of tasks, each of which receives from a channel without a bound.
pub struct Savina;

impl Peer for Savina {
    const NAME: &'static str = "tokio mpsc";
    const KIND: Kind = Kind::Floor;
}

impl System for Savina {
    type Stage<B: Behaviour<Self>> = ();
    type Ref<B: Behaviour<Self>> = mpsc::UnboundedSender<B::Message>;

    fn stage<B: Behaviour<Self>>() {}

    async fn spawn<B: Behaviour<Self>>((): &(), mut actor: Hosted<Self, B>) -> Self::Ref<B> {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(message) = receiver.recv().await {
                if actor.handle(message) {
                    break;
                }
            }
        });
        sender
    }

    fn send<B: Behaviour<Self>>(to: &Self::Ref<B>, message: B::Message) {
        assert!(to.send(message).is_ok(), "the task is there");
    }
}
