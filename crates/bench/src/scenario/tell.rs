use tokio::task::JoinHandle;

use super::{Pace, Peer};
use crate::lap::Lap;
use crate::work::{Sum, Work};

/// Messages per lap, or a few more. It bounds what waits in a mailbox that has no bound of its own.
const LAP: u64 = 20_000;
/// Messages per sender and lap where there are many senders, each a task that is spawned for the lap.
const LEAST_PER_SENDER: u64 = 20;

/// What carries a message one way.
pub trait Tell<const REST: usize = 5>: Peer + Clone + Sync {
    /// Starts the receiver, which adds up what it gets.
    fn start(sum: Sum) -> impl Future<Output = Self> + Send;

    /// Starts a receiver for each sum, all of one system where a library has such.
    fn start_many(sums: Vec<Sum>) -> impl Future<Output = Vec<Self>> + Send {
        async move {
            let mut ways = Vec::with_capacity(sums.len());
            for sum in sums {
                ways.push(Self::start(sum).await);
            }
            ways
        }
    }

    /// Takes down what [`start_many`](Self::start_many) has started.
    fn end_many(ways: Vec<Self>) -> impl Future<Output = ()> + Send {
        async {
            for way in ways {
                way.end().await;
            }
        }
    }

    /// Sends one message, and waits for room if there is none.
    fn tell(&self, work: Work<REST>) -> impl Future<Output = ()> + Send;
}

/// Nanoseconds per message from `senders` tasks to one receiver, until it has received the last one.
pub async fn measure_tells<const REST: usize, T: Tell<REST>>(senders: u64, pace: Pace) -> f64 {
    let lap = Lap::of(1);
    let each = (LAP / senders).max(LEAST_PER_SENDER);
    let way = T::start(Sum::new(each * senders, &lap)).await;
    let time = pace
        .laps(each * senders, async || {
            let sending = (0..senders).map(|_| tell_in_turn(vec![way.clone()], each)).collect();
            end_of(&lap, sending).await;
        })
        .await;
    way.end().await;
    time
}

/// Nanoseconds per message from one task that tells `receivers` in turn.
pub async fn measure_tells_in_turn<T: Tell>(receivers: u64, pace: Pace) -> f64 {
    let lap = Lap::of(receivers);
    let each = LAP.div_ceil(receivers);
    let ways = T::start_many(vec![Sum::new(each, &lap); receivers as usize]).await;
    let time = pace
        .laps(each * receivers, async || {
            end_of(&lap, vec![tell_in_turn::<5, T>(ways.clone(), each)]).await;
        })
        .await;
    T::end_many(ways).await;
    time
}

/// Nanoseconds per message of `pairs`, each a task and a receiver of its own.
pub async fn measure_pairs<T: Tell>(pairs: u64, pace: Pace) -> f64 {
    let lap = Lap::of(pairs);
    let each = LAP.div_ceil(pairs);
    let ways = T::start_many(vec![Sum::new(each, &lap); pairs as usize]).await;
    let time = pace
        .laps(each * pairs, async || {
            let sending = ways.iter().map(|way| tell_in_turn(vec![way.clone()], each)).collect();
            end_of(&lap, sending).await;
        })
        .await;
    T::end_many(ways).await;
    time
}

/// A task that tells each of `ways` so many messages, one to each in turn.
fn tell_in_turn<const REST: usize, T: Tell<REST>>(ways: Vec<T>, each: u64) -> JoinHandle<()> {
    tokio::spawn(async move {
        let telling = async {
            for _ in 0..each {
                for way in &ways {
                    way.tell(Work::ONE).await;
                }
            }
        };
        ways[0].within(telling).await;
    })
}

/// Waits until all is sent, and then until all is received.
async fn end_of(lap: &Lap, sending: Vec<JoinHandle<()>>) {
    for sender in sending {
        sender.await.expect("the sender ends well");
    }
    lap.end().await;
}
