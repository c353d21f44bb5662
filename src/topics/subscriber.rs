use std::sync::Arc;

use crate::actor::ActorCell;
use crate::address::ActorAddress;
use crate::balancing::Cursor;
use crate::sync::atomic::{AtomicU64, Ordering};

/// One subscription, as publishers see it.
pub(crate) struct Subscriber<M> {
    pub(crate) recipient: Recipient<M>,
    /// Whose turn it is in its group. The members of a group have the same one.
    group: Option<Arc<Cursor>>,
    refused: AtomicU64,
}

/// Where a subscription's copies go.
pub(crate) enum Recipient<M> {
    /// Into the mailbox of its own that it is received from by hand.
    Own(Arc<ActorCell<M>>),
    /// To whoever is there.
    Address(ActorAddress),
}

impl<M> Subscriber<M> {
    pub(super) fn new(recipient: Recipient<M>, group: Option<Arc<Cursor>>) -> Self {
        Self { recipient, group, refused: AtomicU64::new(0) }
    }

    pub(crate) fn turn(&self) -> Option<&Cursor> {
        self.group.as_deref()
    }

    pub(super) fn is_in_a_group(&self) -> bool {
        self.group.is_some()
    }

    /// Something to sort the members of a group together by.
    pub(super) fn group_key(&self) -> Option<*const Cursor> {
        self.group.as_ref().map(Arc::as_ptr)
    }

    /// Counts a message that it should have got, and that was not accepted.
    pub(crate) fn count_refused(&self) {
        // Relaxed: a count, that nothing else goes by.
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// How many messages it should have got and has not, or has lost from a mailbox of its own.
    pub(super) fn lost(&self) -> u64 {
        let evicted = match &self.recipient {
            Recipient::Own(cell) => cell.queue.counts().0.evicted,
            Recipient::Address(_) => 0,
        };
        self.refused.load(Ordering::Relaxed) + evicted
    }
}
