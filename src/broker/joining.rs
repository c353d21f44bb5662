use std::sync::Arc;

use super::group::Member;
use super::{Hub, JoinError};
use crate::actor::{ActorCell, Registration};
use crate::address::ActorAddress;
use crate::limits::Table;
use crate::message::Message;
use crate::services::{MemberOptions, Membership, Provider, ServiceChanges};

impl<M: Message> Hub<M> {
    /// Makes an actor a member of a group besides the one, if it is one, that it is registered at.
    pub(super) fn join(
        self: &Arc<Self>,
        group: &ActorAddress,
        actor: &Registration,
        options: MemberOptions,
    ) -> Result<Membership<M>, JoinError> {
        if !group.is_group() {
            return Err(JoinError::NotAGroup { address: group.clone() });
        }
        if self.is_shut() {
            return Err(JoinError::ShutDown);
        }
        let ended = || JoinError::NoSuchActor { actor: actor.actor };
        let cell = self.registry.actor(actor.actor).filter(|cell| cell.epoch == actor.epoch).ok_or_else(ended)?;
        let provider = Provider::new(cell.id, options);
        let member = Member::joining(&cell, provider.clone());
        cell.joined.join(group, || {
            // Its end is noted before it leaves what it has joined, so either is seen here or there.
            if cell.is_closing() {
                return Err(ended());
            }
            let joined = self.registry.join_group(group, &member)?;
            if joined { Ok(()) } else { Err(JoinError::AlreadyMember { address: group.clone() }) }
        })?;
        self.registry.directory.wake();
        Ok(Membership::new(Arc::clone(self), cell, group.clone(), provider))
    }

    /// Ends what [`join`](Self::join) began, if the actor's end has not.
    pub(crate) fn leave(&self, cell: &ActorCell<M>, group: &ActorAddress) {
        cell.joined.leave(group, || self.registry.leave_group(group, cell.epoch));
        self.registry.directory.wake();
    }

    /// The actor leaves all that it has joined. Whoever follows is woken by the caller.
    pub(super) fn leave_all(&self, cell: &ActorCell<M>) {
        cell.joined.leave_all(|group| self.registry.leave_group(group, cell.epoch));
    }

    pub(super) fn follow_service(&self, service: &ActorAddress, capacity: usize) -> ServiceChanges {
        let place = self.bounds.take(Table::Followers);
        self.registry.directory.follow(service, place, capacity, || self.registry.providers_here(service))
    }
}
