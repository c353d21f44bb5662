use std::fmt;
use std::sync::Arc;

use super::{ActorCell, Registration, StopCause};
use crate::address::{ActorAddress, ActorId};
use crate::broker::Hub;
use crate::message::Message;
use crate::watching::Watch;

/// A spawned actor, for whoever spawned it. Dropping it changes nothing: the actor runs on.
pub struct ActorHandle<M: Message> {
    hub: Arc<Hub<M>>,
    cell: Arc<ActorCell<M>>,
}

impl<M: Message> ActorHandle<M> {
    pub(super) fn new(hub: Arc<Hub<M>>, cell: Arc<ActorCell<M>>) -> Self {
        Self { hub, cell }
    }

    /// The actor's id.
    pub fn id(&self) -> ActorId {
        self.cell.id
    }

    /// The address it was spawned at.
    pub fn address(&self) -> &ActorAddress {
        &self.cell.address
    }

    /// Its registration, to unregister it with.
    pub fn registration(&self) -> Registration {
        self.cell.registration()
    }

    /// How many messages wait in its mailbox.
    pub fn depth(&self) -> usize {
        self.cell.queue.depth()
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.cell.has_departed()
    }

    /// A future of the actor's end and its cause, which does not need this handle any more.
    pub fn watch(&self) -> Watch {
        self.hub.endings.watch(&self.cell)
    }

    /// Stops the actor when it is done with the message in hand. What waits becomes dead letters and its callers
    /// learn at once. Returns without waiting; [`join`](Self::join) waits.
    pub fn stop(&self) {
        self.hub.stop(&self.cell);
    }

    /// Ends the actor at its next `await`, in the middle of whatever it does. Its handler's `stopped` is not called.
    pub fn abort(&self) {
        self.hub.abort(&self.cell);
    }

    /// Lets the actor handle what it has accepted and nothing more, and waits for its end.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, the actor still drains and ends.
    pub async fn drain(self) -> StopCause {
        self.close();
        self.join().await
    }

    /// As [`drain`](Self::drain), without waiting.
    pub(crate) fn close(&self) {
        self.hub.close(&self.cell);
    }

    /// How many messages it has before it: those that wait, and those in hand.
    pub(crate) fn load(&self) -> usize {
        self.cell.load()
    }

    /// How many messages wait, those whose senders wait for room included.
    pub(crate) fn waiting(&self) -> usize {
        self.cell.queue.depth() + self.cell.queue.blocked_senders()
    }

    /// Whether its broker is shut down.
    pub(crate) fn is_broker_shut(&self) -> bool {
        self.hub.is_shut()
    }

    /// Waits for the actor's end, and gives its cause, as [`watch`](Self::watch) does.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, the actor runs on.
    pub async fn join(self) -> StopCause {
        self.watch().await.cause
    }
}

impl<M: Message> fmt::Debug for ActorHandle<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorHandle").field("id", &self.id()).field("address", self.address()).finish()
    }
}
