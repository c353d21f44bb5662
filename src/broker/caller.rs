use crate::address::ActorAddress;
use crate::message::{MessageEnvelope, MessageId, RequestKey};
use crate::retry::Failure;

/// Who waits for the answer to a message. Only a broker can do anything with it; handlers use
/// [`Context::reply`](super::Context::reply) and [`ReplyToken`](super::ReplyToken).
#[derive(Debug)]
pub struct Caller {
    /// The message that asks.
    pub(super) asked: MessageId,
    pub(super) way: Way,
}

/// The way back to the caller.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// It waits in the request table.
    Request(RequestKey),
    /// It wants an ordinary message, sent here.
    Address(ActorAddress),
}

impl Caller {
    /// Who waits for an answer to `envelope`, if anyone does. A request goes before a reply address.
    pub(crate) fn of<M>(envelope: &MessageEnvelope<M>) -> Option<Self> {
        let way = match envelope.request() {
            Some(key) => Way::Request(key),
            None => Way::Address(envelope.reply_to()?.clone()),
        };
        Some(Self { asked: envelope.id(), way })
    }

    /// The id of the message that asks.
    pub fn asked(&self) -> MessageId {
        self.asked
    }

    /// Where it wants the answer as an ordinary message; `None` if it waits for a reply.
    pub fn reply_address(&self) -> Option<&ActorAddress> {
        match &self.way {
            Way::Address(address) => Some(address),
            Way::Request(_) => None,
        }
    }
}

/// Why a request ends without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Declined {
    /// The handler let go of it.
    NoReply,
    /// The handler returned this error.
    Failed(String),
    /// The handler panicked with this cause.
    Panicked(String),
    /// The handler's actor was ended while it was at work.
    ActorStopped,
}

impl Declined {
    /// What a caller is told of a handling that failed.
    pub(crate) fn of(failure: Failure, cause: String) -> Self {
        match failure {
            Failure::Panicked => Self::Panicked(cause),
            _ => Self::Failed(cause),
        }
    }
}
