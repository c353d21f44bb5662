use std::sync::Arc;

use super::delivery::Refusal;
use super::registry::Pinned;
use super::{Hub, SendErrorKind};
use crate::actor::ActorCell;
use crate::address::{ActorAddress, ActorId, Name};
use crate::dead_letters::DeadLetterReason;
use crate::mailbox::{BackpressureStrategy, MailboxErrorKind};
use crate::message::{Deadline, Message, MessageEnvelope};

/// Where a message is to go: to whoever is behind an address, or to one actor that was resolved before.
pub(super) enum Target<'a, M> {
    Address(&'a ActorAddress),
    Actor(&'a Arc<ActorCell<M>>),
}

/// A look into the registry: its guard, which what is found must not outlive, and what is looked for.
pub(super) enum LookUp<'a, M> {
    Known(&'a Arc<ActorCell<M>>),
    Id(Pinned<'a, ActorId, M>, &'a ActorId),
    Name(Pinned<'a, Name, M>, &'a Name),
    /// Not one actor but several.
    Group,
}

impl<M> LookUp<'_, M> {
    #[inline(always)]
    pub(super) fn actor(&self) -> Option<&Arc<ActorCell<M>>> {
        match self {
            Self::Known(cell) => Some(cell),
            Self::Id(actors, id) => actors.get(*id),
            Self::Name(names, name) => names.get(*name),
            Self::Group => None,
        }
    }
}

/// How an attempt to put a message into a mailbox ended, where refusals are of type `R`.
pub(super) enum Offered<M, R> {
    Accepted,
    /// There is no room now, but waiting for some at this actor is worth it.
    Wait(Arc<ActorCell<M>>, MessageEnvelope<M>),
    Refused(R, MessageEnvelope<M>),
}

/// What a message needs before it goes into a mailbox: nothing, or an entry in the request table.
pub(super) trait Admission<M>: Send {
    /// Why it did not go in.
    type Refusal: Refusal;

    /// The message is about to go into the mailbox of `to`.
    fn admit(&mut self, to: &Arc<ActorCell<M>>, envelope: &mut MessageEnvelope<M>) -> Result<(), Self::Refusal>;

    /// It did not get in, and waits for room.
    fn waits(&self) {}

    /// It has got in after all.
    fn got_in(&self, actor: &ActorCell<M>) {
        let _ = actor;
    }
}

impl<M: Message> Hub<M> {
    /// Goes on with a message that was offered, waiting for room where that is the strategy.
    pub(super) async fn deliver_on<A: Admission<M>>(
        &self,
        target: &Target<'_, M>,
        mut offered: Offered<M, A::Refusal>,
        admission: &mut A,
    ) -> Result<(), (A::Refusal, MessageEnvelope<M>)> {
        loop {
            let (cell, envelope) = match offered {
                Offered::Accepted => return Ok(()),
                Offered::Refused(refusal, envelope) => return Err((refusal, envelope)),
                Offered::Wait(cell, envelope) => (cell, envelope),
            };
            admission.waits();
            let (kind, envelope) = match cell.queue.send(envelope).await {
                Ok(evicted) => {
                    admission.got_in(&cell);
                    self.keep_evicted(&cell, evicted);
                    return Ok(());
                }
                Err(error) => error.into_parts(),
            };
            // While it waited for one member of a group, that stopped: another may take it.
            if kind != MailboxErrorKind::Closed || !target.is_group() {
                return Err((self.explain(kind).into(), envelope));
            }
            offered = self.offer(target, envelope, admission);
        }
    }

    /// Puts a message into the mailbox of an actor behind `target`, if one takes it now.
    #[inline(always)]
    pub(super) fn offer<A: Admission<M>>(
        &self,
        target: &Target<'_, M>,
        envelope: MessageEnvelope<M>,
        admission: &mut A,
    ) -> Offered<M, A::Refusal> {
        // Only what never had a chance is refused here. The clock is read where it matters, before the handler.
        if envelope.expiry() == Some(Deadline::PASSED) {
            return Offered::Refused(SendErrorKind::Expired.into(), envelope);
        }
        if let Target::Address(group) = target
            && group.is_group()
        {
            return self.offer_to_group(group, envelope.relocated(), admission);
        }
        match self.look_up(target).actor() {
            Some(cell) => self.put(cell, envelope, admission),
            None => Offered::Refused(self.nobody(target).into(), envelope),
        }
    }

