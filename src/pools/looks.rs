use std::fmt;

use tokio::sync::watch;

use super::PoolStatus;

/// Follows a pool from look to look: see [`WorkerPool::looks`](super::WorkerPool::looks).
///
/// It keeps only the latest status. Who is slow misses those before it, and holds up nobody.
#[derive(Clone)]
pub struct Looks {
    status: watch::Receiver<PoolStatus>,
}

impl Looks {
    pub(super) fn new(mut status: watch::Receiver<PoolStatus>) -> Self {
        status.mark_unchanged();
        Self { status }
    }

    /// What there was at the next look, or when the pool was next resized; `None` when the pool has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, nothing is lost.
    pub async fn next(&mut self) -> Option<PoolStatus> {
        self.status.changed().await.ok()?;
        Some(*self.status.borrow_and_update())
    }
}

impl fmt::Debug for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Looks").field("latest", &*self.status.borrow()).finish_non_exhaustive()
    }
}
