use chrono::Utc;

use super::Hub;
use crate::actor::ActorCell;
use crate::address::{ActorAddress, ActorId};
use crate::dead_letters::{DeadLetter, DeadLetterReason};
use crate::message::{Message, MessageEnvelope, Settled};
use crate::metrics::Outcome;
use crate::requests::Ended;

/// How accepted messages end that are not handled.
impl<M: Message> Hub<M> {
    /// Ends an accepted message that is not handled: counts it, tells its caller, and keeps it as a dead letter.
    #[inline(never)]
    pub(crate) fn discard(&self, cell: &ActorCell<M>, envelope: MessageEnvelope<M>, reason: DeadLetterReason) {
        // The mailbox has counted what it evicted, in the step that did it.
        if reason != DeadLetterReason::Evicted {
            cell.tally.count(reason.outcome());
        }
        self.bury_unbegun(cell, envelope, reason);
    }

    /// Ends a message that was in a handler when its actor ended.
    pub(crate) fn abandon_begun(&self, cell: &ActorCell<M>, envelope: MessageEnvelope<M>, attempts: u32) {
        let reason = self.why_abandoned();
        cell.tally.count(reason.outcome());
        self.bury(cell.address.clone(), Some(cell.id), envelope, reason, attempts, None);
    }

    /// Ends a message that its actor has handled before.
    pub(crate) fn end_duplicate(&self, cell: &ActorCell<M>, mut envelope: MessageEnvelope<M>) {
        cell.queue.leave_key(&mut envelope);
        cell.tally.count(Outcome::Duplicate);
        if let Some(key) = envelope.request() {
            self.requests.end(key, Ended::Duplicate);
        }
        envelope.settle(|| Settled::Handled);
        self.lay_to_rest(envelope);
    }

    /// Lets go of what is the user's, whose panic is nobody else's.
    pub(crate) fn lay_to_rest<T>(&self, value: T) {
        self.dead_letters.disposal.lay_to_rest(value);
    }

    /// Why what an actor leaves is dead.
    pub(crate) fn why_abandoned(&self) -> DeadLetterReason {
        if self.is_shut() { DeadLetterReason::ShutDown } else { DeadLetterReason::ActorStopped }
    }

    pub(super) fn bury_unbegun(&self, cell: &ActorCell<M>, mut envelope: MessageEnvelope<M>, reason: DeadLetterReason) {
        cell.queue.leave_key(&mut envelope);
        let attempts = envelope.attempt() - 1;
        self.bury(cell.address.clone(), Some(cell.id), envelope, reason, attempts, None);
    }

    /// Tells the caller of a message that has ended, and keeps it as a dead letter.
    pub(in crate::broker) fn bury(
        &self,
        address: ActorAddress,
        actor: Option<ActorId>,
        mut envelope: MessageEnvelope<M>,
        reason: DeadLetterReason,
        attempts: u32,
        cause: Option<String>,
    ) {
        envelope.leave_sender();
        if let (Some(key), Some(ended)) = (envelope.request(), ended_by(reason)) {
            self.requests.end(key, ended);
        }
        if envelope.settle(|| Settled::Dead { reason, cause: cause.clone(), attempts }) {
            // It is kept by whoever was told.
            self.lay_to_rest(envelope);
            return self.note_progress();
        }
        self.dead_letters.keep(DeadLetter { envelope, address, actor, reason, cause, attempts, at: Utc::now() });
        self.note_progress();
    }
}

/// What the caller of a message is told that ended for this reason.
fn ended_by(reason: DeadLetterReason) -> Option<Ended> {
    Some(match reason {
        DeadLetterReason::Expired | DeadLetterReason::Cancelled => Ended::TimedOut { begun: false },
        DeadLetterReason::Evicted => Ended::Evicted { begun: false },
        DeadLetterReason::ActorStopped | DeadLetterReason::Undeliverable(_) | DeadLetterReason::ShutDown => {
            Ended::Stopped { begun: false }
        }
        // Whoever knows what the handler said has told the caller, unless it has left the answer to somebody else.
        DeadLetterReason::Failed | DeadLetterReason::Panicked | DeadLetterReason::Rejected => return None,
    })
}
