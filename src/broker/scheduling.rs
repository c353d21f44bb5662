use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Hub, SendError, SendErrorKind};
use crate::address::ActorAddress;
use crate::limits::Table;
use crate::message::{Deadline, Message, MessageEnvelope};
use crate::schedule::{Entry, Parcel, Recurring, Refrain, Scheduled};

impl<M: Message> Hub<M> {
    /// Accepts a message that is to be delivered at `at`.
    pub(super) fn send_at(
        self: &Arc<Self>,
        at: Instant,
        to: &ActorAddress,
        mut envelope: MessageEnvelope<M>,
    ) -> Result<Scheduled<M>, SendError<M>> {
        let due = Deadline::at(at);
        envelope.live_from(due);
        envelope.set_request(None);
        envelope.leave_sender();
        envelope.note_sending(to);
        if envelope.expiry().is_some_and(|deadline| deadline <= due) {
            return Err(SendError::new(SendErrorKind::Expired, to.clone(), envelope));
        }
        let place = match self.bounds.take(Table::Scheduled) {
            Ok(place) => place,
            Err(limit) => return Err(SendError::new(limit.into(), to.clone(), envelope)),
        };
        let id = envelope.id();
        let parcel = Parcel { envelope, to: to.clone(), set_aside_by: None, since: at, refusals: 0, place };
        match self.agenda.enter(due, Entry::Message(parcel)) {
            Ok(number) => {
                self.keep_time();
                Ok(Scheduled::new(Arc::clone(self), number, id))
            }
            Err(entry) => Err(SendError::new(SendErrorKind::ShutDown, to.clone(), entry.into_envelope())),
        }
    }

    /// Sends copies of a message at an interval.
    pub(super) fn send_every(
        self: &Arc<Self>,
        period: Duration,
        to: &ActorAddress,
        mut envelope: MessageEnvelope<M>,
    ) -> Result<Recurring<M>, SendError<M>>
    where
        M: Clone,
    {
        envelope.make_copyable();
        envelope.set_request(None);
        envelope.leave_sender();
        let place = match self.bounds.take(Table::Scheduled) {
            Ok(place) => place,
            Err(limit) => return Err(SendError::new(limit.into(), to.clone(), envelope)),
        };
        let refrain = Refrain::new(envelope, to.clone(), period, place);
        let (due, progress) = (refrain.due, Arc::clone(&refrain.progress));
        match self.agenda.enter(due, Entry::Refrain(refrain)) {
            Ok(number) => {
                self.keep_time();
                Ok(Recurring::new(Arc::clone(self), number, progress))
            }
            Err(entry) => Err(SendError::new(SendErrorKind::ShutDown, to.clone(), entry.into_envelope())),
        }
    }
}
