use std::sync::Arc;

use smallvec::SmallVec;

use super::Subscriber;

/// The subscriptions that match one subject, as they were at one moment.
pub(crate) struct Matches<M> {
    /// Those in no group first, then group by group.
    subscribers: Subscribers<M>,
}

/// On the stack where they are few, so that publishing to them allocates nothing.
pub(super) type Subscribers<M> = SmallVec<[Arc<Subscriber<M>>; 16]>;

impl<M> Matches<M> {
    pub(super) fn new(mut subscribers: Subscribers<M>) -> Self {
        if subscribers.iter().any(|subscriber| subscriber.is_in_a_group()) {
            // Stable, so that the members of a group have their turns in the same order each time.
            subscribers.sort_by_key(|subscriber| subscriber.group_key());
        }
        Self { subscribers }
    }

    /// Those of whom each, or in a group one, is to get the message.
    pub(crate) fn receivers(&self) -> impl Iterator<Item = &[Arc<Subscriber<M>>]> {
        self.subscribers.chunk_by(|one, next| one.is_in_a_group() && one.group_key() == next.group_key())
    }
}
