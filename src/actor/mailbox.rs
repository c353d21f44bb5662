use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::ActorCell;
use crate::broker::Hub;
use crate::dead_letters::DeadLetterReason;
use crate::mailbox::Batch;
use crate::message::{Deadline, Message, MessageEnvelope};

/// The receiving side of an actor's mailbox. Dropping it is the actor's end: the names are freed, and what is left
/// becomes dead letters.
pub(crate) struct ActorMailbox<M: Message> {
    pub(crate) hub: Arc<Hub<M>>,
    pub(crate) cell: Arc<ActorCell<M>>,
    batch: Batch<M>,
}

impl<M: Message> ActorMailbox<M> {
    pub(crate) fn new(hub: Arc<Hub<M>>, cell: Arc<ActorCell<M>>) -> Self {
        Self { hub, cell, batch: Batch::new() }
    }

    /// Waits until the next message is one that is worth handling, for [`take`](Self::take). `Ready(false)` when the
    /// mailbox is closed and empty.
    #[inline(always)]
    pub(crate) fn poll_next(&mut self, cx: &Context<'_>) -> Poll<bool> {
        loop {
            if !ready!(self.cell.queue.poll_fill(&mut self.batch, cx)) {
                return Poll::Ready(false);
            }
            if self.is_worth_handling() {
                return Poll::Ready(true);
            }
        }
    }

    /// As [`poll_next`](Self::poll_next), if there is such a message now.
    pub(crate) fn has_next(&mut self) -> bool {
        while self.cell.queue.fill(&mut self.batch) {
            if self.is_worth_handling() {
                return true;
            }
        }
        false
    }

    /// The message that was found worth handling.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<&mut MessageEnvelope<M>> {
        self.batch.front()
    }

    /// Takes the message that was found worth handling.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Option<MessageEnvelope<M>> {
        self.cell.queue.take(&mut self.batch)
    }

    /// Whether the next message is; if not, it is discarded.
    #[inline(always)]
    fn is_worth_handling(&mut self) -> bool {
        match self.batch.front() {
            Some(next) if next.expiry().is_some() || next.request().is_some() => self.is_still_wanted(),
            next => next.is_some(),
        }
    }

    /// Looks whether the deadline has passed or the caller is gone. A request that passes has begun.
    fn is_still_wanted(&mut self) -> bool {
        let Some(next) = self.batch.front() else { return false };
        let reason = if next.expiry().is_some_and(Deadline::has_passed) {
            DeadLetterReason::Expired
        } else if next.request().is_some_and(|key| !self.hub.requests.begin(key)) {
            DeadLetterReason::Cancelled
        } else {
            return true;
        };
        if let Some(envelope) = self.take() {
            self.hub.discard(&self.cell, envelope, reason);
        }
        false
    }
}

impl<M: Message> Drop for ActorMailbox<M> {
    fn drop(&mut self) {
        self.hub.close(&self.cell);
        for envelope in self.cell.queue.drain(&mut self.batch) {
            self.hub.discard(&self.cell, envelope, DeadLetterReason::ActorStopped);
        }
        self.cell.end();
        self.hub.retire(&self.cell);
    }
}
