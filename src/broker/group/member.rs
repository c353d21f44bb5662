use std::sync::Arc;

use crate::actor::ActorCell;
use crate::services::{MemberOptions, Provider};
use crate::sync::atomic::{AtomicBool, Ordering};

/// One of a group: an actor, and what it is in that group.
pub(crate) struct Member<M> {
    pub(crate) cell: Arc<ActorCell<M>>,
    pub(crate) seat: Arc<Seat>,
}

/// What an actor is in one group.
#[derive(Debug)]
pub(crate) struct Seat {
    /// What others see of it.
    pub(crate) provider: Provider,
    /// Whether it has left, which is so before the group is without it.
    left: AtomicBool,
}

impl<M> Member<M> {
    /// An actor that is registered at the group's address.
    pub(in crate::broker) fn resident(cell: &Arc<ActorCell<M>>) -> Self {
        Self::joining(cell, Provider::new(cell.id, MemberOptions::new().weight(cell.weight)))
    }

    /// An actor that joins the group from elsewhere.
    pub(in crate::broker) fn joining(cell: &Arc<ActorCell<M>>, provider: Provider) -> Self {
        Self { cell: Arc::clone(cell), seat: Arc::new(Seat { provider, left: AtomicBool::new(false) }) }
    }

    pub(super) fn is_open(&self) -> bool {
        !self.cell.queue.is_closed() && !self.seat.has_left()
    }
}

impl Seat {
    /// Says that from now on the actor is to get no message of this group.
    pub(in crate::broker) fn leave(&self) {
        self.left.store(true, Ordering::Release);
    }

    pub(in crate::broker) fn has_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }
}

impl<M> Clone for Member<M> {
    fn clone(&self) -> Self {
        Self { cell: Arc::clone(&self.cell), seat: Arc::clone(&self.seat) }
    }
}
