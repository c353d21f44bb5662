use std::time::Duration;

use tokio::task::JoinHandle;

use super::{Pace, Peer};
use crate::work::Work;

/// Requests per lap, or more where each task would have too few.
const LAP: u64 = 3_200;
/// Requests per task and lap where there are many tasks, which are spawned for the lap.
const LEAST_PER_ASKER: u64 = 10;
/// Long enough that no request ends by it.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What carries a message one way, and its answer back.
pub trait Ask: Peer + Clone + Sync {
    /// Starts the receiver, which sends each message back.
    fn start() -> impl Future<Output = Self> + Send;

    /// Asks, and waits for the answer for as long as it takes.
    fn ask(&self, work: Work) -> impl Future<Output = Work> + Send;

    /// Asks with a timeout: the library's own, and where it has none tokio's round [`ask`](Self::ask).
    fn ask_within(&self, work: Work, timeout: Duration) -> impl Future<Output = Work> + Send {
        async move { tokio::time::timeout(timeout, self.ask(work)).await.expect("the answer comes in time") }
    }
}

/// Nanoseconds per request of `askers` tasks that ask one receiver, each one request at a time.
pub async fn measure_asks<A: Ask>(askers: u64, pace: Pace) -> f64 {
    let way = A::start().await;
    let each = (LAP / askers).max(LEAST_PER_ASKER);
    let time = pace
        .laps(each * askers, async || {
            let asking = (0..askers).map(|_| tokio::spawn(ask_often(way.clone(), each))).collect();
            assert_eq!(sum_of(asking).await, each * askers, "every request has one answer");
        })
        .await;
    way.end().await;
    time
}

/// As [`measure_asks`], each request with a timeout.
pub async fn measure_asks_within<A: Ask>(askers: u64, pace: Pace) -> f64 {
    let way = A::start().await;
    let each = (LAP / askers).max(LEAST_PER_ASKER);
    let time = pace
        .laps(each * askers, async || {
            let asking = (0..askers).map(|_| tokio::spawn(ask_often_within(way.clone(), each))).collect();
            assert_eq!(sum_of(asking).await, each * askers, "every request has one answer");
        })
        .await;
    way.end().await;
    time
}

async fn ask_often<A: Ask>(way: A, times: u64) -> u64 {
    let asking = async {
        let mut sum = 0;
        for _ in 0..times {
            sum += way.ask(Work::ONE).await.number;
        }
        sum
    };
    way.within(asking).await
}

async fn ask_often_within<A: Ask>(way: A, times: u64) -> u64 {
    let asking = async {
        let mut sum = 0;
        for _ in 0..times {
            sum += way.ask_within(Work::ONE, TIMEOUT).await.number;
        }
        sum
    };
    way.within(asking).await
}

/// Waits for all who ask, and adds up their answers.
async fn sum_of(asking: Vec<JoinHandle<u64>>) -> u64 {
    let mut sum = 0;
    for asker in asking {
        sum += asker.await.expect("the asker ends well");
    }
    sum
}
