//! flume, and tokio's `oneshot` for answers.

use tokio::sync::oneshot;

use crate::scenario::{Ask, Kind, Peer, Tell};
use crate::work::{CAPACITY, Sum, Work};

/// A message, and where its answer goes.
type Question = (Work, oneshot::Sender<Work>);

#[derive(Clone)]
pub struct Teller(::flume::Sender<Work>);

impl Peer for Teller {
    const NAME: &'static str = "flume";
    const KIND: Kind = Kind::Floor;
}

impl Tell for Teller {
    async fn start(mut sum: Sum) -> Self {
        let (sender, receiver) = ::flume::bounded(CAPACITY);
        tokio::spawn(async move {
            while let Ok(work) = receiver.recv_async().await {
                sum.add(work);
            }
        });
        Self(sender)
    }

    async fn tell(&self, work: Work) {
        self.0.send_async(work).await.expect("the receiver is there");
    }
}

#[derive(Clone)]
pub struct Asker(::flume::Sender<Question>);

impl Peer for Asker {
    const NAME: &'static str = "flume";
    const KIND: Kind = Kind::Floor;
}

impl Ask for Asker {
    async fn start() -> Self {
        let (sender, receiver) = ::flume::bounded::<Question>(CAPACITY);
        tokio::spawn(async move {
            while let Ok((work, asker)) = receiver.recv_async().await {
                asker.send(work).expect("the asker waits");
            }
        });
        Self(sender)
    }

    async fn ask(&self, work: Work) -> Work {
        let (asker, answer) = oneshot::channel();
        self.0.send_async((work, asker)).await.expect("the receiver is there");
        answer.await.expect("the receiver answers")
    }
}
