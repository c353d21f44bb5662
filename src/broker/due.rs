use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::offer::{Admission, Offered, Target};
use super::{Hub, SendErrorKind};
use crate::actor::{ActorCell, Waiting};
use crate::dead_letters::DeadLetterReason;
use crate::limits::Table;
use crate::mailbox::{MailboxError, MailboxErrorKind};
use crate::message::{Deadline, Message, MessageEnvelope, RequestKey};
use crate::requests::Ended;
use crate::schedule::{Entry, Number, Parcel, Refrain};

/// How many entries are seen to before others have their turn.
const AT_ONCE: usize = 256;

/// A message of the broker's own, which may be a request that was handled in vain before.
pub(super) struct Carry<'a, M> {
    hub: &'a Hub<M>,
    key: Option<RequestKey>,
}

impl<'a, M> Carry<'a, M> {
    /// For a message whose answer nobody waits for.
    pub(super) fn plain(hub: &'a Hub<M>) -> Self {
        Self { hub, key: None }
    }
}

impl<M: Message> Admission<M> for Carry<'_, M> {
    type Refusal = SendErrorKind;

    fn admit(&mut self, to: &Arc<ActorCell<M>>, envelope: &mut MessageEnvelope<M>) -> Result<(), SendErrorKind> {
        envelope.set_request(self.key);
        if let Some(key) = self.key {
            self.hub.carry_request(key, to);
        }
        Ok(())
    }

    fn may_wait(&self, _: &ActorCell<M>, _: &MessageEnvelope<M>) -> bool {
        // Nobody waits with it.
        true
    }

    fn waits(&mut self, _: &ActorCell<M>, _: &MessageEnvelope<M>) -> Result<Option<Waiting<M>>, SendErrorKind> {
        Ok(None)
    }

    fn keeps_order(&self) -> bool {
        // It comes when it is due, or again: there is no place to keep.
        false
    }

    fn may_go_to_all(&self) -> bool {
        self.key.is_none()
    }
}

impl<M: Message> Hub<M> {
    /// Delivers what is due, and says when there is more. Never waits.
    pub(super) fn deliver_due(self: &Arc<Self>) -> Option<Deadline> {
        let now = Deadline::now();
        for _ in 0..AT_ONCE {
            match self.agenda.take_due(now) {
                Some((number, Entry::Message(parcel))) => self.deliver_parcel(number, parcel),
                Some((number, Entry::Refrain(refrain))) => self.repeat(number, refrain),
                None => break,
            }
        }
        self.agenda.next_due()
    }

    fn deliver_parcel(self: &Arc<Self>, number: Number, parcel: Parcel<M>) {
        let key = parcel.envelope.request();
        if parcel.envelope.expiry().is_some_and(Deadline::has_passed) {
            return self.end_parcel(parcel, DeadLetterReason::Expired);
        }
        if key.is_some_and(|key| !self.requests.is_waited_for(key)) {
            return self.end_parcel(parcel, DeadLetterReason::Cancelled);
        }
        let Parcel { envelope, to, set_aside_by, since, refusals, place } = parcel;
        let mut carry = Carry { hub: self, key };
        let target = Target::Address(&to);
        if refusals > 0 {
            self.count_retry(&target);
        }
        let (kind, envelope) = match self.offer(&target, envelope, &mut carry) {
            Offered::Accepted => return self.parcel_left(set_aside_by.as_deref()),
            // Where a sender would wait, it stands in line by itself.
            Offered::Wait(cell, envelope) => {
                // It may have been offered to others of a group since, and be known as with the last of them.
                key.into_iter().for_each(|key| self.carry_request(key, &cell));
                match cell.queue.take_in(envelope, false) {
                    Ok(()) => return self.parcel_left(set_aside_by.as_deref()),
                    Err(error) => self.kept_out(error),
                }
            }
            Offered::Refused(kind, envelope) => (kind, envelope),
            Offered::Held(_, _, envelope) => (SendErrorKind::Full, envelope),
        };
        let parcel = Parcel { envelope, to, set_aside_by, since, refusals, place };
        // A request's caller waits here, and its answer comes here.
        if !kind.is_nobody() || key.is_some() {
            return self.refused(number, parcel, kind);
        }
        if let Err(parcel) = self.send_out(number, parcel) {
            self.refused(number, parcel, kind);
        }
    }

    /// Its mailbox has taken a message, or it has ended elsewhere: whoever set it aside need not wait for it.
    fn parcel_left(&self, set_aside_by: Option<&ActorCell<M>>) {
        self.agenda.leave();
        set_aside_by.into_iter().for_each(|cell| cell.queue.forgive());
    }

