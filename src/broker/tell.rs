use super::offer::{Admission, Offered, Target};
use super::{Hub, SendError, SendErrorKind};
use crate::address::ActorId;
use crate::mailbox::Slot;
use crate::message::{Message, MessageEnvelope};

/// A message that nobody waits for.
struct Tell;

impl<M> Admission<M> for Tell {
    type Refusal = SendErrorKind;

    #[inline]
    fn admit(
        &mut self,
        _: ActorId,
        envelope: &mut MessageEnvelope<M>,
    ) -> Result<(), SendErrorKind> {
        // Whatever it was before: what is sent on is no longer the request it came as.
        envelope.set_request(None);
        Ok(())
    }
}

impl<M: Message> Hub<M> {
    #[inline]
    pub(super) async fn send(
        &self,
        target: Target<'_, M>,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> Result<(), SendError<M>> {
        let mut slot = Some(message.into());
        let delivered = self.deliver(&target, &mut slot, &mut Tell).await;
        delivered.or_else(|kind| not_sent(kind, &target, slot))
    }

    #[inline]
    pub(super) fn try_send(
        &self,
        target: &Target<'_, M>,
        message: impl Into<MessageEnvelope<M>>,
    ) -> Result<(), SendError<M>> {
        let mut slot = Some(message.into());
        match self.offer(target, &mut slot, &mut Tell) {
            Offered::Accepted => Ok(()),
            Offered::Refused(kind) => not_sent(kind, target, slot),
            Offered::Wait(_) => not_sent(SendErrorKind::Full, target, slot),
        }
    }
}

#[cold]
pub(super) fn not_sent<M>(
    kind: SendErrorKind,
    target: &Target<'_, M>,
    slot: Slot<M>,
) -> Result<(), SendError<M>> {
    // A message that was not accepted is where it was.
    slot.map_or(Ok(()), |envelope| {
        Err(SendError::new(kind, target.address(), envelope))
    })
}
