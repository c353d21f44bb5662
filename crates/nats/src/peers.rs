use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::kv::{Operation, Store};
use bytes::Bytes;
use foldhash::fast::RandomState;
use futures_util::{StreamExt, TryStreamExt};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::NodeId;
use crate::names::Unavailable;

/// How long reading all entries may take.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// The nodes that are there, by what the server says of their leases.
#[derive(Debug)]
pub(crate) struct Peers {
    lease: Duration,
    /// When each was last heard of.
    seen: Mutex<HashMap<NodeId, Instant, RandomState>>,
}

impl Peers {
    pub(crate) fn new(lease: Duration) -> Self {
        Self { lease, seen: Mutex::default() }
    }

    /// Follows who renews its lease and who gives it up, and tells what each says with it, and of those that go. Ends when the connection does.
    pub(crate) async fn follow(
        &self,
        store: &Store,
        mut told: impl FnMut(NodeId, Option<&[u8]>),
    ) -> Result<(), Unavailable> {
        let unavailable = |error: String| Unavailable(error);
        let mut changes = store.watch_with_history(">").await.map_err(|error| unavailable(error.to_string()))?;
        let mut look = tokio::time::interval(self.lease / 3);
        loop {
            tokio::select! {
                change = changes.next() => {
                    let Some(change) = change else { return Ok(()) };
                    let change = change.map_err(|error| unavailable(error.to_string()))?;
                    let Ok(node) = change.key.parse() else { continue };
                    if change.operation == Operation::Put {
                        self.seen.lock().insert(node, Instant::now());
                        told(node, Some(&change.value));
                    } else if self.seen.lock().remove(&node).is_some() {
                        told(node, None);
                    }
                }
                _ = look.tick() => self.expired().into_iter().for_each(|node| told(node, None)),
            }
        }
    }

    /// The nodes of this process, which share the first part of their actors' ids with it.
    pub(crate) fn of_process(&self, process: u64) -> Vec<NodeId> {
        self.seen.lock().keys().copied().filter(|node| node.process() == process).collect()
    }

    /// Removes those that have not been heard of for longer than a lease, with some time for what is on its way.
    fn expired(&self) -> Vec<NodeId> {
        let patience = self.lease + self.lease / 3;
        let mut seen = self.seen.lock();
        seen.extract_if(|_, at| at.elapsed() > patience).map(|(node, _)| node).collect()
    }
}

/// Whether the server has an entry of this node, so that its lease has not ended.
pub(crate) async fn is_alive(store: &Store, node: NodeId) -> Result<bool, Unavailable> {
    let entry = store.entry(node.to_string()).await.map_err(|error| Unavailable(error.to_string()))?;
    Ok(entry.is_some_and(|entry| entry.operation == Operation::Put))
}

/// The nodes of which the server has an entry now, and what they say there.
pub(crate) async fn entries(store: &Store) -> Result<Vec<(NodeId, Bytes)>, Unavailable> {
    let unavailable = |error: String| Unavailable(error);
    let reading = async {
        let mut found = Vec::new();
        let mut changes = store.watch_with_history(">").await.map_err(|error| unavailable(error.to_string()))?;
        while let Some(change) = changes.next().await {
            let change = change.map_err(|error| unavailable(error.to_string()))?;
            if let (Ok(node), Operation::Put) = (change.key.parse(), change.operation) {
                found.push((node, change.value));
            }
            // How many come after it. There is always one, of this node.
            if change.delta == 0 {
                break;
            }
        }
        Ok(found)
    };
    let read = tokio::time::timeout(READ_TIMEOUT, reading).await;
    read.unwrap_or_else(|_| Err(unavailable("the server did not answer in time".into())))
}

/// The nodes of that process of which the server has an entry.
pub(crate) async fn entered(store: &Store, process: u64) -> Result<Vec<NodeId>, Unavailable> {
    let unavailable = |error: String| Unavailable(error);
    let keys = store.keys().await.map_err(|error| unavailable(error.to_string()))?;
    let keys: Vec<String> = keys.try_collect().await.map_err(|error| unavailable(error.to_string()))?;
    let nodes = keys.iter().filter_map(|key| key.parse().ok());
    Ok(nodes.filter(|node: &NodeId| node.process() == process).collect())
}
