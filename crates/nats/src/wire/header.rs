use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::message::{Message, MessageEnvelope, MessageId, MessagePriority};

use super::DecodeError;
use super::error::printable;

/// The header of an envelope, as far as it travels. The order of the fields is that on the wire.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Header<'a> {
    pub(super) id: MessageId,
    #[serde(borrow)]
    pub(super) message_type: Cow<'a, str>,
    pub(super) priority: MessagePriority,
    pub(super) attempt: u16,
    /// What is left until the deadline, in microseconds.
    pub(super) remaining: Option<u64>,
    pub(super) sender: Option<ActorId>,
    pub(super) correlation: Option<MessageId>,
    pub(super) reply_to: Option<ActorAddress>,
    #[serde(borrow)]
    pub(super) metadata: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Header<'a> {
    pub(super) fn of<M: Message>(envelope: &'a MessageEnvelope<M>) -> Self {
        Self {
            id: envelope.id(),
            message_type: Cow::Borrowed(M::MESSAGE_TYPE),
            priority: envelope.priority(),
            attempt: u16::try_from(envelope.attempt()).unwrap_or(u16::MAX),
            remaining: envelope.remaining().map(|left| u64::try_from(left.as_micros()).unwrap_or(u64::MAX)),
            sender: envelope.sender(),
            correlation: envelope.correlation(),
            reply_to: envelope.reply_to().cloned(),
            metadata: envelope.all_metadata().map(|(key, value)| (key.into(), value.into())).collect(),
        }
    }

    /// Puts a message that was read with this header into an envelope of its own.
    ///
    /// # Errors
    ///
    /// If the header is that of another type.
    pub(super) fn check<M: Message>(&self) -> Result<(), DecodeError> {
        if self.message_type == M::MESSAGE_TYPE {
            return Ok(());
        }
        Err(DecodeError::Type { expected: M::MESSAGE_TYPE, found: printable(&self.message_type) })
    }

    pub(super) fn envelop<M: Message>(self, message: M) -> MessageEnvelope<M> {
        let mut envelope = MessageEnvelope::received(self.id, u32::from(self.attempt), message);
        envelope = envelope.with_priority(self.priority);
        if let Some(remaining) = self.remaining {
            envelope = envelope.within(Duration::from_micros(remaining));
        }
        if let Some(sender) = self.sender {
            envelope = envelope.with_sender(sender);
        }
        if let Some(id) = self.correlation {
            envelope = envelope.with_correlation(id);
        }
        if let Some(address) = self.reply_to {
            envelope = envelope.with_reply_to(address);
        }
        self.metadata.into_iter().fold(envelope, |envelope, (key, value)| envelope.with_metadata(key, value))
    }
}
