//! What is done for a message that was not accepted, or not handled to its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::offer::{Admission, Offered, Refusal, Target};
use super::{Caller, Declined, Hub};
use crate::actor::ActorCell;
use crate::dead_letters::DeadLetterReason;
use crate::limits::Table;
use crate::message::{Deadline, Message, MessageEnvelope};
use crate::metrics::Outcome;
use crate::retry::{Failure, RetryPolicy};
use crate::schedule::{Entry, Parcel};

/// What a handler says should become of a message that it returns an error for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// What its retry policy says.
    #[default]
    None,
    Reject,
    RetryAfter(Duration),
}

/// How the handling of a message failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) failure: Failure,
    pub(crate) verdict: Verdict,
    /// Whether its caller has been answered, or somebody else has the right to answer.
    pub(crate) answered: bool,
}

/// What becomes of a message whose handling failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is handled again after this time.
    Again(Duration),
    Ends(DeadLetterReason),
}

impl<M: Message> Hub<M> {
    /// Goes on with a message that was offered: waits for room where that is the strategy, and offers it again after a
    /// refusal where its retry policy says so.
    pub(super) async fn deliver<A: Admission<M>>(
        &self,
        target: &Target<'_, M>,
        offered: Offered<M, A::Refusal>,
        admission: &mut A,
    ) -> Result<(), (A::Refusal, MessageEnvelope<M>)> {
        match offered {
            Offered::Accepted => Ok(()),
            // Boxed, so that a message which need not wait has no room for the wait in its sender's future. That is part of
            // every handler that sends or answers, and so of every actor, idle or not.
            offered => Box::pin(self.deliver_late(target, offered, admission)).await,
        }
    }

    async fn deliver_late<A: Admission<M>>(
        &self,
        target: &Target<'_, M>,
        offered: Offered<M, A::Refusal>,
        admission: &mut A,
    ) -> Result<(), (A::Refusal, MessageEnvelope<M>)> {
        let (refusal, envelope) = match self.deliver_on(target, offered, admission).await {
            Err((refusal, envelope)) if refusal.failure().is_some() => (refusal, envelope),
            delivered => return delivered,
        };
        match self.retries.policy(&envelope, &target.address()) {
            policy if policy.max_attempts() == Some(1) => Err((refusal, envelope)),
            // Boxed, so that what is never retried has no room for it in its future.
            policy => Box::pin(self.persist(target, policy, (refusal, envelope), admission)).await,
        }
    }

    async fn persist<A: Admission<M>>(
        &self,
        target: &Target<'_, M>,
        policy: RetryPolicy,
        (mut refusal, mut envelope): (A::Refusal, MessageEnvelope<M>),
        admission: &mut A,
    ) -> Result<(), (A::Refusal, MessageEnvelope<M>)> {
        let (began, mut attempt) = (Instant::now(), 0);
        loop {
            attempt += 1;
            let decide = |failure| self.retries.next_delay(&policy, attempt, began.elapsed(), failure);
            let Some(delay) = refusal.failure().and_then(decide).filter(|delay| has_time_for(&envelope, *delay)) else {
                return Err((refusal, envelope));
            };
            admission.pauses();
            tokio::time::sleep(delay).await;
            self.count_retry(target);
            let offered = self.offer(target, envelope, admission);
            (refusal, envelope) = match self.deliver_on(target, offered, admission).await {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            };
        }
    }

    /// Notes how its handler's failure changes how `cell` stands. A message that was rejected says nothing about it.
    pub(crate) fn note_failure(&self, cell: &ActorCell<M>, failure: Failure, verdict: Verdict) {
        if verdict == Verdict::Reject && failure == Failure::Failed {
            return;
        }
        if cell.health.failed(Instant::now(), &self.settings.health) {
            tracing::warn!(actor = %cell.address, id = %cell.id, "handler keeps failing, set aside");
        }
    }

    /// Decides about a message whose handling failed, and of which there is a copy.
    pub(crate) fn fate(&self, cell: &ActorCell<M>, envelope: &mut MessageEnvelope<M>, failed: &Failed) -> Fate {
        let ends = Fate::Ends(match (failed.verdict, failed.failure) {
            (Verdict::Reject, _) => DeadLetterReason::Rejected,
            (_, Failure::Panicked) => DeadLetterReason::Panicked,
            _ => DeadLetterReason::Failed,
        });
        // A request that has its answer, or whose answer is another's business, must not be answered twice.
        if failed.verdict == Verdict::Reject || failed.answered || !envelope.is_at_least_once() {
            return ends;
        }
        let attempt = envelope.attempt();
        let (since, to) = match envelope.again() {
            Some(again) => (again.since, again.to.clone()),
            None => (None, None),
        };
        let policy = self.retries.policy(envelope, to.as_ref().unwrap_or(&cell.address));
        let elapsed = since.map_or(Duration::ZERO, Deadline::elapsed);
        let delay = match failed.verdict {
            Verdict::RetryAfter(asked) => policy.next_delay_of(attempt, elapsed, failed.failure, asked),
            _ => self.retries.next_delay(&policy, attempt, elapsed, failed.failure),
        };
        delay.filter(|delay| has_time_for(envelope, *delay)).map_or(ends, Fate::Again)
    }

