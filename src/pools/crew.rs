use std::cmp::Reverse;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::PoolStatus;
use crate::actor::ActorHandle;
use crate::message::Message;
use crate::outside::Outside;
use crate::watching::Watch;

/// The workers of one pool.
pub(super) struct Crew<M: Message> {
    working: Vec<Worker<M>>,
    leaving: Vec<Worker<M>>,
    /// Whether one of those that have ended belonged to a broker that is shut down.
    is_shut: bool,
}

struct Worker<M: Message> {
    handle: ActorHandle<M>,
    end: Watch,
}

impl<M: Message> Crew<M> {
    pub(super) const fn new() -> Self {
        Self { working: Vec::new(), leaving: Vec::new(), is_shut: false }
    }

    pub(super) fn add(&mut self, handle: ActorHandle<M>) {
        let end = handle.watch();
        self.working.push(Worker { handle, end });
    }

    /// How many take messages.
    pub(super) fn size(&self) -> usize {
        self.working.len()
    }

    /// How many messages wait before those that take messages.
    pub(super) fn depth(&self) -> usize {
        self.working.iter().map(|worker| worker.handle.waiting()).sum()
    }

    pub(super) fn status(&self) -> PoolStatus {
        PoolStatus { size: self.size(), depth: self.depth(), leaving: self.leaving.len() }
    }

    /// Whether all have ended.
    pub(super) fn is_gone(&self) -> bool {
        self.working.is_empty() && self.leaving.is_empty()
    }

    /// Whether their broker is shut down, as far as they know.
    pub(super) fn is_shut(&self) -> bool {
        self.is_shut || self.working.first().is_some_and(|worker| worker.handle.is_broker_shut())
    }

    /// Lets those go that have the least before them, until there are no more than `size`. Waits for none of them.
    pub(super) fn shrink_to(&mut self, size: usize) {
        if self.working.len() > size {
            self.working.sort_by_cached_key(|worker| Reverse(worker.handle.load()));
            for worker in self.working.drain(size..) {
                worker.handle.close();
                self.leaving.push(worker);
            }
        }
    }

    /// Forgets those that have ended. Ready if there are any, or else when there will be.
    pub(super) fn poll_ends(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let before = self.working.len() + self.leaving.len();
        let Self { working, leaving, is_shut } = self;
        working.retain_mut(|worker| {
            let Poll::Ready(end) = Pin::new(&mut worker.end).poll(cx) else { return true };
            *is_shut |= worker.handle.is_broker_shut();
            if !*is_shut {
                tracing::warn!(actor = %end.address, id = %end.actor, cause = ?Outside::cause(&end.cause.to_string()), "a worker ended by itself");
            }
            false
        });
        leaving.retain_mut(|worker| {
            let goes_on = Pin::new(&mut worker.end).poll(cx).is_pending();
            *is_shut |= !goes_on && worker.handle.is_broker_shut();
            goes_on
        });
        if working.len() + leaving.len() < before { Poll::Ready(()) } else { Poll::Pending }
    }
}
