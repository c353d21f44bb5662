use std::sync::Arc;

use super::RequestTable;
use super::shard::Shard;
use crate::limits::{Bounds, Table};
use crate::sync::Guard;

/// How many free places one part takes over from another at most.
const AT_ONCE: usize = 64;

/// How many requests there may be.
///
/// A slot has a place, which its part keeps when the request has ended, for the next one: so a request counts nothing. Only a
/// part without a free slot takes one more place, from what is left for the whole table, or else from another part that has
/// some free. So there are never more entries than places, wherever they are.
impl<M> RequestTable<M> {
    /// The same table, as large as `bounds` allow.
    pub(crate) fn within(self, bounds: Arc<Bounds>) -> Self {
        // By hand, because it has a `Drop`.
        let mut table = self;
        table.bounds = bounds;
        table
    }

    /// Locks a part that has a free slot. `None` if all places are taken.
    #[inline(always)]
    pub(super) fn with_room(&self, home: usize) -> Option<Guard<'_, Shard<M>>> {
        let shard = self.shards[home].0.lock();
        if shard.has_free_slot() {
            return Some(shard);
        }
        drop(shard);
        self.make_room(home)
    }

    /// Sees to it that the part has a free slot, and locks it. `None` if all places are taken.
    #[cold]
    #[inline(never)]
    fn make_room(&self, home: usize) -> Option<Guard<'_, Shard<M>>> {
        let mut places = if self.bounds.claim(Table::Requests) { 1 } else { self.take_over(home) };
        let mut shard = self.shards[home].0.lock();
        while places > 0 && shard.add_place() {
            places -= 1;
        }
        // Something may have ended here meanwhile.
        let has_room = shard.has_free_slot();
        let room = has_room.then_some(shard);
        self.bounds.unclaim(Table::Requests, places);
        room
    }

    /// Takes over places that are free elsewhere. No two parts are locked at the same time.
    fn take_over(&self, home: usize) -> usize {
        let others = self.shards.iter().enumerate().filter(|(number, _)| *number != home);
        others.map(|(_, shard)| shard.0.lock().lend_places(AT_ONCE)).find(|lent| *lent > 0).unwrap_or(0)
    }
}

/// A number that stays the same for a thread, handed out in turn.
pub(super) fn home_shard() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    thread_local! {
        static HOME: usize = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
    HOME.try_with(|home| *home).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;
    use std::thread;

    use super::*;
    use crate::actor::Epoch;
    use crate::limits::Limits;
    use crate::requests::Pending;

    fn table(requests: usize) -> RequestTable<u64> {
        RequestTable::new().within(Arc::new(Bounds::new(Limits::new().requests(requests))))
    }

    fn open(table: &RequestTable<u64>) -> Option<Pending<'_, u64>> {
        table.open(Epoch::next(), None, Waker::noop().clone())
    }

    #[test]
    fn one_part_alone_may_have_all_places_and_an_end_makes_room_for_one() {
        let table = table(5);
        let mut pending: Vec<_> = (0..5).map(|_| open(&table).unwrap()).collect();
        assert!(open(&table).is_none());
        assert_eq!(table.in_flight(), 5);
        pending.pop();
        pending.push(open(&table).unwrap());
        assert!(open(&table).is_none());
        drop(pending);
        assert_eq!(table.in_flight(), 0);
    }

    #[test]
    fn places_that_are_free_in_one_part_are_to_be_had_in_every_other() {
        let table = table(5);
        for _ in 0..16 {
            // Each thread is at home in another part than the one before.
            let full = thread::scope(|scope| {
                let all = || {
                    let pending: Vec<_> = (0..5).filter_map(|_| open(&table)).collect();
                    (pending.len(), open(&table).is_some())
                };
                scope.spawn(all).join().unwrap()
            });
            assert_eq!(full, (5, false));
        }
        assert_eq!(table.in_flight(), 0);
    }

    #[test]
    fn a_slot_whose_place_was_lent_and_came_back_knows_late_replies_from_those_to_the_next() {
        let table = table(1);
        let first = open(&table).unwrap();
        let key = first.key();
        drop(first);
        thread::scope(|scope| {
            (0..64).for_each(|_| scope.spawn(|| assert!(open(&table).is_some())).join().unwrap());
        });
        let again = open(&table).unwrap();
        assert_eq!(again.key().slot(), key.slot());
        table.reply(key, 1);
        assert_eq!(table.late_replies(), 1);
    }

    #[test]
    fn threads_that_ask_at_the_same_time_are_never_more_than_there_are_places() {
        const PLACES: usize = 7;
        let (table, held, start, opened) = (table(PLACES), AtomicUsize::new(0), Barrier::new(8), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..2_000 {
                        let pending: Vec<_> = (0..3).map_while(|_| open(&table)).collect();
                        let all = held.fetch_add(pending.len(), Ordering::SeqCst) + pending.len();
                        assert!(all <= PLACES, "{all} at once");
                        thread::yield_now();
                        held.fetch_sub(pending.len(), Ordering::SeqCst);
                        opened.fetch_add(pending.len(), Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(opened.into_inner() > 0);
        assert_eq!(table.in_flight(), 0);
        assert_eq!((0..=PLACES).map_while(|_| open(&table)).collect::<Vec<_>>().len(), PLACES, "none is lost");
    }
}
