use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::task::coop;

use super::queue::Batch;
use super::sender::Shared;
use crate::disposal::lay_to_rest;
use crate::message::{Message, MessageEnvelope};

/// The side of a mailbox that takes messages out. Dropping it closes the mailbox.
///
/// Messages that are still in it then are dropped with it; [`drain`](Self::drain) it first where they matter.
pub struct MailboxReceiver<M> {
    shared: Arc<Shared<M>>,
    batch: Batch<M>,
}

impl<M> MailboxReceiver<M> {
    pub(super) fn new(shared: Arc<Shared<M>>) -> Self {
        Self { shared, batch: Batch::new() }
    }
}

impl<M: Message> MailboxReceiver<M> {
    /// The next message, or `None` when the mailbox is closed and empty.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, no message is lost.
    pub async fn recv(&mut self) -> Option<MessageEnvelope<M>> {
        std::future::poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// As [`recv`](Self::recv), for use inside a hand-written future.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<MessageEnvelope<M>>> {
        let budget = ready!(coop::poll_proceed(cx));
        let filled = ready!(self.shared.queue.poll_fill(&mut self.batch, cx));
        budget.made_progress();
        Poll::Ready(if filled { self.take() } else { None })
    }

    /// The next message, if there is one now.
    pub fn try_recv(&mut self) -> Option<MessageEnvelope<M>> {
        if self.shared.queue.fill(&mut self.batch) { self.take() } else { None }
    }

    fn take(&mut self) -> Option<MessageEnvelope<M>> {
        let next = self.shared.queue.take(&mut self.batch);
        // What is done with it, and for how long, is not known here.
        self.shared.queue.admit_all();
        next
    }

    /// Waits for a message, then appends it and what else is there to `to`, `limit` messages at most. Returns how
    /// many; 0 when the mailbox is closed and empty, or `limit` is 0.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, no message is lost.
    pub async fn recv_many(&mut self, to: &mut Vec<MessageEnvelope<M>>, limit: usize) -> usize {
        if limit == 0 {
            return 0;
        }
        let Some(first) = self.recv().await else {
            return 0;
        };
        to.push(first);
        let more = std::iter::from_fn(|| self.try_recv()).take(limit - 1);
        let before = to.len();
        to.extend(more);
        to.len() - before + 1
    }

    /// Refuses what comes from now on. What was accepted can still be received.
    pub fn close(&mut self) {
        self.shared.queue.close();
    }

    /// Closes the mailbox and takes everything that is in it.
    pub fn drain(&mut self) -> Vec<MessageEnvelope<M>> {
        self.close();
        self.shared.queue.drain(&mut self.batch)
    }

    /// How many messages wait, exactly.
    pub fn depth(&self) -> usize {
        self.shared.queue.depth()
    }
}

impl<M> Drop for MailboxReceiver<M> {
    fn drop(&mut self) {
        self.shared.queue.close();
        // One by one, as any of them may panic.
        self.shared.queue.drain(&mut self.batch).into_iter().for_each(|envelope| drop(lay_to_rest(envelope)));
    }
}

impl<M> fmt::Debug for MailboxReceiver<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailboxReceiver").field("depth", &self.shared.queue.depth()).finish()
    }
}
