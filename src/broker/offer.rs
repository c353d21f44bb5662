use std::sync::Arc;

use super::{Hub, SendErrorKind};
use crate::actor::ActorCell;
use crate::address::{ActorAddress, ActorId};
use crate::dead_letters::DeadLetterReason;
use crate::mailbox::{BackpressureStrategy, MailboxErrorKind, Slot};
use crate::message::{Deadline, Message, MessageEnvelope};

/// Where a message is to go: to whoever is behind an address, or to one actor that was resolved before.
pub(super) enum Target<'a, M> {
    Address(&'a ActorAddress),
    Actor(&'a Arc<ActorCell<M>>),
}

/// How an attempt to put a slot's message into a mailbox ended, where refusals are of type `R`. Unless it was accepted,
/// the message is still in the slot.
pub(super) enum Offered<M, R> {
    Accepted,
    /// There is no room now, but waiting for some at this actor is worth it.
    Wait(Arc<ActorCell<M>>),
    Refused(R),
}

/// What a message needs before it goes into a mailbox: nothing, or an entry in the request table.
pub(super) trait Admission<M>: Send {
    /// Why it did not go in.
    type Refusal: From<SendErrorKind> + Send;

    fn admit(
        &mut self,
        to: ActorId,
        envelope: &mut MessageEnvelope<M>,
    ) -> Result<(), Self::Refusal>;
}

/// What was found out on the way past the actors that may take a message.
struct Attempt<'a, M, A: Admission<M>> {
    slot: &'a mut Slot<M>,
    admission: &'a mut A,
    worth_waiting: Option<Arc<ActorCell<M>>>,
    refusal: Option<A::Refusal>,
}

impl<M: Message> Hub<M> {
    /// Sends the slot's message, waiting for room where that is the strategy.
    #[inline]
    pub(super) async fn deliver<A: Admission<M>>(
        &self,
        target: &Target<'_, M>,
        slot: &mut Slot<M>,
        admission: &mut A,
    ) -> Result<(), A::Refusal> {
        match self.offer(target, slot, admission) {
            Offered::Accepted => Ok(()),
            Offered::Refused(refusal) => Err(refusal),
            Offered::Wait(cell) => self.wait_for_room(cell, target, slot, admission).await,
        }
    }

    async fn wait_for_room<A: Admission<M>>(
        &self,
        mut cell: Arc<ActorCell<M>>,
        target: &Target<'_, M>,
        slot: &mut Slot<M>,
        admission: &mut A,
    ) -> Result<(), A::Refusal> {
        loop {
            match cell.queue.send(slot).await {
                Ok(()) => return Ok(self.keep_evicted(&cell, slot)),
                // While it waited for one member of a group, that stopped: another may take it.
                Err(MailboxErrorKind::Closed) if target.is_group() => {}
                Err(kind) => return Err(self.explain(kind).into()),
            }
            cell = match self.offer(target, slot, admission) {
                Offered::Accepted => return Ok(()),
                Offered::Refused(refusal) => return Err(refusal),
                Offered::Wait(cell) => cell,
            };
        }
    }

    /// Puts the slot's message into the mailbox of an actor behind `target`, if one takes it now.
    #[inline]
    pub(super) fn offer<A: Admission<M>>(
        &self,
        target: &Target<'_, M>,
        slot: &mut Slot<M>,
        admission: &mut A,
    ) -> Offered<M, A::Refusal> {
        if slot
            .as_ref()
            .and_then(MessageEnvelope::expiry)
            .is_some_and(Deadline::has_passed)
        {
            return Offered::Refused(SendErrorKind::Expired.into());
        }
        let mut attempt = Attempt {
            slot,
            admission,
            worth_waiting: None,
            refusal: None,
        };
        let accepted = match target {
            Target::Address(address) => self
                .registry
                .visit(address, |cell| self.try_actor(cell, &mut attempt)),
            Target::Actor(cell) => self.try_actor(cell, &mut attempt),
        };
        match (accepted, attempt.worth_waiting) {
            (Some(()), _) => Offered::Accepted,
            (None, Some(cell)) => Offered::Wait(cell),
            (None, None) => Offered::Refused(
                attempt
                    .refusal
                    .unwrap_or_else(|| self.nobody(target).into()),
            ),
        }
    }

    /// One actor's turn. `None` leaves the message in its slot, for the next.
    #[inline]
    fn try_actor<A: Admission<M>>(
        &self,
        cell: &Arc<ActorCell<M>>,
        attempt: &mut Attempt<'_, M, A>,
    ) -> Option<()> {
        if let Err(refusal) = attempt.admission.admit(cell.id, attempt.slot.as_mut()?) {
            attempt.refusal = Some(refusal);
            return None;
        }
        match cell.queue.push(attempt.slot) {
            Ok(()) => {
                self.keep_evicted(cell, attempt.slot);
                Some(())
            }
            Err(kind) => {
                self.refused(cell, kind, attempt);
                None
            }
        }
    }

    #[cold]
    fn refused<A: Admission<M>>(
        &self,
        cell: &Arc<ActorCell<M>>,
        kind: MailboxErrorKind,
        attempt: &mut Attempt<'_, M, A>,
    ) {
        attempt.refusal = Some(self.explain(kind).into());
        let blocks = cell.queue.options().on_full() == BackpressureStrategy::Block;
        // A handler that waited for room in its own mailbox would wait for itself.
        let itself = attempt
            .slot
            .as_ref()
            .is_some_and(|envelope| envelope.is_from_handler_of(cell.id));
        if kind == MailboxErrorKind::Full && blocks && !itself {
            attempt
                .worth_waiting
                .get_or_insert_with(|| Arc::clone(cell));
        }
    }

    #[inline]
    fn keep_evicted(&self, cell: &ActorCell<M>, slot: &mut Slot<M>) {
        if slot.is_some() {
            self.discard(cell, slot.take(), DeadLetterReason::Evicted);
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
