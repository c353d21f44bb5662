use super::Members;
use super::draw::draw_place;

/// Any member, each as likely as any other.
///
/// It keeps no state, so any number of threads can ask it without getting in each other's way. It is less even than it
/// sounds: of `n` messages to `n` members, the one with the most gets about ln n ⁄ ln ln n of them (Raab and Steger,
/// *Balls into Bins*, 1998).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Random;

impl Random {
    /// The place of the member that `random` stands for. `None` if there are none.
    #[inline]
    pub fn pick(&self, members: &impl Members, random: u64) -> Option<usize> {
        (!members.is_empty()).then(|| draw_place(random, members.len()).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balancing::support::{Fixed, assert_fits, shares};

    #[test]
    fn no_member_is_picked_of_none_and_the_only_one_always() {
        assert_eq!(Random.pick(&Fixed::idle(0), 5), None);
        for random in [0, 1, u64::MAX] {
            assert_eq!(Random.pick(&Fixed::idle(1), random), Some(0));
        }
    }

    #[test]
    fn every_member_is_as_likely_as_any_other() {
        for len in [2, 3, 7, 100] {
            let members = Fixed::idle(len);
            let shares = shares(len, 100_000, |random| Random.pick(&members, random));
            assert_fits(&shares, &vec![1.0; len]);
        }
    }
}
