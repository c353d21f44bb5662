//! Messages that every member of a group is given.

use std::sync::Arc;

use super::copies::Copies;
use super::due::Carry;
use super::group::{Group, Member};
use super::offer::{Offered, Target, weightier};
use super::{Broadcasted, Hub, SendErrorKind};
use crate::actor::ActorCell;
use crate::address::ActorAddress;
use crate::message::{Deadline, Message, MessageEnvelope};

impl<M: Message> Hub<M> {
    /// Gives a message to all who are behind an address. Never waits.
    pub(super) fn broadcast(&self, to: &ActorAddress, mut envelope: MessageEnvelope<M>) -> Broadcasted<M>
    where
        M: Clone,
    {
        // Whoever broadcasts does not wait for anybody.
        envelope.leave_sender();
        envelope.note_sending(to);
        let copy = |envelope: &MessageEnvelope<M>| Some(envelope.clone());
        match self.registry.groups(to) {
            Some((groups, name)) => match groups.get(&name) {
                Some(group) => self.give_to_all(group, envelope, copy),
                None => Broadcasted { delivered: 0, refused: Vec::new(), returned: Some(envelope) },
            },
            None => self.give_to_one(to, envelope),
        }
    }

    /// Gives a message to all members of a group. If none takes it, it comes back, with the weightiest of the reasons if
    /// there was anybody.
    #[cold]
    pub(super) fn offer_to_all(
        &self,
        group: &Group<M>,
        envelope: MessageEnvelope<M>,
        clone: fn(&M) -> M,
    ) -> Result<(), (Option<SendErrorKind>, MessageEnvelope<M>)> {
        // It may be due, and a panic must not end the task that keeps the time.
        let copy = |envelope: &MessageEnvelope<M>| self.dead_letters.disposal.copy(|| envelope.copy_by(clone)).ok();
        let Broadcasted { refused, returned, .. } = self.give_to_all(group, envelope, copy);
        let weightiest = || refused.into_iter().fold(None, |known, (_, kind)| Some(weightier(known, kind)));
        returned.map_or(Ok(()), |envelope| Err((weightiest(), envelope)))
    }

    fn give_to_all(
        &self,
        group: &Group<M>,
        envelope: MessageEnvelope<M>,
        copy: impl Fn(&MessageEnvelope<M>) -> Option<MessageEnvelope<M>>,
    ) -> Broadcasted<M> {
        let (to_all, members) = (envelope.is_to_all(), group.open());
        let mut given = Broadcasted { delivered: 0, refused: Vec::new(), returned: None };
        let mut copies = Copies::of(envelope, members.clone().count(), &self.dead_letters.disposal, copy);
        for member in members {
            let Some(mut share) = copies.next() else { break };
            share.become_share();
            match self.offer_to_member(member, share) {
                Ok(()) => given.delivered += 1,
                Err((kind, share)) => {
                    given.refused.push((member.cell.id, kind));
                    copies.put_back(share);
                }
            }
        }
        if given.delivered == 0 {
            given.returned = copies.rest();
            given.returned.iter_mut().for_each(|envelope| envelope.rejoin(to_all));
        }
        given
    }

    /// As to a group of one, whose owner the address is.
    fn give_to_one(&self, to: &ActorAddress, envelope: MessageEnvelope<M>) -> Broadcasted<M> {
        let there = self.registry.find(to, |cell: &Arc<ActorCell<M>>| Some(cell.id));
        match self.offer_now(&Target::Address(to), envelope) {
            Ok(()) => Broadcasted { delivered: 1, refused: Vec::new(), returned: None },
            Err((kind, envelope)) => {
                let refused = there.into_iter().map(|id| (id, kind)).collect();
                Broadcasted { delivered: 0, refused, returned: Some(envelope) }
            }
        }
    }

    /// Puts a message into the mailbox of one actor, if that takes it now.
    fn offer_now(
        &self,
        target: &Target<'_, M>,
        envelope: MessageEnvelope<M>,
    ) -> Result<(), (SendErrorKind, MessageEnvelope<M>)> {
        now(self.offer(target, envelope, &mut Carry::plain(self)))
    }

    /// As [`offer_now`](Self::offer_now), if it has not left.
    fn offer_to_member(
        &self,
        member: &Member<M>,
        envelope: MessageEnvelope<M>,
    ) -> Result<(), (SendErrorKind, MessageEnvelope<M>)> {
        if envelope.expiry() == Some(Deadline::PASSED) {
            return Err((SendErrorKind::Expired, envelope));
        }
        now(self.put(&member.cell, || !member.seat.has_left(), envelope, &mut Carry::plain(self)))
    }
}

/// What comes of it if nobody waits.
fn now<M>(offered: Offered<M, SendErrorKind>) -> Result<(), (SendErrorKind, MessageEnvelope<M>)> {
    match offered {
        Offered::Accepted => Ok(()),
        Offered::Refused(kind, envelope) => Err((kind, envelope)),
        Offered::Wait(_, envelope) | Offered::Held(_, _, envelope) => Err((SendErrorKind::Full, envelope)),
    }
}
