use super::{Pace, Peer};
use crate::lap::Lap;
use crate::work::{CAPACITY, Sum, Work};

/// Deliveries per lap, or fewer where there are few subscribers.
const LAP: usize = 20_000;

/// What gives a message to many receivers.
pub trait Fan: Peer + Clone + Sync {
    /// Starts a receiver for each sum.
    fn start(sums: Vec<Sum>) -> impl Future<Output = Self> + Send;

    /// Gives a copy to each of them.
    fn give(&self, work: Work) -> impl Future<Output = ()> + Send;
}

/// Nanoseconds per delivery of one task that gives each message to `receivers`, until they have received the last one.
pub async fn measure_fan<F: Fan>(receivers: usize, pace: Pace) -> f64 {
    // No more than a mailbox holds, since a publication waits for nobody.
    let messages = (LAP / receivers).clamp(1, CAPACITY) as u64;
    let lap = Lap::of(receivers as u64);
    let way = F::start(vec![Sum::new(messages, &lap); receivers]).await;
    let time = pace
        .laps(messages * receivers as u64, async || {
            let giver = way.clone();
            let giving = tokio::spawn(async move {
                for _ in 0..messages {
                    giver.give(Work::ONE).await;
                }
            });
            giving.await.expect("the giver ends well");
            lap.end().await;
        })
        .await;
    way.end().await;
    time
}