    /// Sets aside a message that `cell` has handled in vain, to be handled again after `delay`.
    pub(crate) fn set_aside(
        self: &Arc<Self>,
        cell: &Arc<ActorCell<M>>,
        mut envelope: MessageEnvelope<M>,
        delay: Duration,
    ) {
        envelope.next_attempt();
        let place = match self.bounds.take(Table::Retries) {
            Ok(place) => place,
            Err(limit) => return self.discard(cell, envelope, DeadLetterReason::Undeliverable(limit.into())),
        };
        let (since, to) = match envelope.again() {
            Some(again) => (again.since.and_then(Deadline::instant), again.to.clone()),
            None => (None, None),
        };
        // The other members have their own.
        let to = if envelope.is_share() { Some(cell.id.into()) } else { to };
        let parcel = Parcel {
            envelope,
            to: to.unwrap_or_else(|| cell.address.clone()),
            set_aside_by: Some(Arc::clone(cell)),
            since: since.unwrap_or_else(Instant::now),
            refusals: 0,
            place,
        };
        cell.queue.owe();
        match self.agenda.set_aside(Deadline::after(delay), Entry::Message(parcel)) {
            Ok(_) => {
                cell.tally.give_back();
                self.keep_time();
            }
            Err(entry) => {
                cell.queue.forgive();
                if let Entry::Message(parcel) = entry {
                    self.discard(cell, parcel.envelope, DeadLetterReason::ShutDown);
                }
            }
        }
    }

    /// Ends a message that is to be delivered at least once, but can't be copied.
    pub(crate) fn end_uncopied(&self, cell: &ActorCell<M>, envelope: MessageEnvelope<M>, panic: String) {
        self.dead_letters.disposal.note("cloned", &panic);
        let declined = Declined::Panicked(panic.clone());
        Caller::of(&envelope).into_iter().for_each(|caller| self.decline(&caller, declined.clone()));
        cell.tally.count(Outcome::Failed);
        let attempts = envelope.attempt() - 1;
        self.bury(cell.address.clone(), Some(cell.id), envelope, DeadLetterReason::Panicked, attempts, Some(panic));
    }

    /// Ends a message whose handling has failed for good.
    pub(crate) fn end_failed(
        &self,
        cell: &ActorCell<M>,
        envelope: MessageEnvelope<M>,
        reason: DeadLetterReason,
        cause: String,
    ) {
        cell.tally.count(Outcome::Failed);
        let attempts = envelope.attempt();
        self.bury(cell.address.clone(), Some(cell.id), envelope, reason, attempts, Some(cause));
    }
}

/// Whether a message will still be worth handling after `delay`.
pub(super) fn has_time_for<M>(envelope: &MessageEnvelope<M>, delay: Duration) -> bool {
    envelope.expiry().is_none_or(|deadline| Deadline::now().plus(delay) < deadline)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{ActorAddress, ActorId};
    use crate::broker::settings::Settings;
    use crate::mailbox::MailboxOptions;
    use crate::retry::Backoff;

    #[derive(Clone, Debug)]
    struct Note;

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    const SECOND: Duration = Duration::from_secs(1);

    fn failed(failure: Failure) -> Failed {
        Failed { failure, verdict: Verdict::None, answered: false }
    }

    /// What becomes of a message that is sent at least once, with three attempts a second apart.
    fn fate(envelope: MessageEnvelope<Note>, failed: &Failed) -> Fate {
        let hub = Hub::new(Settings::default());
        let id = ActorId::next();
        let cell = ActorCell::new(id, ActorAddress::named("desk").unwrap(), MailboxOptions::default(), true);
        hub.fate(&cell, &mut envelope.with_retry(RetryPolicy::attempts(3).backoff(Backoff::fixed(SECOND))), failed)
    }

    fn at_least_once() -> MessageEnvelope<Note> {
        MessageEnvelope::new(Note).at_least_once()
    }

    #[test]
    fn a_failure_or_panic_is_followed_by_another_attempt_until_the_last() {
        for (failure, reason) in
            [(Failure::Failed, DeadLetterReason::Failed), (Failure::Panicked, DeadLetterReason::Panicked)]
        {
            let mut envelope = at_least_once();
            assert_eq!(fate(envelope.clone(), &failed(failure)), Fate::Again(SECOND));
            envelope.next_attempt();
            assert_eq!(fate(envelope.clone(), &failed(failure)), Fate::Again(SECOND));
            envelope.next_attempt();
            assert_eq!(fate(envelope, &failed(failure)), Fate::Ends(reason));
        }
    }

    #[test]
    fn what_the_handler_says_goes_before_the_backoff() {
        let says = |verdict| fate(at_least_once(), &Failed { verdict, ..failed(Failure::Failed) });
        assert_eq!(says(Verdict::RetryAfter(9 * SECOND)), Fate::Again(9 * SECOND));
        assert_eq!(says(Verdict::Reject), Fate::Ends(DeadLetterReason::Rejected));
    }

    #[test]
    fn what_was_answered_or_is_sent_at_most_once_ends() {
        let answered = Failed { answered: true, ..failed(Failure::Failed) };
        assert_eq!(fate(at_least_once(), &answered), Fate::Ends(DeadLetterReason::Failed));
        assert_eq!(fate(MessageEnvelope::new(Note), &failed(Failure::Failed)), Fate::Ends(DeadLetterReason::Failed));
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_no_attempt_that_could_only_come_too_late() {
        assert_eq!(
            fate(at_least_once().within(SECOND), &failed(Failure::Failed)),
            Fate::Ends(DeadLetterReason::Failed)
        );
        let in_time = at_least_once().within(SECOND + Duration::from_nanos(1));
        assert_eq!(fate(in_time, &failed(Failure::Failed)), Fate::Again(SECOND));
    }
}
