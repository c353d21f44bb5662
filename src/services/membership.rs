use std::fmt;
use std::sync::Arc;

use super::Provider;
use crate::actor::ActorCell;
use crate::address::ActorAddress;
use crate::broker::Hub;
use crate::message::Message;

/// An actor is a member of a service or pool that it has [joined](crate::broker::MessageBroker::join), for as long as this
/// and the actor live.
#[must_use = "the actor leaves when this is dropped"]
pub struct Membership<M: Message> {
    hub: Arc<Hub<M>>,
    cell: Arc<ActorCell<M>>,
    group: ActorAddress,
    provider: Provider,
    is_kept: bool,
}

impl<M: Message> Membership<M> {
    pub(crate) fn new(hub: Arc<Hub<M>>, cell: Arc<ActorCell<M>>, group: ActorAddress, provider: Provider) -> Self {
        Self { hub, cell, group, provider, is_kept: false }
    }

    /// The service or pool.
    pub fn group(&self) -> &ActorAddress {
        &self.group
    }

    /// What the actor is there.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Leaves, as dropping this does. What the actor has accepted is still its to handle.
    pub fn leave(self) {
        drop(self);
    }

    /// Stays a member until the actor ends.
    pub fn keep(mut self) {
        self.is_kept = true;
    }
}

impl<M: Message> Drop for Membership<M> {
    fn drop(&mut self) {
        if !self.is_kept {
            self.hub.leave(&self.cell, &self.group);
        }
    }
}

impl<M: Message> fmt::Debug for Membership<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Membership").field("group", &self.group).field("provider", &self.provider).finish()
    }
}
