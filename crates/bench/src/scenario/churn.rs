use super::{Pace, Peer};

/// Actors per lap.
const LAP: u64 = 1_000;

/// What starts an actor and ends it again.
pub trait Churn: Peer + Sync {
    fn start() -> impl Future<Output = Self> + Send;

    /// Spawns one actor, tells it to stop, and waits until it has ended.
    fn spawn_and_stop(&self) -> impl Future<Output = ()> + Send;
}

/// Nanoseconds per actor spawned and stopped, one after the other.
pub async fn measure_churn<C: Churn>(pace: Pace) -> f64 {
    let way = C::start().await;
    pace.laps(LAP, async || {
        for _ in 0..LAP {
            way.spawn_and_stop().await;
        }
    })
    .await
}
