use super::{AskError, MessageBroker};
use crate::address::ActorAddress;
use crate::message::{Message, MessageEnvelope};

/// Sends a request and turns its reply into what the caller expects: the same for all who can be asked.
pub(crate) async fn ask<M: Message, B: MessageBroker<M>, A: TryFrom<M, Error = M>>(
    broker: &B,
    to: &ActorAddress,
    envelope: MessageEnvelope<M>,
) -> Result<A, AskError<M>> {
    typed(broker.request(to, envelope).await.map_err(AskError::Request)?)
}

pub(super) fn typed<M: Message, A: TryFrom<M, Error = M>>(reply: M) -> Result<A, AskError<M>> {
    A::try_from(reply).map_err(AskError::WrongReply)
}