    /// Looks for the one actor behind `target`.
    #[inline(always)]
    pub(super) fn look_up<'a>(&'a self, target: &Target<'a, M>) -> LookUp<'a, M> {
        match *target {
            Target::Actor(cell) => LookUp::Known(cell),
            Target::Address(ActorAddress::Id(id)) => LookUp::Id(self.registry.actors(), id),
            Target::Address(ActorAddress::Named(name)) => LookUp::Name(self.registry.named(), name),
            Target::Address(ActorAddress::Service(_) | ActorAddress::Pool(_)) => LookUp::Group,
        }
    }

    /// Offers a message to one member after the other. What the first said that had no room is what counts if none
    /// takes it.
    fn offer_to_group<A: Admission<M>>(
        &self,
        group: &ActorAddress,
        envelope: MessageEnvelope<M>,
        admission: &mut A,
    ) -> Offered<M, A::Refusal> {
        let nobody = self.nobody(&Target::Address(group)).into();
        let mut last = Some(Offered::Refused(nobody, envelope));
        let mut room_at = None;
        self.registry.visit_group(group, |cell| {
            let (Some(Offered::Refused(_, envelope)) | Some(Offered::Wait(_, envelope))) = last.take() else {
                return Some(());
            };
            last = match self.put(cell, envelope, admission) {
                Offered::Accepted => return Some(()),
                Offered::Wait(cell, envelope) => {
                    let first = room_at.get_or_insert(cell);
                    Some(Offered::Wait(Arc::clone(first), envelope))
                }
                refused => Some(refused),
            };
            None
        });
        match (last, room_at) {
            (None, _) => Offered::Accepted,
            (Some(Offered::Refused(_, envelope)), Some(cell)) => Offered::Wait(cell, envelope),
            (Some(offered), _) => offered,
        }
    }

    #[inline(always)]
    fn put<A: Admission<M>>(
        &self,
        cell: &Arc<ActorCell<M>>,
        mut envelope: MessageEnvelope<M>,
        admission: &mut A,
    ) -> Offered<M, A::Refusal> {
        if let Err(refusal) = admission.admit(cell, &mut envelope) {
            return Offered::Refused(refusal, envelope);
        }
        // Always inlined up to here: an envelope is large, and where the compiler sees the whole way, it writes the
        // fields straight into the mailbox's buffer instead of copying the whole from layer to layer.
        match cell.queue.room() {
            Some(room) => {
                room.put(envelope);
                Offered::Accepted
            }
            None => self.put_without_room(cell, envelope.relocated()),
        }
    }

    #[cold]
    #[inline(never)]
    fn put_without_room<R: From<SendErrorKind>>(
        &self,
        cell: &Arc<ActorCell<M>>,
        envelope: MessageEnvelope<M>,
    ) -> Offered<M, R> {
        let (kind, envelope) = match cell.queue.push(envelope) {
            Ok(evicted) => {
                self.keep_evicted(cell, evicted);
                return Offered::Accepted;
            }
            Err(error) => error.into_parts(),
        };
        let blocks = cell.queue.options().on_full() == BackpressureStrategy::Block;
        // A handler that waited for room in its own mailbox would wait for itself.
        if kind == MailboxErrorKind::Full && blocks && !envelope.is_from_handler_of(cell.id) {
            return Offered::Wait(Arc::clone(cell), envelope);
        }
        Offered::Refused(self.explain(kind).into(), envelope)
    }

    fn keep_evicted(&self, cell: &ActorCell<M>, evicted: Option<MessageEnvelope<M>>) {
        if let Some(envelope) = evicted {
            self.discard(cell, envelope, DeadLetterReason::Evicted);
        }
    }

    fn explain(&self, kind: MailboxErrorKind) -> SendErrorKind {
        match kind {
            MailboxErrorKind::Full => SendErrorKind::Full,
            MailboxErrorKind::TimedOut => SendErrorKind::TimedOut,
            MailboxErrorKind::Closed if self.is_shut() => SendErrorKind::ShutDown,
            MailboxErrorKind::Closed => SendErrorKind::ActorStopped,
        }
    }

    #[cold]
    pub(super) fn nobody(&self, target: &Target<'_, M>) -> SendErrorKind {
        match target {
            _ if self.is_shut() => SendErrorKind::ShutDown,
            Target::Address(address) if address.is_group() => SendErrorKind::NoMembers,
            Target::Address(_) => SendErrorKind::NoSuchActor,
            Target::Actor(_) => SendErrorKind::ActorStopped,
        }
    }
}

impl<M> Target<'_, M> {
    /// The address, for an error to name.
    pub(super) fn address(&self) -> ActorAddress {
        match self {
            Self::Address(address) => (*address).clone(),
            Self::Actor(cell) => cell.address.clone(),
        }
    }

    fn is_group(&self) -> bool {
        matches!(self, Self::Address(address) if address.is_group())
    }
}
