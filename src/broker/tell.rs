use std::sync::Arc;

use super::offer::{Admission, Offered, Target};
use super::{Hub, SendError, SendErrorKind};
use crate::actor::{ActorCell, Waiting};
use crate::message::{Deadline, Message, MessageEnvelope};

/// A message that nobody waits for.
struct Tell<'a, M>(&'a Hub<M>);

impl<M: Message> Admission<M> for Tell<'_, M> {
    type Refusal = SendErrorKind;

    #[inline]
    fn admit(&mut self, _: &Arc<ActorCell<M>>, envelope: &mut MessageEnvelope<M>) -> Result<(), SendErrorKind> {
        // Whatever it was before: what is sent on is no longer the request it came as.
        envelope.set_request(None);
        Ok(())
    }

    fn may_wait(&self, at: &ActorCell<M>, envelope: &MessageEnvelope<M>) -> bool {
        self.0.may_wait_for_room(at, envelope)
    }

    fn waits(&mut self, at: &ActorCell<M>, envelope: &MessageEnvelope<M>) -> Result<Option<Waiting<M>>, SendErrorKind> {
        self.0.wait_for_room(at, envelope)
    }

    fn may_go_to_all(&self) -> bool {
        true
    }
}

impl<M: Message> Hub<M> {
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` moves its arguments once more, from where they come in to where its body has them"
    )]
    #[inline(always)]
    pub(super) fn send(
        &self,
        target: Target<'_, M>,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> impl Future<Output = Result<(), SendError<M>>> + Send {
        async move {
            match self.put_at_once(&target, message) {
                Ok(()) => Ok(()),
                // By value, so that the common path keeps no message across an `await`.
                Err(envelope) => self.send_on(target, envelope).await,
            }
        }
    }

    /// The common path of [`offer`](Self::offer): to one actor with room.
    #[inline(always)]
    fn put_at_once(
        &self,
        target: &Target<'_, M>,
        message: impl Into<MessageEnvelope<M>>,
    ) -> Result<(), MessageEnvelope<M>> {
        let found = self.look_up(target);
        // Made after the look-up, which the compiler must take for something that may unwind: nothing of the envelope
        // needs to be in memory for that.
        let mut envelope = message.into();
        if envelope.expiry() != Some(Deadline::PASSED)
            && !envelope.is_at_least_once()
            && let Some(cell) = found.actor()
            && let Some(room) = cell.queue.room()
        {
            envelope.set_request(None);
            room.put(envelope);
            return Ok(());
        }
        Err(envelope.relocated())
    }

    #[cold]
    async fn send_on(&self, target: Target<'_, M>, mut envelope: MessageEnvelope<M>) -> Result<(), SendError<M>> {
        if envelope.is_at_least_once() {
            envelope.note_sending(&target.address());
        }
        let offered = self.offer(&target, envelope, &mut Tell(self));
        let delivered = self.deliver(&target, offered, &mut Tell(self)).await;
        delivered.map_err(|(kind, envelope)| SendError::new(kind, target.address(), envelope))
    }

    #[inline(always)]
    pub(super) fn try_send(
        &self,
        target: &Target<'_, M>,
        message: impl Into<MessageEnvelope<M>>,
    ) -> Result<(), SendError<M>> {
        let mut envelope = message.into();
        if envelope.is_at_least_once() {
            envelope.note_sending(&target.address());
        }
        match self.offer(target, envelope, &mut Tell(self)) {
            Offered::Accepted => Ok(()),
            Offered::Refused(kind, envelope) => Err(SendError::new(kind, target.address(), envelope)),
            Offered::Wait(_, envelope) | Offered::Held(_, _, envelope) => {
                Err(SendError::new(SendErrorKind::Full, target.address(), envelope))
            }
        }
    }
}
