use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::due::Carry;
use super::offer::{Offered, Target};
use super::{Hub, SendErrorKind};
use crate::address::ActorAddress;
use crate::dead_letters::{DeadLetter, DeadLetterFilter, Redriven};
use crate::limits::Table;
use crate::message::{Deadline, Message, MessageEnvelope};
use crate::schedule::{Entry, Parcel};

/// Dead letters that were taken to be sent again. What is left when this is dropped goes back.
struct Taken<'a, M: Message> {
    hub: &'a Hub<M>,
    letters: VecDeque<DeadLetter<M>>,
}

impl<M: Message> Drop for Taken<'_, M> {
    fn drop(&mut self) {
        self.letters.drain(..).for_each(|letter| self.hub.dead_letters.put_back(letter));
    }
}

/// Where a message is that was sent again.
enum Placed {
    Sent,
    Waiting,
}

impl<M: Message> Hub<M> {
    /// Sends the dead letters that match again: to `to`, or else to where each was to go.
    pub(crate) fn redrive(self: &Arc<Self>, filter: &DeadLetterFilter, to: Option<&ActorAddress>) -> Redriven {
        let mut redriven = Redriven::default();
        let mut taken = Taken { hub: self, letters: self.dead_letters.take(filter).into() };
        while let Some(letter) = taken.letters.pop_front() {
            let id = letter.id();
            match self.redrive_one(letter, to) {
                Ok(Placed::Sent) => redriven.sent += 1,
                Ok(Placed::Waiting) => redriven.waiting += 1,
                Err(kind) => redriven.refused.push((id, kind)),
            }
        }
        redriven
    }

    /// Sends one letter again. If it is refused, it goes back as it was.
    fn redrive_one(
        self: &Arc<Self>,
        letter: DeadLetter<M>,
        to: Option<&ActorAddress>,
    ) -> Result<Placed, SendErrorKind> {
        let DeadLetter { mut envelope, address, actor, reason, cause, attempts, at } = letter;
        let deadline = envelope.expiry();
        // What a member got of a message for all is for that member.
        let is_share = envelope.is_share();
        let member = actor.filter(|_| is_share && to.is_none());
        let to = to.cloned().or(member.map(ActorAddress::from)).or_else(|| envelope.again()?.to.clone());
        let to = to.unwrap_or_else(|| address.clone());
        envelope.renew();
        envelope.note_sending(&to);
        if member.is_some() {
            envelope.become_share();
        }
        self.place(envelope, to).map_err(|(kind, mut envelope)| {
            envelope.set_expiry(deadline);
            if is_share {
                envelope.become_share();
            }
            self.dead_letters.put_back(DeadLetter { envelope, address, actor, reason, cause, attempts, at });
            kind
        })
    }

    /// Puts a message into a mailbox, or in line for room there, or aside for later if its retry policy says so.
    fn place(
        self: &Arc<Self>,
        envelope: MessageEnvelope<M>,
        to: ActorAddress,
    ) -> Result<Placed, (SendErrorKind, MessageEnvelope<M>)> {
        let (kind, envelope) = match self.offer(&Target::Address(&to), envelope, &mut Carry::plain(self)) {
            Offered::Accepted => return Ok(Placed::Sent),
            Offered::Wait(cell, envelope) => match cell.queue.take_in(envelope, false) {
                Ok(()) => return Ok(Placed::Sent),
                Err(error) => self.kept_out(error),
            },
            Offered::Refused(kind, envelope) => (kind, envelope),
            Offered::Held(_, _, envelope) => (SendErrorKind::Full, envelope),
        };
        let policy = self.retries.policy(&envelope, &to);
        let decide = |failure| self.retries.next_delay(&policy, 1, Duration::ZERO, failure);
        // Where there is a way out, that is tried first, as soon as the time is kept.
        let goes_out = kind.is_nobody() && self.outlet.get().is_some();
        let (delay, refusals) = match kind.failure().and_then(decide) {
            _ if goes_out => (Duration::ZERO, 0),
            Some(delay) => (delay, 1),
            None => return Err((kind, envelope)),
        };
        let place = match self.bounds.take(Table::Retries) {
            Ok(place) => place,
            Err(limit) => return Err((limit.into(), envelope)),
        };
        let parcel = Parcel { envelope, to, set_aside_by: None, since: Instant::now(), refusals, place };
        match self.agenda.enter(Deadline::after(delay), Entry::Message(parcel)) {
            Ok(_) => {
                self.keep_time();
                Ok(Placed::Waiting)
            }
            Err(entry) => Err((SendErrorKind::ShutDown, entry.into_envelope())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::settings::Settings;
    use crate::dead_letters::DeadLetterReason;
    use crate::retry::RetryPolicy;

    #[derive(Debug)]
    struct Note;

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    /// The broker was shut down after the letter had found nobody.
    #[test]
    fn what_is_to_wait_when_nothing_may_any_more_stays_a_dead_letter() {
        let hub = Arc::new(Hub::new(Settings { retry: Some(RetryPolicy::attempts(3)), ..Settings::default() }));
        let desk = ActorAddress::named("desk").unwrap();
        hub.bury(desk, None, MessageEnvelope::new(Note), DeadLetterReason::ActorStopped, 0, None);
        hub.agenda.close();
        let redriven = hub.redrive(&DeadLetterFilter::all(), None);
        assert_eq!((redriven.sent, redriven.waiting, redriven.refused[0].1), (0, 0, SendErrorKind::ShutDown));
        assert_eq!(hub.dead_letters.take(&DeadLetterFilter::all()).len(), 1);
    }
}
