use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::metrics::{Outcome, Outcomes};

/// One actor's own counters.
///
/// The actor's task is the only one to count what it handles, so that is a load and a store. What others may count as
/// well (messages abandoned by whoever stops the actor) goes through the same adding operation, since it is rare.
pub(crate) struct Tally {
    handled: AtomicU64,
    rest: [AtomicU64; Outcome::ALL.len()],
    in_handler: AtomicUsize,
    panics: AtomicU64,
    rebuilds: AtomicU64,
}

impl Tally {
    pub(crate) const fn new() -> Self {
        Self {
            handled: AtomicU64::new(0),
            rest: [const { AtomicU64::new(0) }; Outcome::ALL.len()],
            in_handler: AtomicUsize::new(0),
            panics: AtomicU64::new(0),
            rebuilds: AtomicU64::new(0),
        }
    }

    /// Counts a message that the actor's own task has handled: the common case, made cheap.
    #[inline]
    pub(crate) fn handled_by_task(&self) {
        self.handled
            .store(self.handled.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self, outcome: Outcome) {
        self.rest[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The actor's own task begins with a message, or has ended it.
    #[inline]
    pub(crate) fn set_in_handler(&self, busy: bool) {
        self.in_handler.store(usize::from(busy), Ordering::Release);
    }

    /// Code that receives by hand has taken a message. It may hold several.
    pub(crate) fn take_in_hand(&self) {
        self.in_handler.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn put_down(&self) {
        self.in_handler.fetch_sub(1, Ordering::SeqCst);
    }

    /// Forgets what is in hand; true if there was anything.
    pub(crate) fn end_all_in_handler(&self) -> bool {
        self.in_handler.swap(0, Ordering::AcqRel) > 0
    }

    pub(crate) fn in_handler(&self) -> usize {
        self.in_handler.load(Ordering::SeqCst)
    }

    pub(crate) fn count_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_rebuild(&self) {
        self.rebuilds.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    pub(crate) fn rebuilds(&self) -> u64 {
        self.rebuilds.load(Ordering::Relaxed)
    }

    /// All but the evicted, which the mailbox counts.
    pub(crate) fn outcomes(&self) -> Outcomes {
        let mut outcomes = Outcomes::default();
        for outcome in Outcome::ALL {
            outcomes[outcome] = self.rest[outcome as usize].load(Ordering::Relaxed);
        }
        outcomes[Outcome::Handled] += self.handled.load(Ordering::Relaxed);
        outcomes
    }
}
