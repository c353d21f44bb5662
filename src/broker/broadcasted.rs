use std::fmt;

use super::SendErrorKind;
use crate::address::ActorId;
use crate::message::MessageEnvelope;

/// What became of a message that was given to every member of a group.
#[must_use = "it may have the message in it, which nobody took"]
#[non_exhaustive]
pub struct Broadcasted<M> {
    /// Members that took it.
    pub delivered: usize,
    /// Members that did not, and why.
    pub refused: Vec<(ActorId, SendErrorKind)>,
    /// The message, if nobody took it.
    pub returned: Option<MessageEnvelope<M>>,
}

impl<M> fmt::Debug for Broadcasted<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcasted")
            .field("delivered", &self.delivered)
            .field("refused", &self.refused)
            .field("returned", &self.returned.as_ref().map(MessageEnvelope::id))
            .finish()
    }
}
