//! crossfire, and tokio's `oneshot` for answers.

use tokio::sync::oneshot;

use crate::scenario::{Ask, Kind, Peer, Tell};
use crate::work::{CAPACITY, Sum, Work};
use ::crossfire::mpsc::{Array, List};

/// A message, and where its answer goes.
type Question = (Work, oneshot::Sender<Work>);

#[derive(Clone)]
pub struct Teller<const REST: usize = 5>(::crossfire::MAsyncTx<Array<Work<REST>>>);

impl<const REST: usize> Peer for Teller<REST> {
    const NAME: &'static str = "crossfire";
    const KIND: Kind = Kind::Floor;
}

impl<const REST: usize> Tell<REST> for Teller<REST> {
    async fn start(mut sum: Sum) -> Self {
        let (sender, receiver) = ::crossfire::mpsc::bounded_async(CAPACITY);
        tokio::spawn(async move {
            while let Ok(work) = receiver.recv().await {
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
pub struct Unbounded(::crossfire::MTx<List<Work>>);

impl Peer for Unbounded {
    const NAME: &'static str = "crossfire";
    const KIND: Kind = Kind::Floor;
}

impl Tell for Unbounded {
    async fn start(mut sum: Sum) -> Self {
        let (sender, receiver) = ::crossfire::mpsc::unbounded_async();
        tokio::spawn(async move {
            while let Ok(work) = receiver.recv().await {
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
pub struct Asker(::crossfire::MAsyncTx<Array<Question>>);

impl Peer for Asker {
    const NAME: &'static str = "crossfire";
    const KIND: Kind = Kind::Floor;
}

impl Ask for Asker {
    async fn start() -> Self {
        let (sender, receiver) = ::crossfire::mpsc::bounded_async::<Question>(CAPACITY);
        tokio::spawn(async move {
            while let Ok((work, asker)) = receiver.recv().await {
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
