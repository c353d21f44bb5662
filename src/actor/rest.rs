use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Whether an actor hibernates, and what decides that.
pub(crate) struct Rest {
    /// How many messages it had handled when it was last looked at. If they are no more when it next falls idle, it rests.
    handled: AtomicU64,
    dormant: AtomicBool,
    /// Whether it is among those that are looked at.
    listed: AtomicBool,
}

/// No number of messages.
const NOT_YET: u64 = u64::MAX;

impl Rest {
    pub(super) const fn new() -> Self {
        Self { handled: AtomicU64::new(NOT_YET), dormant: AtomicBool::new(false), listed: AtomicBool::new(false) }
    }

    /// Whether it has handled nothing since it was last looked at.
    #[inline]
    pub(super) fn is_due(&self, handled: u64) -> bool {
        // Relaxed: that of a moment ago is as good.
        self.handled.load(Ordering::Relaxed) == handled
    }

    pub(super) fn note(&self, handled: u64) {
        self.handled.store(handled, Ordering::Relaxed);
    }

    /// Whether it has no task and needs none.
    pub(crate) fn is_dormant(&self) -> bool {
        self.dormant.load(Ordering::SeqCst)
    }

    pub(super) fn set_dormant(&self, dormant: bool) {
        self.dormant.store(dormant, Ordering::SeqCst);
    }

    /// True if it has to be put among those that are looked at.
    pub(crate) fn list(&self) -> bool {
        !self.listed.swap(true, Ordering::SeqCst)
    }

    /// Whether it may be taken from those that are looked at, since it is dormant.
    pub(super) fn unlist(&self) -> bool {
        if !self.is_dormant() {
            return false;
        }
        self.listed.store(false, Ordering::SeqCst);
        // It may have woken just before that, and found itself listed: one of the two sees what the other has done.
        self.is_dormant() || !self.list()
    }
}

#[cfg(all(test, shuttle))]
mod interleavings;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_when_it_has_handled_nothing_since_the_last_look() {
        let rest = Rest::new();
        assert!(!rest.is_due(0));
        rest.note(0);
        assert!(rest.is_due(0) && !rest.is_due(1));
    }

    #[test]
    fn it_is_listed_once_and_unlisted_only_when_dormant() {
        let rest = Rest::new();
        assert!(rest.list());
        assert!(!rest.list());
        assert!(!rest.unlist());
        rest.set_dormant(true);
        assert!(rest.unlist());
        rest.set_dormant(false);
        assert!(rest.list());
    }
}