    /// A message was refused: it goes back to the actor that set it aside if that takes nothing but its own, or is tried
    /// again, or is dead.
    pub(super) fn refused(&self, number: Number, mut parcel: Parcel<M>, kind: SendErrorKind) {
        if let Some(cell) = parcel.set_aside_by.take_if(|cell| cell.queue.is_closed()) {
            parcel.envelope.request().into_iter().for_each(|key| self.carry_request(key, &cell));
            match cell.queue.take_in(parcel.envelope, true) {
                Ok(()) => return self.agenda.leave(),
                Err(error) => {
                    parcel = Parcel { envelope: error.into_envelope(), set_aside_by: Some(cell), ..parcel };
                }
            }
        }
        parcel.refusals += 1;
        // What a member got of a message for all comes back to that member, and still goes by the group's policy.
        let sent_to = parcel.envelope.again().and_then(|again| again.to.clone());
        let policy = self.retries.policy(&parcel.envelope, sent_to.as_ref().unwrap_or(&parcel.to));
        let elapsed = Instant::now().saturating_duration_since(parcel.since);
        let decide = |failure| self.retries.next_delay(&policy, parcel.refusals, elapsed, failure);
        match kind.failure().and_then(decide) {
            Some(delay) => self.delay_parcel(number, parcel, delay),
            None => self.end_parcel(parcel, undeliverable(kind)),
        }
    }

    /// Why a message could not stand in line.
    pub(super) fn kept_out(&self, error: MailboxError<M>) -> (SendErrorKind, MessageEnvelope<M>) {
        match error.into_parts() {
            (MailboxErrorKind::LineFull, envelope) => (self.bounds.refuse(Table::Senders).into(), envelope),
            (_, envelope) => (SendErrorKind::ActorStopped, envelope),
        }
    }

    /// Says that the request now waits for `to`. If the handler that waits for it would then wait for itself, it
    /// learns so at once, and the message goes on its way with nobody who waits.
    fn carry_request(&self, key: RequestKey, to: &ActorCell<M>) {
        let moved = self.requests.hand_over(key, to.key());
        if let Some(cycle) = moved.and_then(|edge| self.cycle(edge.asker, to)) {
            self.requests.end(key, Ended::WouldDeadlock(cycle));
        }
    }

    fn delay_parcel(&self, number: Number, parcel: Parcel<M>, delay: Duration) {
        if let Some(key) = parcel.envelope.request() {
            // It is with nobody meanwhile, so that nobody's end is its end.
            self.requests.pauses(key);
        }
        match self.agenda.delay(number, Deadline::after(delay), Entry::Message(parcel)) {
            Ok(()) | Err(Entry::Refrain(_)) => {}
            Err(Entry::Message(parcel)) => self.end_parcel(parcel, DeadLetterReason::ShutDown),
        }
    }

    /// Ends a message that is in no mailbox: counts it, tells its caller, and keeps it as a dead letter.
    pub(super) fn end_parcel(&self, parcel: Parcel<M>, reason: DeadLetterReason) {
        let Parcel { envelope, to, set_aside_by, .. } = parcel;
        self.agenda.end(reason.outcome());
        let attempts = envelope.attempt() - 1;
        self.bury(to, set_aside_by.as_ref().map(|cell| cell.id), envelope, reason, attempts, None);
        set_aside_by.into_iter().for_each(|cell| cell.queue.forgive());
    }

    /// Sends a copy of a message that is sent at an interval, if somebody takes it now, and enters it for the next time.
    fn repeat(self: &Arc<Self>, number: Number, mut refrain: Refrain<M>) {
        if refrain.progress.is_cancelled() {
            return self.lay_to_rest(refrain);
        }
        self.sing(&refrain);
        let next = refrain.advance();
        // Refused when the broker shuts down, which ends it.
        self.lay_to_rest(self.agenda.delay(number, next, Entry::Refrain(refrain)));
    }

    /// Sends one copy, and counts whether somebody has taken it. What is sent out counts when it is known.
    fn sing(self: &Arc<Self>, refrain: &Refrain<M>) {
        let progress = &refrain.progress;
        let Some(copy) = refrain.copy(&self.dead_letters.disposal) else { return progress.count(false) };
        let Err(refused) = self.try_send(&Target::Address(&refrain.to), copy) else { return progress.count(true) };
        let kind = refused.kind();
        let mut copy = Err(refused.into_envelope());
        if kind.is_nobody() {
            copy = copy.or_else(|copy| self.send_refrain_out(&refrain.to, copy, progress));
        }
        if let Err(copy) = copy {
            progress.count(false);
            self.lay_to_rest(copy);
        }
    }
}

fn undeliverable(kind: SendErrorKind) -> DeadLetterReason {
    match kind {
        SendErrorKind::ShutDown => DeadLetterReason::ShutDown,
        SendErrorKind::Expired => DeadLetterReason::Expired,
        kind => DeadLetterReason::Undeliverable(kind),
    }
}
