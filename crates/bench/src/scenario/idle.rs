use std::time::Duration;

use super::Peer;
use crate::memory;

/// What spawns actors that have nothing to do.
pub trait Idle: Peer + Sync {
    /// What keeps one actor alive. The room for it is not counted.
    type Kept: Send;

    fn start() -> impl Future<Output = Self> + Send;

    /// Spawns one actor with a mailbox, which waits for a message.
    fn spawn(&self) -> impl Future<Output = Self::Kept> + Send;
}

/// Bytes per idle actor.
#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    /// What the actors have allocated and not freed.
    pub live: f64,
    /// How far the process's resident memory has grown.
    pub resident: f64,
}

/// Spawns `actors`, waits until nothing moves any more, and counts.
pub async fn measure_idle<I: Idle>(actors: usize) -> Footprint {
    let way = I::start().await;
    let mut kept = Vec::with_capacity(actors + 1);
    kept.push(way.spawn().await);
    settle().await;
    let (live, resident) = (memory::live_bytes(), memory::resident_bytes());
    for _ in 0..actors {
        kept.push(way.spawn().await);
    }
    settle().await;
    let per_actor = |before: usize, after: usize| (after as f64 - before as f64) / actors as f64;
    Footprint { live: per_actor(live, memory::live_bytes()), resident: per_actor(resident, memory::resident_bytes()) }
}

/// Waits until the live bytes stay what they are, so that every actor has begun.
async fn settle() {
    let mut before = 0;
    while before != memory::live_bytes() {
        before = memory::live_bytes();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
