use std::fmt;
use std::sync::Arc;

use super::{ActorCell, ActorMailbox};
use crate::broker::{Caller, Hub, MessageBroker, ReplyError, ReplyToken};
use crate::message::{Message, MessageEnvelope};
use crate::metrics::Outcome;

/// A message that was received by hand. It counts as handled when this is dropped; a request that was not answered by
/// then ends with `NoReply`, unless its token was taken.
pub struct Delivery<M: Message, B: MessageBroker<M>> {
    envelope: MessageEnvelope<M>,
    token: Option<ReplyToken<M, B>>,
    _account: Account<M>,
}

/// Counts the message as in hand, and as handled when it is dropped.
struct Account<M: Message> {
    hub: Arc<Hub<M>>,
    cell: Arc<ActorCell<M>>,
}

impl<M: Message, B: MessageBroker<M>> Delivery<M, B> {
    pub(super) fn new(mut envelope: MessageEnvelope<M>, mailbox: &ActorMailbox<M>, broker: &B) -> Self {
        envelope.leave_sender();
        let account = Account::open(mailbox);
        let token = Caller::of(&envelope).map(|caller| ReplyToken::new(broker.clone(), caller));
        Self { envelope, token, _account: account }
    }

    /// The message and its header.
    pub fn envelope(&self) -> &MessageEnvelope<M> {
        &self.envelope
    }

    /// The message.
    pub fn message(&self) -> &M {
        self.envelope.message()
    }

    /// Takes the message out, done with.
    pub fn into_message(self) -> M {
        self.envelope.into_message()
    }

    /// The right to answer, to be used later. `None` if nobody asked, or it was taken.
    pub fn reply_token(&mut self) -> Option<ReplyToken<M, B>> {
        self.token.take()
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
        match self.token.take() {
            Some(token) => token.reply(message).await,
            None => Err(ReplyError::not_asked(message)),
        }
    }
}

impl<M: Message> Account<M> {
    fn open(mailbox: &ActorMailbox<M>) -> Self {
        mailbox.cell.tally.take_in_hand();
        Self { hub: Arc::clone(&mailbox.hub), cell: Arc::clone(&mailbox.cell) }
    }
}

impl<M: Message> Drop for Account<M> {
    fn drop(&mut self) {
        self.cell.tally.count(Outcome::Handled);
        self.cell.tally.put_down();
        if self.cell.has_settled() {
            self.hub.retire(&self.cell);
        }
    }
}

impl<M: Message, B: MessageBroker<M>> fmt::Debug for Delivery<M, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("envelope", &self.envelope).finish()
    }
}
