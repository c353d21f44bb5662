use std::pin::{Pin, pin};
use std::sync::Arc;

use super::registry::Pinned;
use super::{Hub, SendErrorKind};
use crate::actor::{ActorCell, Waiting};
use crate::address::{ActorAddress, ActorId, ByName, ByNameRef};
use crate::dead_letters::DeadLetterReason;
use crate::limits::Table;
use crate::mailbox::{BackpressureStrategy, MailboxErrorKind, Pushed, RouteKey};
use crate::message::{Deadline, Message, MessageEnvelope};
use crate::retry::Failure;

/// Where a message is to go: to whoever is behind an address, or to one actor that was resolved before.
pub(super) enum Target<'a, M> {
    Address(&'a ActorAddress),
    Actor(&'a Arc<ActorCell<M>>),
}

/// A look into the registry: its guard, which what is found must not outlive, and what is looked for.
pub(super) enum LookUp<'a, M> {
    Known(&'a Arc<ActorCell<M>>),
    Id(Pinned<'a, ActorId, M>, &'a ActorId),
    Name(Pinned<'a, ByName, M>, ByNameRef<'a>),
    /// Not one actor but several.
    Group,
}

impl<M> LookUp<'_, M> {
    #[inline(always)]
    pub(super) fn actor(&self) -> Option<&Arc<ActorCell<M>>> {
        match self {
            Self::Known(cell) => Some(cell),
            Self::Id(actors, id) => actors.get(*id),
            Self::Name(names, name) => names.get(name),
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
    /// Its key is still with that actor, which takes no more of it.
    Held(Arc<ActorCell<M>>, RouteKey, MessageEnvelope<M>),
}

/// What a message needs before it goes into a mailbox: nothing, or an entry in the request table.
pub(super) trait Admission<M>: Send {
    /// Why it did not go in.
    type Refusal: Refusal;

    /// The message is about to go into the mailbox of `to`.
    fn admit(&mut self, to: &Arc<ActorCell<M>>, envelope: &mut MessageEnvelope<M>) -> Result<(), Self::Refusal>;

    /// It did not get in. Whether it may wait for room in the mailbox of `at`, as far as is known by now.
    fn may_wait(&self, at: &ActorCell<M>, envelope: &MessageEnvelope<M>) -> bool;

    /// It waits until it is offered again, and is with nobody meanwhile, so that nobody's end is its end.
    fn pauses(&mut self) {}

    /// It waits for room in the mailbox of `at`, for as long as what is returned is kept.
    fn waits(&mut self, at: &ActorCell<M>, envelope: &MessageEnvelope<M>) -> Result<Option<Waiting<M>>, Self::Refusal>;

    /// Whether it keeps its place among the messages with its routing key.
    fn keeps_order(&self) -> bool {
        true
    }

    /// Whether all members of a group may have it, where that is asked for.
    fn may_go_to_all(&self) -> bool {
        false
    }

    /// It has got in after all.
    fn got_in(&self, actor: &ActorCell<M>) {
        let _ = actor;
    }
}

/// Why a message did not go in.
pub(super) trait Refusal: From<SendErrorKind> + Send {
    fn weight(&self) -> Weight;

    /// What a retry policy has to say about; `None` if it would be refused again.
    fn failure(&self) -> Option<Failure>;
}

/// Of the reasons why the members of a group did not take a message, the sender learns the weightiest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// That one is of no use to anybody.
    Gone,
    /// Waiting for that one would never end.
    WouldDeadlock,
    /// That one may have room later.
    Full,
}

impl Refusal for SendErrorKind {
    fn weight(&self) -> Weight {
        if *self == Self::Full { Weight::Full } else { Weight::Gone }
    }

    fn failure(&self) -> Option<Failure> {
        SendErrorKind::failure(*self)
    }
}

/// How many members of a group a message is offered to before it counts as full.
const TRIES: usize = 16;

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
                Offered::Held(cell, key, envelope) => {
                    // What says that it waits is kept, so that handlers which would wait for each other are found out.
                    let (_waiting, until) = match Self::may_wait_for_key(&cell, &envelope, admission) {
                        Ok(wait) => wait,
                        Err(refusal) => return Err((refusal, envelope)),
                    };
                    if let Err(kind) = self.key_is_gone(&cell, key, until).await {
                        return Err((kind.into(), envelope));
                    }
                    offered = self.offer(target, envelope, admission);
                    continue;
                }
            };
            let (refusal, is_out, envelope) = match admission.waits(&cell, &envelope) {
                Err(refusal) => (refusal, true, envelope),
                Ok(waiting) => match self.wait_in_line(target, &cell, envelope, waiting).await {
                    Ok(evicted) => {
                        admission.got_in(&cell);
                        self.keep_evicted(&cell, evicted);
                        return Ok(());
                    }
                    Err(error) => {
                        let (kind, envelope) = error.into_parts();
                        (self.explain(kind).into(), kind == MailboxErrorKind::Closed, envelope)
                    }
                },
            };
            // That member of a group stopped while it waited, or must not be waited for any more: another may take it.
            if !is_out || !target.is_group() {
                return Err((refusal, envelope));
            }
            offered = self.offer(target, envelope, admission);
        }
    }

    /// Waits for room in a mailbox, where the member for a key was found full as the one for that.
    async fn wait_in_line(
        &self,
        target: &Target<'_, M>,
        cell: &ActorCell<M>,
        envelope: MessageEnvelope<M>,
        waiting: Option<Waiting<M>>,
    ) -> Pushed<M> {
        match target {
            Target::Address(group) if group.is_group() => self.wait_at_member(group, cell, envelope, waiting).await,
            _ => standing_in_line(pin!(cell.queue.send(envelope)), waiting).await,
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
            Some(cell) => self.put(cell, || true, envelope, admission),
            None => Offered::Refused(self.nobody(target).into(), envelope),
        }
    }

    /// Looks for the one actor behind `target`.
    #[inline(always)]
    pub(super) fn look_up<'a>(&'a self, target: &Target<'a, M>) -> LookUp<'a, M> {
        match *target {
            Target::Actor(cell) => LookUp::Known(cell),
            Target::Address(ActorAddress::Id(id)) => LookUp::Id(self.registry.actors(), id),
            Target::Address(ActorAddress::Named(name)) => LookUp::Name(self.registry.named(), ByNameRef(name)),
            Target::Address(ActorAddress::Service(_) | ActorAddress::Pool(_)) => LookUp::Group,
        }
    }

    /// Offers a message to one member after the other. If none takes it, it waits at the first that would have it wait.
    /// A member that can't be waited for is no try: it may be one of many that all wait for the sender.
    fn offer_to_group<A: Admission<M>>(
        &self,
        group: &ActorAddress,
        mut envelope: MessageEnvelope<M>,
        admission: &mut A,
    ) -> Offered<M, A::Refusal> {
        let groups = self.registry.groups(group);
        let Some(members) = groups.as_ref().and_then(|(groups, name)| groups.get(name)) else {
            return Offered::Refused(self.nobody(&Target::Address(group)).into(), envelope);
        };
        if admission.may_go_to_all()
            && let Some(clone) = self.registry.clone_for_all(members, &envelope)
        {
            return match self.offer_to_all(members, envelope, clone) {
                Ok(()) => Offered::Accepted,
                Err((kind, envelope)) => {
                    Offered::Refused(kind.unwrap_or_else(|| self.nobody(&Target::Address(group))).into(), envelope)
                }
            };
        }
        if admission.keeps_order()
            && let Some(hash) = self.registry.key(members, &envelope)
        {
            drop(groups);
            return self.offer_by_key(group, hash, envelope, admission);
        }
        let (mut room_at, mut reason, mut tries) = (None, None, 0);
        let mut order = self.registry.order(members, &envelope);
        while let Some(member) = order.next_offer(room_at.is_some() || reason.as_ref().is_some_and(is_full)) {
            envelope = match self.put(&member.cell, || !member.seat.has_left(), envelope, admission) {
                Offered::Accepted => return Offered::Accepted,
                Offered::Wait(cell, back) => {
                    room_at.get_or_insert(cell);
                    tries += 1;
                    back
                }
                // Only found by key.
                Offered::Held(_, _, back) => back,
                Offered::Refused(refusal, back) => {
                    tries += usize::from(refusal.weight() != Weight::WouldDeadlock);
                    reason = Some(weightier(reason, refusal));
                    back
                }
            };
            if tries == TRIES {
                break;
            }
        }
        match room_at {
            Some(cell) => Offered::Wait(cell, envelope),
            None => {
                let nobody = || self.nobody(&Target::Address(group)).into();
                Offered::Refused(reason.unwrap_or_else(nobody), envelope)
            }
        }
    }

    /// Puts a message into a mailbox if it has room and, under its lock, `may` is true.
    #[inline(always)]
    pub(super) fn put<A: Admission<M>>(
        &self,
        cell: &Arc<ActorCell<M>>,
        may: impl Fn() -> bool,
        mut envelope: MessageEnvelope<M>,
        admission: &mut A,
    ) -> Offered<M, A::Refusal> {
        if let Err(refusal) = admission.admit(cell, &mut envelope) {
            return Offered::Refused(refusal, envelope);
        }
        // Always inlined up to here: an envelope is large, and where the compiler sees the whole way, it writes the
        // fields straight into the mailbox's buffer instead of copying the whole from layer to layer.
        if let Some(room) = cell.queue.room()
            && may()
        {
            room.put(envelope);
            return Offered::Accepted;
        }
        self.put_without_room(cell, may, envelope.relocated(), admission)
    }

    #[cold]
    #[inline(never)]
    fn put_without_room<A: Admission<M>>(
        &self,
        cell: &Arc<ActorCell<M>>,
        may: impl Fn() -> bool,
        envelope: MessageEnvelope<M>,
        admission: &A,
    ) -> Offered<M, A::Refusal> {
        let (kind, envelope) = match cell.queue.push_if(may, envelope) {
            Ok(evicted) => {
                self.keep_evicted(cell, evicted);
                return Offered::Accepted;
            }
            Err(error) => error.into_parts(),
        };
        self.without_room(cell, envelope, kind, admission)
    }

    /// What becomes of a message that a mailbox has not taken.
    pub(super) fn without_room<A: Admission<M>>(
        &self,
        cell: &Arc<ActorCell<M>>,
        envelope: MessageEnvelope<M>,
        kind: MailboxErrorKind,
        admission: &A,
    ) -> Offered<M, A::Refusal> {
        let blocks = cell.queue.options().on_full() == BackpressureStrategy::Block;
        if kind == MailboxErrorKind::Full && blocks && admission.may_wait(cell, &envelope) {
            return Offered::Wait(Arc::clone(cell), envelope);
        }
        Offered::Refused(self.explain(kind).into(), envelope)
    }

    pub(super) fn keep_evicted(&self, cell: &ActorCell<M>, evicted: Option<MessageEnvelope<M>>) {
        if let Some(envelope) = evicted {
            self.discard(cell, envelope, DeadLetterReason::Evicted);
        }
    }

    pub(super) fn explain(&self, kind: MailboxErrorKind) -> SendErrorKind {
        match kind {
            MailboxErrorKind::Full => SendErrorKind::Full,
            MailboxErrorKind::TimedOut => SendErrorKind::TimedOut,
            MailboxErrorKind::LineFull => self.bounds.refuse(Table::Senders).into(),
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

/// The weightier of two reasons; of equals the later.
pub(super) fn weightier<R: Refusal>(known: Option<R>, new: R) -> R {
    match known {
        Some(known) if known.weight() > new.weight() => known,
        _ => new,
    }
}

fn is_full(refusal: &impl Refusal) -> bool {
    refusal.weight() == Weight::Full
}

/// Notes from the first poll on that the message stands in the line.
pub(super) async fn standing_in_line<M: Message>(
    mut sending: Pin<&mut impl Future<Output = Pushed<M>>>,
    mut waiting: Option<Waiting<M>>,
) -> Pushed<M> {
    std::future::poll_fn(|cx| {
        let polled = sending.as_mut().poll(cx);
        if polled.is_pending()
            && let Some(waiting) = &mut waiting
        {
            waiting.stands_in_line();
        }
        polled
    })
    .await
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
