use crate::message::Deadline;

/// When a message that is sampled went into a mailbox, in the four bytes that are left in its header.
///
/// Counts units of 4.096 µs (2¹² ns) on the clock of [`Deadline`] and begins anew every 4.9 hours (2⁴⁴ ns), so it tells
/// how long ago that was up to then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamp(u32);

/// Nanoseconds of a unit, as a power of two.
const UNIT: u32 = 12;

/// The longest time that a stamp can tell, in nanoseconds.
pub(crate) const LONGEST: u64 = (1 << (u32::BITS + UNIT)) - 1;

impl Stamp {
    /// Of a message of which no timings are taken.
    pub(crate) const NONE: Self = Self(0);

    #[cold]
    #[inline(never)]
    pub(crate) fn now() -> Self {
        Self::at(Deadline::now())
    }

    fn at(moment: Deadline) -> Self {
        match (moment.nanos() >> UNIT) as u32 {
            // The unit before, not the one after, which would be in the future.
            0 => Self(u32::MAX),
            units => Self(units),
        }
    }

    #[inline(always)]
    pub(crate) fn is_some(self) -> bool {
        self != Self::NONE
    }

    /// How many nanoseconds before `now` it was put on: too many by less than a unit (two, once in 4.9 hours), never
    /// too few.
    pub(crate) fn nanos_before(self, now: Deadline) -> u64 {
        now.nanos().wrapping_sub(u64::from(self.0) << UNIT) & LONGEST
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tells_how_long_ago_it_was_to_within_its_unit(put_on in 1..1_u64 << 60, ago in 0..LONGEST - (2 << UNIT)) {
            let stamp = Stamp::at(Deadline::from_nanos(put_on));
            prop_assert!(stamp.is_some());
            let told = stamp.nanos_before(Deadline::from_nanos(put_on + ago));
            prop_assert!((ago..ago + (1 << UNIT)).contains(&told), "{} for {}", told, ago);
        }
    }

    #[test]
    fn the_unit_that_means_none_is_told_as_the_one_before() {
        let put_on = 3 << (u32::BITS + UNIT);
        let stamp = Stamp::at(Deadline::from_nanos(put_on));
        assert!(stamp.is_some());
        assert_eq!(stamp.nanos_before(Deadline::from_nanos(put_on)), 1 << UNIT);
        assert_eq!(stamp.nanos_before(Deadline::from_nanos(put_on + 7)), (1 << UNIT) + 7);
    }
}
