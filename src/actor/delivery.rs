use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{ActorCell, ActorMailbox};
use crate::broker::{Caller, Declined, Failed, Fate, Hub, MessageBroker, ReplyError, ReplyToken, Verdict};
use crate::message::{Deadline, Message, MessageEnvelope, MessageId, Settled};
use crate::metrics::Outcome;
use crate::retry::Failure;

/// A message that was received by hand. It counts as handled when this is dropped, unless a panic drops it; a request
/// that was not answered by then ends with `NoReply`, unless its token was taken.
///
/// [`fail`](Self::fail), [`reject`](Self::reject) and [`retry_after`](Self::retry_after) say that it was not handled. Sent
/// [at least once](MessageEnvelope::at_least_once) it is then delivered again, as its retry policy says; else, or in the
/// end, it is a dead letter.
pub struct Delivery<M: Message, B: MessageBroker<M>> {
    broker: B,
    envelope: Option<MessageEnvelope<M>>,
    /// Who waits for an answer, until it is given or the right to give it taken.
    caller: Option<Caller>,
    account: Account<M>,
}

/// Counts the message as in hand.
struct Account<M: Message> {
    hub: Arc<Hub<M>>,
    cell: Arc<ActorCell<M>>,
    /// When it was taken in hand, if it is timed.
    taken: Option<Deadline>,
    /// Which message it is, if the mailbox knows its routing key.
    keyed: Option<MessageId>,
}

impl<M: Message, B: MessageBroker<M>> Delivery<M, B> {
    pub(super) fn new(mut envelope: MessageEnvelope<M>, mailbox: &ActorMailbox<M>, broker: &B) -> Self {
        envelope.leave_sender();
        let account = Account::open(mailbox, &envelope);
        envelope.set_keyed(false);
        if envelope.attempt() > 1 {
            account.cell.tally.count_redelivery();
        }
        Self { broker: broker.clone(), caller: Caller::of(&envelope), envelope: Some(envelope), account }
    }

    /// The message and its header.
    pub fn envelope(&self) -> &MessageEnvelope<M> {
        // It is there from `new` until `self` is consumed.
        self.envelope.as_ref().expect("the envelope is only taken by what consumes the delivery")
    }

    /// The message.
    pub fn message(&self) -> &M {
        self.envelope().message()
    }

    /// Takes the message out, done with.
    pub fn into_message(mut self) -> M {
        let envelope = self.envelope.take().expect("the envelope is only taken by what consumes the delivery");
        self.done(&envelope);
        envelope.into_message()
    }

    /// The right to answer, to be used later. `None` if nobody asked, or it was taken.
    pub fn reply_token(&mut self) -> Option<ReplyToken<M, B>> {
        let caller = self.caller.take()?;
        Some(ReplyToken::new(self.broker.clone(), caller))
    }

    /// Answers whoever asked.
    ///
    /// # Errors
    ///
    /// If nobody asked, or the token was taken, or the broker can't deliver the answer. It is in the error.
    ///
    /// # Cancel safety
    ///
    /// As [`MessageBroker::reply`].
    pub async fn reply(mut self, message: M) -> Result<(), ReplyError<M>> {
        match self.reply_token() {
            Some(token) => token.reply(message).await,
            None => Err(ReplyError::not_asked(message)),
        }
    }

    /// Says that the message could not be handled, and why: it is delivered again if it was sent at least once and its
    /// retry policy says so, and else a dead letter.
    pub fn fail(self, cause: impl fmt::Display) {
        self.give_up(Failure::Failed, Verdict::None, cause.to_string());
    }

    /// Says that the message can't be handled, now or later, and why: it is a dead letter.
    pub fn reject(self, cause: impl fmt::Display) {
        self.give_up(Failure::Failed, Verdict::Reject, cause.to_string());
    }

    /// As [`fail`](Self::fail), where the message is delivered again after `delay` and not when its retry policy comes
    /// to.
    pub fn retry_after(self, delay: Duration, cause: impl fmt::Display) {
        self.give_up(Failure::Failed, Verdict::RetryAfter(delay), cause.to_string());
    }

    fn give_up(mut self, failure: Failure, verdict: Verdict, cause: String) {
        self.settle_failure(failure, verdict, cause);
    }

    fn settle_failure(&mut self, failure: Failure, verdict: Verdict, cause: String) {
        let Some(mut envelope) = self.envelope.take() else { return };
        let Account { hub, cell, .. } = &self.account;
        // Before the caller is told, so that one who then sends again does not meet this member.
        hub.note_failure(cell, failure, verdict);
        let answered = envelope.is_request() && self.caller.is_none();
        match hub.fate(cell, &mut envelope, &Failed { failure, verdict, answered }) {
            Fate::Again(delay) => {
                self.caller = None;
                hub.set_aside(cell, envelope, delay);
            }
            Fate::Ends(reason) => {
                if let Some(caller) = self.caller.take() {
                    self.broker.decline(caller, Declined::of(failure, cause.clone()));
                }
                hub.end_failed(cell, envelope, reason, cause);
            }
        }
    }

    /// Counts the message as handled.
    fn done(&mut self, envelope: &MessageEnvelope<M>) {
        envelope.settle(|| Settled::Handled);
        self.account.cell.health.succeeded();
        if let Some(caller) = self.caller.take() {
            self.broker.decline(caller, Declined::NoReply);
        }
        self.account.cell.tally.count(Outcome::Handled);
    }
}

impl<M: Message, B: MessageBroker<M>> Drop for Delivery<M, B> {
    fn drop(&mut self) {
        if self.envelope.is_none() {
            return;
        }
        if std::thread::panicking() {
            return self.settle_failure(Failure::Panicked, Verdict::None, "a panic while it was in hand".into());
        }
        if let Some(envelope) = self.envelope.take() {
            self.done(&envelope);
        }
    }
}

impl<M: Message> Account<M> {
    fn open(mailbox: &ActorMailbox<M>, envelope: &MessageEnvelope<M>) -> Self {
        let cell = Arc::clone(&mailbox.cell);
        cell.tally.take_in_hand();
        let stamp = envelope.stamped();
        let taken = stamp.is_some().then(|| cell.stopwatch.take_in_hand(stamp));
        let keyed = envelope.is_keyed().then(|| envelope.id());
        Self { hub: Arc::clone(&mailbox.hub), cell, taken, keyed }
    }
}

impl<M: Message> Drop for Account<M> {
    fn drop(&mut self) {
        // Before it is put down, after which the account may be closed.
        if let Some(taken) = self.taken {
            self.cell.stopwatch.put_down(taken);
        }
        self.cell.tally.put_down();
        self.keyed.into_iter().for_each(|message| self.cell.queue.end_key(message));
        if self.cell.has_settled() {
            self.hub.retire(&self.cell);
        }
        self.hub.note_progress();
    }
}

impl<M: Message, B: MessageBroker<M>> fmt::Debug for Delivery<M, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("envelope", &self.envelope).finish()
    }
}
