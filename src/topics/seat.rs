use std::sync::Arc;

use super::{EntryKey, Interest, Recipient, Subscriber};
use crate::broker::Hub;
use crate::limits::Place;
use crate::message::Message;

/// A place among the subscriptions, which is free when this is dropped.
pub(crate) struct Seat<M: Message> {
    hub: Arc<Hub<M>>,
    interest: Interest,
    key: EntryKey,
    subscriber: Arc<Subscriber<M>>,
}

impl<M: Message> Seat<M> {
    pub(crate) fn take(hub: &Arc<Hub<M>>, interest: Interest, recipient: Recipient<M>, place: Place) -> Self {
        let (key, subscriber) = hub.subscriptions.insert(&interest, recipient, place);
        Self { hub: Arc::clone(hub), interest, key, subscriber }
    }

    pub(super) fn interest(&self) -> &Interest {
        &self.interest
    }

    pub(super) fn lost(&self) -> u64 {
        self.subscriber.lost()
    }

    /// Frees the place now.
    pub(super) fn leave(&self) {
        drop(self.hub.subscriptions.remove(&self.interest, self.key));
    }
}

impl<M: Message> Drop for Seat<M> {
    fn drop(&mut self) {
        self.leave();
    }
}
