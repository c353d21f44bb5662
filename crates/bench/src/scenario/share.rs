use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Pace, Peer};
use crate::work::Work;

/// Messages per lap: so many that it does not matter how its end is found.
const LAP: u64 = 100_000;
/// Receivers that share the work.
const MEMBERS: usize = 4;

/// What one of several receivers has added up. It is the only one who writes it, so that no message pays for another
/// receiver's.
#[derive(Clone, Default)]
pub struct Count(Arc<Line>);

/// On cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Line(AtomicU64);

impl Count {
    pub fn add(&self, work: Work) {
        // Nobody else writes.
        self.0.0.store(self.seen() + work.number, Ordering::Release);
    }

    fn seen(&self) -> u64 {
        self.0.0.load(Ordering::Acquire)
    }
}

/// What hands each message to one of several receivers.
pub trait Share: Peer + Clone + Sync {
    /// Starts a receiver for each count.
    fn start(counts: Vec<Count>) -> impl Future<Output = Self> + Send;

    /// Sends one message, and waits for room if there is none.
    fn tell(&self, work: Work) -> impl Future<Output = ()> + Send;
}

/// Nanoseconds per message of one task to four receivers that share them, until they have received the last one.
pub async fn measure_sharing<S: Share>(pace: Pace) -> f64 {
    let counts: Vec<_> = (0..MEMBERS).map(|_| Count::default()).collect();
    let way = S::start(counts.clone()).await;
    let mut sent = 0;
    let time = pace
        .laps(LAP, async || {
            sent += LAP;
            let (sender, counts) = (way.clone(), counts.clone());
            let sending = tokio::spawn(async move {
                for _ in 0..LAP {
                    sender.tell(Work::ONE).await;
                }
                all_seen(&counts, sent).await;
            });
            sending.await.expect("the sender ends well");
        })
        .await;
    way.end().await;
    time
}

/// Waits until the receivers have added up `sent` together. It only looks again when others had their turn: each knows
/// what it has itself, and nobody when all are done.
async fn all_seen(counts: &[Count], sent: u64) {
    let seen = || counts.iter().map(Count::seen).sum::<u64>();
    while seen() < sent {
        tokio::task::yield_now().await;
    }
    assert_eq!(seen(), sent, "every message is received once");
}
