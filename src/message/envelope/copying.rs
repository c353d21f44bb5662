//! What an envelope does to be copied: to be handled again, to be sent again and again, to be given to several.

use super::MessageEnvelope;
use crate::address::ActorAddress;
use crate::message::{Again, Deadline, Marks, Settled, Settlement};

impl<M> MessageEnvelope<M> {
    /// What has to be known to deliver it again, if it is sent at least once.
    pub(crate) fn again(&mut self) -> Option<&mut Again<M>> {
        self.extras.as_mut()?.again.as_mut()
    }

    /// Another envelope with the same header and a clone of the message, if it can be copied.
    pub(crate) fn copy(&self) -> Option<Self> {
        Some(self.copy_by(self.clone_fn()?))
    }

    /// As [`copy`](Self::copy), where how to clone the message is known from elsewhere.
    pub(crate) fn copy_by(&self, clone: fn(&M) -> M) -> Self {
        let message = clone(&self.message);
        let Self { id, sender, deadline, request, ref extras, attempt, priority, marks, stamp, message: _ } = *self;
        Self { id, sender, deadline, request, extras: extras.clone(), attempt, priority, marks, stamp, message }
    }

    /// How to clone the message, if the envelope knows.
    pub(crate) fn clone_fn(&self) -> Option<fn(&M) -> M> {
        Some(self.extras.as_ref()?.again.as_ref()?.clone_fn())
    }

    /// Whether it is what one member got of a message for all.
    pub(crate) fn is_share(&self) -> bool {
        self.marks.has(Marks::SHARE)
    }

    /// Makes it what one member gets of a message for all: its own, and for nobody else.
    pub(crate) fn become_share(&mut self) {
        // Another strategy is its own.
        if self.is_to_all() {
            self.marks.clear(Marks::TO_ALL);
        }
        self.marks.set(Marks::SHARE);
    }

    /// Undoes that, for one that was [for all](Self::to_all) by its own word or not.
    pub(crate) fn rejoin(&mut self, to_all: bool) {
        self.marks.clear(Marks::SHARE);
        if to_all {
            self.marks.set(Marks::TO_ALL);
        }
    }

    /// Begins another attempt.
    pub(crate) fn next_attempt(&mut self) {
        self.attempt = self.attempt.saturating_add(1);
    }

    /// Notes that it is sent now, for the first time or as if it were.
    pub(crate) fn note_sending(&mut self, to: &ActorAddress) {
        self.attempt = 1;
        self.marks.clear(Marks::SHARE);
        if let Some(again) = self.again() {
            (again.to, again.since) = (Some(to.clone()), Some(Deadline::now()));
        }
    }

    /// Makes sure that it can be copied.
    pub(crate) fn make_copyable(&mut self)
    where
        M: Clone,
    {
        self.extras_mut().again.get_or_insert_with(Again::new);
    }

    /// As [`at_least_once`](Self::at_least_once), where the message is copied by `clone`: for brokers that carry messages as
    /// bytes, which can read one as often as they like.
    #[must_use]
    pub fn at_least_once_by(mut self, clone: fn(&M) -> M) -> Self {
        self.marks.set(Marks::AT_LEAST_ONCE);
        self.extras_mut().again.get_or_insert_with(|| Again::by(clone));
        self
    }

    /// Has somebody told how the message, which is sent [at least once](Self::at_least_once), ends in the end: for brokers that
    /// keep it elsewhere until it has. It is no dead letter of the broker that handles it then.
    pub fn settling(mut self) -> (Self, Settlement) {
        let (settler, settlement) = Settlement::new();
        self.extras_mut().settler = Some(settler);
        (self, settlement)
    }

    /// Tells whoever wants to know how it ended. False if nobody does.
    pub(crate) fn settle(&self, settled: impl FnOnce() -> Settled) -> bool {
        let settler = self.extras.as_ref().and_then(|extras| extras.settler.as_ref());
        settler.inspect(|settler| settler.settle(settled())).is_some()
    }
}
