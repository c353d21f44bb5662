use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::ActorCell;
use crate::broker::Hub;
use crate::dead_letters::DeadLetterReason;
use crate::mailbox::{Batch, Slot};
use crate::message::{Deadline, Message};

/// The receiving side of an actor's mailbox. Dropping it is the actor's end: the names are freed, and what is left
/// becomes dead letters.
pub(crate) struct ActorMailbox<M: Message> {
    pub(crate) hub: Arc<Hub<M>>,
    pub(crate) cell: Arc<ActorCell<M>>,
    batch: Batch<M>,
}

impl<M: Message> ActorMailbox<M> {
    pub(crate) fn new(hub: Arc<Hub<M>>, cell: Arc<ActorCell<M>>) -> Self {
        Self {
            hub,
            cell,
            batch: Batch::new(),
        }
    }

    /// Puts the next message that is worth handling into `slot`; `Ready(false)` when the mailbox is closed and empty.
    #[inline]
    pub(crate) fn poll_next(&mut self, slot: &mut Slot<M>, cx: &Context<'_>) -> Poll<bool> {
        loop {
            if !ready!(self.cell.queue.poll_pop(&mut self.batch, slot, cx)) {
                return Poll::Ready(false);
            }
            if self.is_worth_handling(slot) {
                return Poll::Ready(true);
            }
        }
    }

    /// As [`poll_next`](Self::poll_next), if there is such a message now.
    pub(crate) fn try_next(&mut self, slot: &mut Slot<M>) -> bool {
        while self.cell.queue.pop(&mut self.batch, slot) {
            if self.is_worth_handling(slot) {
                return true;
            }
        }
        false
    }

    /// Discards a message whose deadline has passed or whose caller is gone.
    #[inline]
    fn is_worth_handling(&self, slot: &mut Slot<M>) -> bool {
        let Some(envelope) = slot else { return false };
        if envelope.expiry().is_none() && envelope.request().is_none() {
            return true;
        }
        let reason = if envelope.expiry().is_some_and(Deadline::has_passed) {
            DeadLetterReason::Expired
        } else if envelope
            .request()
            .is_some_and(|key| !self.hub.requests.begin(key))
        {
            DeadLetterReason::Cancelled
        } else {
            return true;
        };
        self.hub.discard(&self.cell, slot.take(), reason);
        false
    }
}

impl<M: Message> Drop for ActorMailbox<M> {
    fn drop(&mut self) {
        self.hub.close(&self.cell);
        for envelope in self.cell.queue.drain(&mut self.batch) {
            self.hub
                .discard(&self.cell, Some(envelope), DeadLetterReason::ActorStopped);
        }
        self.cell.end();
        self.hub.retire(&self.cell);
    }
}
