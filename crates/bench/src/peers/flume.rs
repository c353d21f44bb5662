//! flume, and tokio's `oneshot` for answers.

use tokio::sync::oneshot;

use crate::scenario::{Ask, Count, Kind, Peer, Share, Tell};
use crate::work::{CAPACITY, Sum, Work};

/// A message, and where its answer goes.
type Question = (Work, oneshot::Sender<Work>);

/// By a channel that is `BOUNDED` or not.
#[derive(Clone)]
pub struct Teller<const REST: usize = 5, const BOUNDED: bool = true>(::flume::Sender<Work<REST>>);

impl<const REST: usize, const BOUNDED: bool> Peer for Teller<REST, BOUNDED> {
    const NAME: &'static str = "flume";
    const KIND: Kind = Kind::Floor;
}

impl<const REST: usize, const BOUNDED: bool> Tell<REST> for Teller<REST, BOUNDED> {
    async fn start(mut sum: Sum) -> Self {
        let (sender, receiver) = if BOUNDED { ::flume::bounded(CAPACITY) } else { ::flume::unbounded() };
        tokio::spawn(async move {
            while let Ok(work) = receiver.recv_async().await {
                sum.add(work);
            }
        });
        Self(sender)
    }

    async fn tell(&self, work: Work<REST>) {
        self.0.send_async(work).await.expect("the receiver is there");
    }
}

/// A channel that several receive from.
#[derive(Clone)]
pub struct Shared(::flume::Sender<Work>);

impl Peer for Shared {
    const NAME: &'static str = "flume, one channel";
    const KIND: Kind = Kind::Floor;
}

impl Share for Shared {
    async fn start(counts: Vec<Count>) -> Self {
        let (sender, receiver) = ::flume::bounded(CAPACITY);
        for count in counts {
            let receiver = receiver.clone();
            tokio::spawn(async move {
                while let Ok(work) = receiver.recv_async().await {
                    count.add(work);
                }
            });
        }
        Self(sender)
    }

    async fn tell(&self, work: Work) {
        self.0.send_async(work).await.expect("the receivers are there");
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
