use std::sync::Arc;

use super::ActorCell;
use crate::broker::Hub;
use crate::message::Message;

/// The last thing that an actor lets go of: when it is dropped, the actor has ended.
pub(super) struct Departure<M: Message> {
    hub: Arc<Hub<M>>,
    cell: Arc<ActorCell<M>>,
}

impl<M: Message> Departure<M> {
    pub(super) fn new(hub: &Arc<Hub<M>>, cell: &Arc<ActorCell<M>>) -> Self {
        Self { hub: Arc::clone(hub), cell: Arc::clone(cell) }
    }
}

impl<M: Message> Drop for Departure<M> {
    fn drop(&mut self) {
        self.hub.release(&self.cell);
    }
}
