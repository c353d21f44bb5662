use super::Members;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// Each member in its turn.
///
/// The turn is one number that all senders write to. That is a few nanoseconds for one sender, and more the more of them
/// send at once. When members join or leave, turns go on from where they are in the new list.
///
/// ```
/// use switchboard::balancing::{Cursor, RoundRobin};
///
/// let cursor = Cursor::default();
/// let places: Vec<_> = (0..4).map(|_| RoundRobin.first(&cursor, 3)).collect();
/// assert_eq!(places, [Some(0), Some(1), Some(2), Some(0)]);
/// assert_eq!(RoundRobin.first(&cursor, 0), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundRobin;

/// How often a group has been asked for a member.
#[derive(Debug, Default)]
pub struct Cursor(AtomicUsize);

impl RoundRobin {
    /// The place of the member whose turn it is. `None` if there are none.
    #[inline]
    pub fn pick(&self, members: &impl Members, cursor: &Cursor) -> Option<usize> {
        self.first(cursor, members.len())
    }

    /// As [`pick`](Self::pick), for so many `members`.
    #[inline]
    pub fn first(&self, cursor: &Cursor, members: usize) -> Option<usize> {
        match members {
            0 => None,
            1 => Some(0),
            // Relaxed: turns need no order with anything else.
            members => Some(cursor.0.fetch_add(1, Ordering::Relaxed) % members),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;
    use crate::balancing::support::Fixed;

    #[test]
    fn gives_each_member_the_same_share_and_survives_the_counter_coming_round() {
        let cursor = Cursor(AtomicUsize::new(usize::MAX - 5));
        let mut shares = [0; 4];
        for _ in 0..400 {
            shares[RoundRobin.first(&cursor, 4).unwrap()] += 1;
        }
        assert_eq!(shares, [100; 4]);
    }

    #[test]
    fn no_member_is_picked_of_none_and_the_only_one_always() {
        let cursor = Cursor::default();
        assert_eq!(RoundRobin.pick(&Fixed::idle(0), &cursor), None);
        for _ in 0..3 {
            assert_eq!(RoundRobin.pick(&Fixed::idle(1), &cursor), Some(0));
        }
    }

    #[test]
    fn turns_go_on_as_the_group_grows_and_shrinks_to_nothing_and_back() {
        let cursor = Cursor::default();
        for members in (0..50).chain((0..50).rev()) {
            let places: Vec<_> = (0..members).map(|_| RoundRobin.pick(&Fixed::idle(members), &cursor)).collect();
            let mut sorted = places.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..members).map(Some).collect::<Vec<_>>(), "{places:?}");
        }
    }

    #[test]
    fn senders_on_many_threads_never_take_the_same_turn() {
        const THREADS: usize = 4;
        const TURNS: usize = 300_000;
        let cursor = Cursor::default();
        let start = Barrier::new(THREADS);
        let turns = || {
            let mut shares = [0; 3];
            start.wait();
            for _ in 0..TURNS {
                shares[RoundRobin.pick(&Fixed::idle(3), &cursor).unwrap()] += 1;
            }
            shares
        };
        let shares = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(turns)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(cursor.0.into_inner(), THREADS * TURNS);
        for place in 0..3 {
            assert_eq!(shares.iter().map(|shares| shares[place]).sum::<usize>(), THREADS * TURNS / 3);
        }
    }
}
