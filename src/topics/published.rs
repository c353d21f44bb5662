use std::fmt;

use crate::message::MessageEnvelope;

/// What became of a message that was published.
#[non_exhaustive]
pub struct Published<M> {
    /// Mailboxes that took a copy. A group counts as one.
    pub delivered: usize,
    /// Subscriptions that match and did not get it, because there was no room, or nobody at the address of an actor. Each
    /// counts it as [lost](super::Subscription::lost). A group counts as one.
    pub refused: usize,
    /// The message, if nobody took it.
    pub returned: Option<MessageEnvelope<M>>,
}

impl<M> fmt::Debug for Published<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published")
            .field("delivered", &self.delivered)
            .field("refused", &self.refused)
            .field("returned", &self.returned.as_ref().map(MessageEnvelope::id))
            .finish()
    }
}
