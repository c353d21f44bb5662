use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::ActorCell;
use super::duplicates::DuplicateWindow;
use crate::broker::Hub;
use crate::dead_letters::DeadLetterReason;
use crate::mailbox::Batch;
use crate::message::{Deadline, Message, MessageEnvelope, MessageId};

/// The receiving side of an actor's mailbox. Dropping it frees the names, and what is left becomes dead letters.
pub(crate) struct ActorMailbox<M: Message> {
    pub(crate) hub: Arc<Hub<M>>,
    pub(crate) cell: Arc<ActorCell<M>>,
    batch: Batch<M>,
    /// What was handled last, if a message that comes again is to be dropped.
    handled: Option<Box<DuplicateWindow>>,
}

impl<M: Message> ActorMailbox<M> {
    pub(crate) fn new(hub: Arc<Hub<M>>, cell: Arc<ActorCell<M>>) -> Self {
        Self { hub, cell, batch: Batch::new(), handled: None }
    }

    /// Drops messages with the id of one of the last so many that were handled.
    pub(super) fn knowing(mut self, messages: usize) -> Self {
        self.handled = DuplicateWindow::new(messages).map(Box::new);
        self
    }

    #[inline(always)]
    pub(super) fn knows_messages(&self) -> bool {
        self.handled.is_some()
    }

    /// Frees what an empty mailbox needs no more for now.
    pub(super) fn give_back_memory(&mut self) {
        self.batch = Batch::new();
    }

    /// Says that a message was handled.
    pub(super) fn note_handled(&mut self, id: Option<MessageId>) {
        if let (Some(handled), Some(id)) = (&mut self.handled, id) {
            handled.note(id);
        }
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

    /// Makes a message that was taken before the next to take, at once: it is not counted as waiting.
    pub(crate) fn put_first(&mut self, envelope: MessageEnvelope<M>) {
        self.batch.put_first(envelope);
    }

    /// Takes the message that was found worth handling.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Option<MessageEnvelope<M>> {
        self.cell.queue.take(&mut self.batch)
    }

    /// Whether the next message is; if not, it is discarded.
    #[inline(always)]
    fn is_worth_handling(&mut self) -> bool {
        if self.handled.is_some() && self.drop_duplicate() {
            return false;
        }
        let unwanted = match self.batch.front() {
            Some(next) if next.expiry().is_some() || next.request().is_some() => why_unwanted(&self.hub, next),
            next => return next.is_some(),
        };
        match unwanted {
            Some(reason) => self.discard_next(reason),
            None => true,
        }
    }

    /// Drops the next message if it has been handled before. Whether it was.
    #[cold]
    fn drop_duplicate(&mut self) -> bool {
        let (Some(next), Some(handled)) = (self.batch.front(), &self.handled) else { return false };
        let known = handled.contains(next.id());
        if known && let Some(envelope) = self.take() {
            self.hub.end_duplicate(&self.cell, envelope);
        }
        known
    }

    /// Discards the next message. That is none to handle.
    #[cold]
    fn discard_next(&mut self, reason: DeadLetterReason) -> bool {
        if let Some(envelope) = self.take() {
            self.hub.discard(&self.cell, envelope, reason);
        }
        false
    }

    /// Why a message need not be handled any more. A request that need be has begun.
    pub(super) fn why_unwanted(&self, envelope: &MessageEnvelope<M>) -> Option<DeadLetterReason> {
        why_unwanted(&self.hub, envelope)
    }

    /// Makes dead letters of all that waits.
    pub(super) fn abandon(&mut self) {
        let reason = self.hub.why_abandoned();
        for envelope in self.cell.queue.drain(&mut self.batch) {
            self.hub.discard(&self.cell, envelope, reason);
        }
    }
}

/// Looks whether the deadline has passed or the caller is gone. A request that passes has begun.
#[inline(always)]
fn why_unwanted<M: Message>(hub: &Hub<M>, envelope: &MessageEnvelope<M>) -> Option<DeadLetterReason> {
    if envelope.expiry().is_some_and(Deadline::has_passed) {
        return Some(DeadLetterReason::Expired);
    }
    let begins = envelope.request().is_none_or(|key| hub.requests.begin(key));
    (!begins).then_some(DeadLetterReason::Cancelled)
}

impl<M: Message> Drop for ActorMailbox<M> {
    fn drop(&mut self) {
        // By hand, this is how an actor ends. A task says itself why it does.
        self.hub.unregister(&self.cell);
        self.cell.queue.seal();
        self.abandon();
    }
}
