use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use foldhash::fast::RandomState;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::NodeId;
use crate::frame::Word;

/// What was said to other nodes and has no answer yet.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    next: AtomicU64,
    open: Mutex<HashMap<u64, Open, RandomState>>,
}

#[derive(Debug)]
struct Open {
    node: NodeId,
    answer: oneshot::Sender<Answer>,
}

/// How it ended.
#[derive(Debug)]
pub(crate) enum Answer {
    /// With this word, and an envelope or nothing.
    Said(Word, Bytes),
    /// With this, by another program.
    Outside(Bytes),
    /// The server says that nobody listens there, so nothing has run.
    Nobody,
    /// The node has gone, or the connection: it may have run.
    Lost,
}

impl Waiting {
    /// Opens an entry for something that is about to be said to `node`.
    pub(crate) fn open(self: &Arc<Self>, node: NodeId) -> Pending {
        // Relaxed: only the numbers must differ.
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        self.open.lock().insert(key, Open { node, answer });
        Pending { key, answered, table: Arc::clone(self) }
    }

    /// Ends an entry, if it is open, waits for this node, and whoever waits is still there.
    pub(crate) fn end(&self, key: u64, from: Option<NodeId>, answer: Answer) {
        let mut open = self.open.lock();
        if open.get(&key).is_none_or(|entry| from.is_some_and(|from| from != entry.node)) {
            return;
        }
        let entry = open.remove(&key);
        drop(open);
        // Whoever does not wait any more needs no answer.
        entry.map(|entry| entry.answer.send(answer));
    }

    /// Ends all that waits for nodes for which `gone` is true.
    pub(crate) fn lose(&self, mut gone: impl FnMut(NodeId) -> bool) {
        let lost: Vec<_> = self.open.lock().extract_if(|_, entry| gone(entry.node)).collect();
        lost.into_iter().for_each(|(_, entry)| drop(entry.answer.send(Answer::Lost)));
    }

    /// What has waited since before the entry `until` was opened, by the node that it waits for.
    pub(crate) fn older_than(&self, until: u64) -> HashMap<NodeId, Vec<u64>, RandomState> {
        let mut nodes: HashMap<_, Vec<_>, _> = HashMap::default();
        for (key, entry) in self.open.lock().iter().filter(|(key, _)| **key < until) {
            nodes.entry(entry.node).or_default().push(*key);
        }
        nodes
    }

    /// The key of the next entry.
    pub(crate) fn next_key(&self) -> u64 {
        // Relaxed: an entry that is opened just now may be on either side.
        self.next.load(Ordering::Relaxed)
    }
}

/// An entry, which is closed when this is dropped.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) key: u64,
    answered: oneshot::Receiver<Answer>,
    table: Arc<Waiting>,
}

impl Pending {
    /// Waits for the end.
    pub(crate) async fn answer(&mut self) -> Answer {
        (&mut self.answered).await.unwrap_or(Answer::Lost)
    }

    /// Whether there has been no end yet.
    pub(crate) fn is_open(&self) -> bool {
        self.table.open.lock().contains_key(&self.key)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.table.open.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn an_entry_ends_once_by_the_node_that_it_waits_for() {
        let (table, node, other) = (Arc::new(Waiting::default()), NodeId::next(), NodeId::next());
        let mut pending = table.open(node);
        let said = |here| Answer::Said(Word::Here(here), Bytes::new());
        table.end(pending.key, Some(other), said(false));
        assert!(pending.is_open() && pending.answer().now_or_never().is_none());
        table.end(pending.key, Some(node), said(true));
        table.end(pending.key, Some(node), said(false));
        assert!(matches!(pending.answer().now_or_never(), Some(Answer::Said(Word::Here(true), _))));
        assert!(!pending.is_open());
    }

    #[test]
    fn whoever_goes_away_leaves_nothing_behind() {
        let (table, node) = (Arc::new(Waiting::default()), NodeId::next());
        let pending = table.open(node);
        let key = pending.key;
        assert_eq!(table.older_than(table.next_key())[&node], [key]);
        assert!(table.older_than(key).is_empty());
        drop(pending);
        assert!(table.older_than(table.next_key()).is_empty());
        table.end(key, None, Answer::Nobody);
    }

    #[test]
    fn what_waits_for_a_node_that_has_gone_is_lost_and_nothing_else() {
        let (table, gone, there) = (Arc::new(Waiting::default()), NodeId::next(), NodeId::next());
        let (mut lost, mut kept) = (table.open(gone), table.open(there));
        table.lose(|node| node == gone);
        assert!(matches!(lost.answer().now_or_never(), Some(Answer::Lost)));
        assert!(kept.answer().now_or_never().is_none());
    }
}
