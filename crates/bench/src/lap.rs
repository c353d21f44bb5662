//! The end of a lap: when every receiver has had its share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Where receivers arrive, and one waits for all of them.
pub struct Lap {
    receivers: u64,
    missing: AtomicU64,
    done: Notify,
}

impl Lap {
    pub fn of(receivers: u64) -> Arc<Self> {
        Arc::new(Self { receivers, missing: AtomicU64::new(receivers), done: Notify::new() })
    }

    /// One receiver has had its share of this lap.
    pub fn arrive(&self) {
        // The next lap only begins when `done` is known, so nobody arrives for it before `missing` is set anew.
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.missing.store(self.receivers, Ordering::Release);
            self.done.notify_one();
        }
    }

    /// Waits until all have arrived.
    pub async fn end(&self) {
        self.done.notified().await;
    }
}
