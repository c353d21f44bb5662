use std::fmt;
use std::marker::PhantomData;

use super::{Caller, Declined, MessageBroker, ReplyError};
use crate::message::{Message, MessageId};

/// The right to answer one request, once, now or later.
///
/// Keep it, move it to another task, use it when the answer is there. Dropping it unused tells the caller at once that
/// there will be none.
#[must_use = "dropping it tells the caller that there will be no answer"]
pub struct ReplyToken<M: Message, B: MessageBroker<M>> {
    broker: B,
    caller: Option<Caller>,
    message: PhantomData<fn(M)>,
}

impl<M: Message, B: MessageBroker<M>> ReplyToken<M, B> {
    pub(crate) fn new(broker: B, caller: Caller) -> Self {
        Self { broker, caller: Some(caller), message: PhantomData }
    }

    /// The id of the message that asks.
    pub fn asked(&self) -> Option<MessageId> {
        self.caller.as_ref().map(Caller::asked)
    }

    /// Answers. A caller that has gone meanwhile is no error: the answer is counted as late.
    ///
    /// # Errors
    ///
    /// If the caller named a reply address that does not take the answer, which is in the error.
    ///
    /// # Cancel safety
    ///
    /// As [`MessageBroker::reply`].
    pub async fn reply(mut self, message: M) -> Result<(), ReplyError<M>> {
        match self.caller.take() {
            Some(caller) => self.broker.reply(caller, message).await,
            None => Err(ReplyError::not_asked(message)),
        }
    }
}

impl<M: Message, B: MessageBroker<M>> Drop for ReplyToken<M, B> {
    fn drop(&mut self) {
        if let Some(caller) = self.caller.take() {
            self.broker.decline(caller, Declined::NoReply);
        }
    }
}

impl<M: Message, B: MessageBroker<M>> fmt::Debug for ReplyToken<M, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyToken").field("caller", &self.caller).finish()
    }
}
