use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::kv::Store;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::NodeId;

/// A node's right to its names, for as long as it keeps renewing it at the server.
///
/// The server forgets the entry when it has not been renewed for the lease's time, and from then on others may take what
/// the node owns. The node itself counts from when it *sent* the last renewal that was confirmed, on its own monotonic
/// clock, and stops a margin earlier: so it has stopped before anybody else can begin (Gray and Cheriton, *Leases*, 1989),
/// as long as clocks of different machines run at about the same speed.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    node: NodeId,
    time: Duration,
    /// Until when it holds.
    until: Arc<Mutex<Instant>>,
}

impl Lease {
    /// A lease that does not hold yet.
    pub(crate) fn new(node: NodeId, time: Duration) -> Self {
        Self { node, time, until: Arc::new(Mutex::new(Instant::now())) }
    }

    /// Whether the node may act as the owner of its names now.
    pub(crate) fn holds(&self) -> bool {
        Instant::now() < *self.until.lock()
    }

    /// How long from one renewal to the next: two may fail before it ends.
    pub(crate) fn interval(&self) -> Duration {
        self.time / 3
    }

    /// Renews it, with this value of its entry. If it had ended before, it holds again only when `verify` has seen to what others may have taken.
    ///
    /// # Errors
    ///
    /// If the server does not confirm it in time.
    pub(crate) async fn renew(&self, store: &Store, value: Bytes) -> Result<Renewed, String> {
        let sent = Instant::now();
        let put = store.put(self.node.to_string(), value);
        match tokio::time::timeout(self.interval(), put).await {
            Ok(Ok(_)) => Ok(Renewed { until: sent + self.time - self.margin() }),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the server did not confirm it in time".into()),
        }
    }

    /// Has it hold as long as that renewal lets it.
    pub(crate) fn extend(&self, renewed: &Renewed) {
        *self.until.lock() = renewed.until;
    }

    /// Ends it now.
    pub(crate) fn give_up(&self) {
        *self.until.lock() = Instant::now();
    }

    /// What clocks may differ by within one lease, and a look may take to become an act.
    fn margin(&self) -> Duration {
        self.time / 10
    }
}

/// A renewal that the server has confirmed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Renewed {
    until: Instant,
}
