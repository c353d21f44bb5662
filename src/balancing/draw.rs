/// The golden ratio as a fraction of 2⁶⁴, made odd: its multiples stay far apart.
pub(super) const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A number below `below` that comes of `random`, and the chance that is left over in `random`, to draw from again.
///
/// `random` is read as a fraction of 2⁶⁴. Times `below`, its whole part is the number, and the rest is a fraction again.
#[inline]
pub(super) const fn draw(random: u64, below: u64) -> (u64, u64) {
    let product = random as u128 * below as u128;
    ((product >> 64) as u64, product as u64)
}

/// As [`draw`], for one of so many places.
#[inline]
pub(super) const fn draw_place(random: u64, places: usize) -> (usize, u64) {
    let (place, rest) = draw(random, places as u64);
    (place as usize, rest)
}

/// Every bit of the outcome depends on every bit of `bits`, and different bits have different outcomes.
///
/// This is the last step of SplitMix64 (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, 2014;
/// the constants are Stafford's variant 13). [`Ring`](super::Ring) is built on it, so it must never change.
#[inline]
pub(super) const fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_below_the_bound_and_reach_both_ends_of_it() {
        for below in [1, 2, 3, 1000, u64::MAX] {
            assert_eq!(draw(0, below).0, 0);
            assert_eq!(draw(u64::MAX, below).0, below - 1);
        }
        assert_eq!(draw_place(u64::MAX, 7).0, 6);
    }

    #[test]
    fn what_is_left_over_is_as_random_as_what_was_given() {
        // A third of all numbers draw place 1 of 3; inside that third, the rest goes from 0 to the end.
        let third = u64::MAX / 3;
        let (first, last) = (draw(third + 1, 3), draw(2 * third, 3));
        assert_eq!((first.0, last.0), (1, 1));
        assert!(first.1 < 3 && last.1 > u64::MAX - 3);
    }

    #[test]
    fn mixing_gives_the_published_outcomes_of_splitmix64() {
        let outcomes = [1, 2, 3].map(|step: u64| mixed(step.wrapping_mul(GOLDEN)));
        assert_eq!(outcomes, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]);
    }
}
