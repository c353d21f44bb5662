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
    /// Whether a copy is on its way to other nodes. They are waited for by nobody, so what becomes of it there is not in
    /// here: not who took it, nor whether anybody did. A broker in memory has no other nodes.
    pub sent_on: bool,
    /// The message, if nobody took it, and it is not on its way to anybody.
    pub returned: Option<MessageEnvelope<M>>,
}

impl<M> Published<M> {
    /// The same, with a copy on its way to other nodes.
    #[must_use]
    pub fn and_sent_on(mut self) -> Self {
        (self.sent_on, self.returned) = (true, None);
        self
    }
}

impl<M> fmt::Debug for Published<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published")
            .field("delivered", &self.delivered)
            .field("refused", &self.refused)
            .field("sent_on", &self.sent_on)
            .field("returned", &self.returned.as_ref().map(MessageEnvelope::id))
            .finish()
    }
}
