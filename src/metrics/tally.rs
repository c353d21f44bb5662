use std::sync::OnceLock;

use crate::metrics::{Outcome, Outcomes};
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// One actor's own counters.
///
/// The actor's task is the only one to count what it handles, so that is a load and a store. What others may count as
/// well (messages abandoned by whoever stops the actor) goes through the same adding operation, since it is rare.
///
/// What most actors never count is not there until it is: that is most of it.
#[repr(C)]
pub(crate) struct Tally {
    handled: AtomicU64,
    in_handler: AtomicUsize,
    rare: OnceLock<Box<Rare>>,
}

#[derive(Default)]
struct Rare {
    outcomes: [AtomicU64; Outcome::ALL.len()],
    panics: AtomicU64,
    rebuilds: AtomicU64,
    redeliveries: AtomicU64,
    retries: AtomicU64,
    given_back: AtomicU64,
}

impl Tally {
    pub(crate) const fn new() -> Self {
        Self { handled: AtomicU64::new(0), in_handler: AtomicUsize::new(0), rare: OnceLock::new() }
    }

    fn rare(&self) -> &Rare {
        self.rare.get_or_init(Box::default)
    }

    /// What the counter says, if anything was ever counted beside what is handled.
    fn read(&self, counter: impl FnOnce(&Rare) -> &AtomicU64) -> u64 {
        self.rare.get().map_or(0, |rare| counter(rare).load(Ordering::Relaxed))
    }

    /// Counts a message that the actor's own task has handled: the common case, made cheap.
    #[inline]
    pub(crate) fn handled_by_task(&self) {
        self.handled.store(self.handled.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// How many messages its own task has handled.
    #[inline]
    pub(crate) fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self, outcome: Outcome) {
        self.rare().outcomes[outcome as usize].fetch_add(1, Ordering::Relaxed);
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
        self.rare().panics.fetch_add(1, Ordering::Relaxed);
    }

    /// A handler was built; `again` if it stands in for one that panicked.
    pub(crate) fn count_build(&self, again: bool) {
        if again {
            self.rare().rebuilds.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A handler begins with a message that one has had before.
    pub(crate) fn count_redelivery(&self) {
        self.rare().redeliveries.fetch_add(1, Ordering::Relaxed);
    }

    /// A message that was refused is offered to the actor again.
    pub(crate) fn count_retry(&self) {
        self.rare().retries.fetch_add(1, Ordering::Relaxed);
    }

    /// A message that was accepted goes back to the broker, to be handled again.
    pub(crate) fn give_back(&self) {
        self.rare().given_back.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn redeliveries(&self) -> u64 {
        self.read(|rare| &rare.redeliveries)
    }

    pub(crate) fn retries(&self) -> u64 {
        self.read(|rare| &rare.retries)
    }

    pub(crate) fn given_back(&self) -> u64 {
        self.read(|rare| &rare.given_back)
    }

    pub(crate) fn panics(&self) -> u64 {
        self.read(|rare| &rare.panics)
    }

    pub(crate) fn rebuilds(&self) -> u64 {
        self.read(|rare| &rare.rebuilds)
    }

    /// All but the evicted, which the mailbox counts.
    pub(crate) fn outcomes(&self) -> Outcomes {
        let mut outcomes = Outcomes::default();
        for outcome in Outcome::ALL {
            outcomes[outcome] = self.read(|rare| &rare.outcomes[outcome as usize]);
        }
        outcomes[Outcome::Handled] += self.handled.load(Ordering::Relaxed);
        outcomes
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn counts_each_outcome_by_itself() {
        let tally = Tally::new();
        for (times, outcome) in (1..).zip(Outcome::ALL) {
            (0..times).for_each(|_| tally.count(outcome));
        }
        let outcomes = tally.outcomes();
        for (times, outcome) in (1..).zip(Outcome::ALL) {
            assert_eq!(outcomes[outcome], times, "{outcome}");
        }
        assert_eq!((tally.panics(), tally.rebuilds(), tally.in_handler()), (0, 0, 0));
    }

    #[test]
    fn what_its_own_task_handled_and_what_others_did_add_up() {
        let tally = Tally::new();
        (0..5).for_each(|_| tally.handled_by_task());
        (0..2).for_each(|_| tally.count(Outcome::Handled));
        assert_eq!(tally.outcomes()[Outcome::Handled], 7);
        assert_eq!(tally.outcomes().sum(), 7);
    }

    #[test]
    fn others_count_while_its_own_task_does_and_nothing_is_lost() {
        const EACH: u64 = 50_000;
        let (tally, start) = (Tally::new(), Barrier::new(4));
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                (0..EACH).for_each(|_| tally.handled_by_task());
            });
            for _ in 0..3 {
                scope.spawn(|| {
                    start.wait();
                    (0..EACH).for_each(|_| {
                        tally.count(Outcome::Handled);
                        tally.count(Outcome::Abandoned);
                    });
                });
            }
        });
        let outcomes = tally.outcomes();
        assert_eq!((outcomes[Outcome::Handled], outcomes[Outcome::Abandoned]), (4 * EACH, 3 * EACH));
    }

    #[test]
    fn the_task_has_one_in_its_handler_or_none() {
        let tally = Tally::new();
        for busy in [true, true, false, false] {
            tally.set_in_handler(busy);
            assert_eq!(tally.in_handler(), usize::from(busy));
        }
    }

    #[test]
    fn code_that_receives_by_hand_may_hold_several() {
        let tally = Tally::new();
        (0..3).for_each(|_| tally.take_in_hand());
        tally.put_down();
        assert_eq!(tally.in_handler(), 2);
        assert!(tally.end_all_in_handler());
        assert_eq!(tally.in_handler(), 0);
        assert!(!tally.end_all_in_handler());
    }

    #[test]
    fn a_panic_and_a_rebuild_are_counted_and_the_first_build_is_not() {
        let tally = Tally::new();
        tally.count_build(false);
        for _ in 0..2 {
            tally.count_panic();
            tally.count_build(true);
        }
        tally.count_panic();
        assert_eq!((tally.panics(), tally.rebuilds()), (3, 2));
        assert_eq!(tally.outcomes().sum(), 0);
    }
}
