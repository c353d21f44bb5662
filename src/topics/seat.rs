use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

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
    /// Who wants to be told that the place is free.
    told: Option<UnboundedSender<Interest>>,
}

impl<M: Message> Seat<M> {
    pub(crate) fn take(hub: &Arc<Hub<M>>, interest: Interest, recipient: Recipient<M>, place: Place) -> Self {
        let (key, subscriber) = hub.subscriptions.insert(&interest, recipient, place);
        Self { hub: Arc::clone(hub), interest, key, subscriber, told: None }
    }

    pub(super) fn interest(&self) -> &Interest {
        &self.interest
    }

    pub(super) fn lost(&self) -> u64 {
        self.subscriber.lost()
    }

    /// Has `told` get the interest when the place is free.
    pub(super) fn tell_end(&mut self, told: UnboundedSender<Interest>) {
        self.told = Some(told);
    }

    /// Frees the place now.
    pub(super) fn leave(&mut self) {
        drop(self.hub.subscriptions.remove(&self.interest, self.key));
        // Whoever wanted to know may have gone.
        let _ = self.told.take().map(|told| told.send(self.interest.clone()));
    }
}

impl<M: Message> Drop for Seat<M> {
    fn drop(&mut self) {
        self.leave();
    }
}
