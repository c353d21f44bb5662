use std::sync::atomic::{AtomicUsize, Ordering};

/// Each member in its turn.
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
    /// The place of the member to try first, of `members`. `None` if there are none.
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
    use super::*;

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
    fn an_empty_group_has_no_first_member() {
        assert_eq!(RoundRobin.first(&Cursor::default(), 0), None);
    }
}
