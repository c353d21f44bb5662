use std::time::Duration;

use switchboard::address::ActorAddress;
use switchboard::broker::{MessageBroker, Ran, RequestError, RequestErrorKind, SendErrorKind};
use switchboard::message::{Message, MessageEnvelope};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::log::Place;
use super::{Fault, FaultyBroker};

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Straight,
    Lost,
    CutOff,
    Held,
    Twice,
}

/// As good as no deadline.
const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 86_400);

impl<B> FaultyBroker<B> {
    /// Draws what becomes of a message on its way there.
    pub(super) fn way<M>(&self, call: &'static str, to: &ActorAddress, envelope: &MessageEnvelope<M>) -> Way {
        let place = Place::Address(to);
        if self.shared().is_cut_off(envelope.sender(), to) {
            self.shared().note(call, place, Some(Fault::Partition), None);
            return Way::CutOff;
        }
        for (fault, way) in [(Fault::Drop, Way::Lost), (Fault::Reorder, Way::Held), (Fault::Duplicate, Way::Twice)] {
            if self.shared().strike(fault, call, place) {
                return way;
            }
        }
        self.shared().note(call, place, None, None);
        Way::Straight
    }

    /// Waits for as long as what is sent is delayed.
    pub(super) async fn delay(&self, call: &'static str, place: Place<'_>) {
        if let Some(delay) = self.shared().delay(call, place) {
            sleep(delay).await;
        }
    }

    /// Takes the deadline off, if that strikes.
    pub(super) fn alter<M>(
        &self,
        call: &'static str,
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
    ) -> MessageEnvelope<M> {
        if envelope.deadline().is_some() && self.shared().strike(Fault::IgnoreDeadline, call, Place::Address(to)) {
            return envelope.with_deadline(Instant::now() + FOR_EVER);
        }
        envelope
    }

    /// A future that is over when something else went there, or it has been long enough.
    pub(super) fn turn(&self, to: &ActorAddress) -> impl Future<Output = ()> + Send + use<B> {
        // From now on, not from when it is first polled.
        let next = self.shared().hold(to).notified_owned();
        let longest = self.shared().plan().longest_hold();
        async move { drop(timeout(longest, next).await) }
    }

    /// Sends a message when something else went there.
    pub(super) fn hold_back<M: Message>(&self, to: &ActorAddress, envelope: MessageEnvelope<M>)
    where
        B: MessageBroker<M>,
    {
        let (turn, broker, to) = (self.turn(to), self.inner().clone(), to.clone());
        tokio::spawn(async move {
            turn.await;
            // Its sender was told that it was accepted. If it is not, it is lost, as on a network.
            drop(broker.send(&to, envelope).await);
        });
    }

    /// What the caller of a request sees that was lost on its way: nothing, until its time is up.
    pub(super) async fn lose_request<M: Message>(
        &self,
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
    ) -> RequestError<M>
    where
        B: MessageBroker<M>,
    {
        let deadline = envelope.deadline().or_else(|| Some(Instant::now() + self.inner().request_timeout()?));
        drop(envelope);
        match deadline {
            Some(deadline) => sleep_until(deadline).await,
            None => std::future::pending().await,
        }
        RequestError::unanswered(RequestErrorKind::TimedOut, Ran::Maybe, to.clone())
    }
}

/// What a sender is told if nobody can be reached there.
pub(super) fn unreachable(to: &ActorAddress) -> SendErrorKind {
    if to.is_group() { SendErrorKind::NoMembers } else { SendErrorKind::NoSuchActor }
}
