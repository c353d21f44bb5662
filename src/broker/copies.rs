use crate::disposal::Disposal;
use crate::message::MessageEnvelope;

/// One message, for so many receivers. It is cloned for each but the last, which gets the message itself.
///
/// Whatever is left of it is let go of here: it may panic, twice even, and all the more while a clone has.
pub(super) struct Copies<'a, M, F> {
    disposal: &'a Disposal,
    original: Option<MessageEnvelope<M>>,
    /// One that was refused, for the next.
    spare: Option<MessageEnvelope<M>>,
    receivers: usize,
    copy: F,
}

impl<'a, M, F: Fn(&MessageEnvelope<M>) -> Option<MessageEnvelope<M>>> Copies<'a, M, F> {
    /// `copy` is asked for one clone at a time.
    pub(super) fn of(envelope: MessageEnvelope<M>, receivers: usize, disposal: &'a Disposal, copy: F) -> Self {
        Self { disposal, original: Some(envelope), spare: None, receivers, copy }
    }

    /// The copy of the next receiver: one that was refused, or a clone, or for the last the message itself. Also the message
    /// itself if it can't be cloned, and then nothing for those that come after.
    pub(super) fn next(&mut self) -> Option<MessageEnvelope<M>> {
        self.receivers = self.receivers.saturating_sub(1);
        if self.spare.is_some() {
            return self.spare.take();
        }
        let copy = self.original.as_ref().filter(|_| self.receivers > 0).and_then(&self.copy);
        copy.or_else(|| self.original.take())
    }

    /// Takes back what a receiver has refused.
    pub(super) fn put_back(&mut self, copy: MessageEnvelope<M>) {
        self.spare = Some(copy);
    }

    /// The message, if nobody took it.
    pub(super) fn rest(mut self) -> Option<MessageEnvelope<M>> {
        self.original.take().or_else(|| self.spare.take())
    }
}

impl<M, F> Drop for Copies<'_, M, F> {
    fn drop(&mut self) {
        self.disposal.lay_all_to_rest([self.original.take(), self.spare.take()]);
    }
}
