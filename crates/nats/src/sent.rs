use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// What a broker has sent to actors of other nodes up to now, but for what it has published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SentCounts {
    /// Messages and requests that were handed to the connection. One that is offered to several nodes counts for each.
    pub sent: u64,
    /// Those of them of which nothing was heard, as their node or the connection went, or time was up: each may have been handled
    /// or lost, and its sender was told so. No more than were under way at once are so for each such event.
    pub in_doubt: u64,
}

/// Where that is counted.
#[derive(Debug, Default)]
pub(crate) struct Sending {
    sent: AtomicU64,
    in_doubt: AtomicU64,
}

impl Sending {
    // Relaxed, as all of these: counts, that nothing else goes by.
    pub(crate) fn count(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_doubt(&self) {
        self.in_doubt.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> SentCounts {
        // In this order, so that there are never more in doubt than were sent.
        let in_doubt = self.in_doubt.load(Ordering::Relaxed);
        SentCounts { sent: self.sent.load(Ordering::Relaxed), in_doubt }
    }
}
