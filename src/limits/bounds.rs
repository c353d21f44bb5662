use std::sync::Arc;

use super::{LimitError, Limits, Table};
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The limits of one broker, and how much of them is taken where no lock of a table's own counts that.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    limits: Limits,
    taken: [AtomicUsize; Table::ALL.len()],
    refused: AtomicU64,
}

/// One place in a table. Dropping it frees it.
#[derive(Debug)]
pub(crate) struct Place {
    bounds: Arc<Bounds>,
    table: Table,
}

impl Bounds {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, taken: Default::default(), refused: AtomicU64::new(0) }
    }

    pub(crate) fn of(&self, table: Table) -> usize {
        self.limits.of(table)
    }

    /// Takes a place.
    pub(crate) fn take(self: &Arc<Self>, table: Table) -> Result<Place, LimitError> {
        if self.claim(table) { Ok(Place { bounds: Arc::clone(self), table }) } else { Err(self.refuse(table)) }
    }

    /// Takes a place for good. False if there is none.
    pub(crate) fn claim(&self, table: Table) -> bool {
        let one_more = |taken: usize| (taken < self.of(table)).then(|| taken + 1);
        // Relaxed: a count, by which nothing else is seen.
        self.taken[table as usize].fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }

    /// Gives back places that were taken for good.
    pub(crate) fn unclaim(&self, table: Table, places: usize) {
        self.taken[table as usize].fetch_sub(places, Ordering::Relaxed);
    }

    /// Whether one more may join the `there` that a table has, for whoever holds the lock under which those are counted.
    pub(crate) fn check(&self, table: Table, there: usize) -> Result<(), LimitError> {
        if there < self.of(table) { Ok(()) } else { Err(self.refuse(table)) }
    }

    /// Counts a caller that found a table full.
    #[cold]
    pub(crate) fn refuse(&self, table: Table) -> LimitError {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.full(table)
    }

    /// The error of whoever finds a table full and may look again.
    pub(crate) fn full(&self, table: Table) -> LimitError {
        LimitError::new(table, self.of(table))
    }

    /// How often a caller found a table full.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.bounds.unclaim(self.table, 1);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn bounds(scheduled: usize) -> Arc<Bounds> {
        Arc::new(Bounds::new(Limits::new().scheduled(scheduled)))
    }

    #[test]
    fn a_place_is_free_again_when_it_is_dropped_and_each_table_has_its_own() {
        let bounds = bounds(2);
        let first = bounds.take(Table::Scheduled).unwrap();
        let _second = bounds.take(Table::Scheduled).unwrap();
        assert_eq!(bounds.take(Table::Scheduled).unwrap_err(), LimitError::new(Table::Scheduled, 2));
        assert!(bounds.take(Table::Retries).is_ok());
        drop(first);
        assert!(bounds.take(Table::Scheduled).is_ok());
        assert_eq!(bounds.refused(), 1);
    }

    #[test]
    fn threads_that_come_at_the_same_time_never_have_more_places_than_there_are() {
        const PLACES: usize = 3;
        let (bounds, held) = (bounds(PLACES), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..2_000 {
                        let Ok(place) = bounds.take(Table::Scheduled) else { continue };
                        assert!(held.fetch_add(1, Ordering::SeqCst) < PLACES);
                        thread::yield_now();
                        held.fetch_sub(1, Ordering::SeqCst);
                        drop(place);
                    }
                });
            }
        });
        assert_eq!(bounds.taken[Table::Scheduled as usize].load(Ordering::Relaxed), 0);
    }
}
