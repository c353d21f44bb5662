use std::fmt;
use std::sync::Arc;

use crate::address::ActorAddress;
use crate::broker::Hub;
use crate::dead_letters::{DeadLetter, DeadLetterFilter, DeadLetterInfo, DeadLetterStream, Redriven};
use crate::limits::Table;
use crate::message::Message;

/// The dead letters of one broker, made by
/// [`InMemoryMessageBroker::dead_letters`](crate::broker::InMemoryMessageBroker::dead_letters).
///
/// A handle is one pointer; clone it freely. It holds the broker as the broker's own handles do.
///
/// Reading and taking happen one after the other, so a letter is given out once, and nobody misses one because somebody
/// else reads it. Senders wait for neither.
pub struct DeadLetters<M: Message> {
    hub: Arc<Hub<M>>,
}

impl<M: Message> DeadLetters<M> {
    pub(crate) fn new(hub: Arc<Hub<M>>) -> Self {
        Self { hub }
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.hub.dead_letters.counts().0
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many were let go because there was no room for more. What is taken is not among them.
    pub fn dropped(&self) -> u64 {
        self.hub.dead_letters.counts().1
    }

    /// What is known of those that match, the oldest first.
    pub fn list(&self, filter: &DeadLetterFilter) -> Vec<DeadLetterInfo> {
        self.hub.dead_letters.list(filter)
    }

    /// Clones of those that match, the oldest first.
    ///
    /// While a message is cloned, others who read or take wait. If its `Clone` itself reads or takes, it finds only
    /// what came since.
    ///
    /// # Panics
    ///
    /// If a message's `Clone` does. All letters are still there then.
    pub fn read(&self, filter: &DeadLetterFilter) -> Vec<DeadLetter<M>>
    where
        M: Clone,
    {
        self.hub.dead_letters.read(filter)
    }

    /// Takes out those that match, the oldest first.
    #[must_use = "what is taken and dropped is lost"]
    pub fn take(&self, filter: &DeadLetterFilter) -> Vec<DeadLetter<M>> {
        self.hub.dead_letters.take(filter)
    }

    /// Sends those that match again, the oldest first, each to where it was to go: under its old id, with the time to live
    /// of its type in place of its old deadline, and its attempts counted anew. Does not wait: where a sender would wait
    /// for room, the message stands in line by itself.
    ///
    /// One that is refused is tried again if its retry policy says so, and else stays a dead letter as it was.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, if a message has to wait.
    pub fn redrive(&self, filter: &DeadLetterFilter) -> Redriven {
        self.hub.redrive(filter, None)
    }

    /// As [`redrive`](Self::redrive), to another address.
    ///
    /// # Panics
    ///
    /// As there.
    pub fn redrive_to(&self, filter: &DeadLetterFilter, to: &ActorAddress) -> Redriven {
        self.hub.redrive(filter, Some(to))
    }

    /// Follows what comes from now on, with room for `capacity` that have not been received: at least one. If there is
    /// no room, the oldest of those is let go, and the next one received says how many were.
    ///
    /// Also what there is no room to keep is told. With as many followers as there may be, it is over at once:
    /// [`DeadLetterStream::refusal`].
    pub fn follow(&self, capacity: usize) -> DeadLetterStream {
        DeadLetterStream::new(self.hub.dead_letters.follow(self.hub.bounds.take(Table::Followers), capacity))
    }
}

impl<M: Message> Clone for DeadLetters<M> {
    fn clone(&self) -> Self {
        Self { hub: Arc::clone(&self.hub) }
    }
}

impl<M: Message> fmt::Debug for DeadLetters<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kept, dropped) = self.hub.dead_letters.counts();
        f.debug_struct("DeadLetters").field("kept", &kept).field("dropped", &dropped).finish_non_exhaustive()
    }
}
