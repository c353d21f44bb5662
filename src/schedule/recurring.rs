use std::fmt;
use std::sync::Arc;

use super::Number;
use super::entry::Progress;
use crate::broker::Hub;
use crate::message::Message;

/// A message that is sent at an interval, for whoever arranged it. Dropping it changes nothing: the message is sent on,
/// until this is cancelled or the broker shut down.
pub struct Recurring<M: Message> {
    hub: Arc<Hub<M>>,
    number: Number,
    progress: Arc<Progress>,
}

impl<M: Message> Recurring<M> {
    pub(crate) fn new(hub: Arc<Hub<M>>, number: Number, progress: Arc<Progress>) -> Self {
        Self { hub, number, progress }
    }

    /// Sends no more from now on.
    pub fn cancel(&self) {
        self.progress.cancel();
        // If it is being sent just now, it is not there, and not put back.
        self.hub.lay_to_rest(self.hub.agenda.take(self.number));
    }

    /// How often the message was accepted.
    pub fn sent(&self) -> u64 {
        self.progress.sent()
    }

    /// How often it was not, because nobody was there or there was no room, or the time for it had gone by: those were
    /// not made up for.
    pub fn missed(&self) -> u64 {
        self.progress.missed()
    }
}

impl<M: Message> fmt::Debug for Recurring<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recurring").field("sent", &self.sent()).field("missed", &self.missed()).finish_non_exhaustive()
    }
}
