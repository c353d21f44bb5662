use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::{Entry, Number};
use crate::broker::Hub;
use crate::message::{Deadline, Message, MessageEnvelope, MessageId};
use crate::metrics::Outcome;

/// A message that was scheduled, for whoever did it. Dropping it changes nothing: the message is delivered all the same.
pub struct Scheduled<M: Message> {
    hub: Arc<Hub<M>>,
    number: Number,
    message: MessageId,
}

impl<M: Message> Scheduled<M> {
    pub(crate) fn new(hub: Arc<Hub<M>>, number: Number, message: MessageId) -> Self {
        Self { hub, number, message }
    }

    /// The message's id.
    pub fn id(&self) -> MessageId {
        self.message
    }

    /// When the message is due; `None` if it does not wait any more.
    pub fn due(&self) -> Option<Instant> {
        self.hub.agenda.due(self.number).and_then(Deadline::instant)
    }

    /// Takes the message back, which then counts as cancelled; `None` if it does not wait any more: it has been delivered,
    /// or was a dead letter, or was taken back before.
    pub fn cancel(&self) -> Option<MessageEnvelope<M>> {
        match self.hub.agenda.take(self.number)? {
            Entry::Message(parcel) => {
                self.hub.agenda.end(Outcome::Cancelled);
                Some(parcel.envelope)
            }
            // A number stands for one thing only, and this one's is a message.
            Entry::Refrain(_) => None,
        }
    }
}

impl<M: Message> fmt::Debug for Scheduled<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduled").field("id", &self.message).field("due", &self.due()).finish()
    }
}
