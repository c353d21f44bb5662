//! Letting go of what users have made: its `Drop` may panic, and the broker has more to do.

use std::collections::VecDeque;

use crate::actor::catch_panic_now;
use crate::outside::Outside;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Where one part of a broker lets go of messages, and counts those that panic at that, or when they are cloned.
///
/// A panic goes no further: what else the broker holds is let go of as well, and nobody who did not make that message ends
/// because of it.
#[derive(Debug, Default)]
pub(crate) struct Disposal {
    panics: AtomicU64,
}

/// Values that are let go of one apart from the other, whoever drops this, be it while a panic goes on.
pub(crate) struct Apart<'a, T> {
    disposal: &'a Disposal,
    pub(crate) values: VecDeque<T>,
}

impl Disposal {
    /// Lets go of a value.
    pub(crate) fn lay_to_rest<T>(&self, value: T) {
        if let Err(panic) = lay_to_rest(value) {
            self.note("dropped", &panic);
        }
    }

    /// Lets go of values, whatever the others do.
    pub(crate) fn lay_all_to_rest<T>(&self, values: impl IntoIterator<Item = T>) {
        values.into_iter().for_each(|value| self.lay_to_rest(value));
    }

    /// Clones a message, which may panic.
    pub(crate) fn copy<T>(&self, copy: impl FnOnce() -> T) -> Result<T, String> {
        catch_panic_now(copy).inspect_err(|panic| self.note("cloned", panic))
    }

    /// An empty collection of values that are let go of here.
    pub(crate) fn apart<T>(&self) -> Apart<'_, T> {
        Apart { disposal: self, values: VecDeque::new() }
    }

    /// How many have panicked.
    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Counts one that panicked.
    #[cold]
    pub(crate) fn note(&self, what: &str, panic: &str) {
        let panics = self.panics.fetch_add(1, Ordering::Relaxed) + 1;
        // One for each doubling, so that a flood of them is a few lines.
        if panics.is_power_of_two() {
            tracing::warn!(cause = ?Outside::cause(panic), panics, "a message panicked when it was {what}");
        }
    }
}

impl<T> Drop for Apart<'_, T> {
    fn drop(&mut self) {
        self.disposal.lay_all_to_rest(self.values.drain(..));
    }
}

/// Lets go of a value where nobody counts; gives the cause if it panics.
pub(crate) fn lay_to_rest<T>(value: T) -> Result<(), String> {
    if std::mem::needs_drop::<T>() { catch_panic_now(|| drop(value)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::panic::{catch_unwind, panic_any};
    use std::sync::Arc;

    use super::*;

    /// Panics when it is dropped, whatever goes on.
    struct Bomb(Arc<AtomicU64>);

    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
            panic!("bomb");
        }
    }

    #[test]
    fn each_is_let_go_of_and_counted_though_all_of_them_panic() {
        let (disposal, dropped) = (Disposal::default(), Arc::new(AtomicU64::new(0)));
        disposal.lay_all_to_rest((0..3).map(|_| Bomb(Arc::clone(&dropped))));
        assert_eq!((disposal.panics(), dropped.load(Ordering::SeqCst)), (3, 3));
        disposal.lay_to_rest("nothing to drop");
        assert!(disposal.copy(|| -> u8 { panic!("no clone") }).is_err());
        assert_eq!(disposal.panics(), 4);
    }

    #[test]
    fn a_panic_that_goes_on_is_none_that_two_more_would_make_an_abort() {
        let (disposal, dropped) = (Disposal::default(), Arc::new(AtomicU64::new(0)));
        let panicked = catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut apart = disposal.apart();
            apart.values.extend((0..2).map(|_| Bomb(Arc::clone(&dropped))));
            panic!("meanwhile");
        }));
        assert!(panicked.is_err());
        assert_eq!((disposal.panics(), dropped.load(Ordering::SeqCst)), (2, 2));
    }

    #[test]
    fn what_a_panic_carries_may_panic_as_well() {
        let dropped = Arc::new(AtomicU64::new(0));
        let carried = Bomb(Arc::clone(&dropped));
        assert!(catch_panic_now(|| panic_any(carried)).is_err());
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
    }
}
