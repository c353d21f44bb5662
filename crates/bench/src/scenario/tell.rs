use std::sync::Arc;

use tokio::sync::Notify;

use super::{Pace, Peer};
use crate::work::{Sum, Work};

/// Messages per lap. It bounds what waits in a mailbox that has no bound of its own.
const LAP: u64 = 20_000;

/// What carries a message one way.
pub trait Tell: Peer + Clone {
    /// Starts the receiver, which adds up what it gets.
    fn start(sum: Sum) -> impl Future<Output = Self> + Send;

    /// Sends one message, and waits for room if there is none.
    fn tell(&self, work: Work) -> impl Future<Output = ()> + Send;
}

/// Nanoseconds per message from `senders` tasks to one receiver, until it has received the last one.
pub async fn measure_tells<T: Tell>(senders: u64, pace: Pace) -> f64 {
    let done = Arc::new(Notify::new());
    let way = T::start(Sum::new(LAP, &done)).await;
    pace.laps(LAP, async || {
        for _ in 0..senders {
            let way = way.clone();
            tokio::spawn(async move {
                for _ in 0..LAP / senders {
                    way.tell(Work::ONE).await;
                }
            });
        }
        done.notified().await;
    })
    .await
}
