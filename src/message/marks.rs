use crate::balancing::Strategy;

/// What is true or not of an envelope, and the strategy that it asks for, in one byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Marks(u8);

impl Marks {
    pub(crate) const NONE: Self = Self(0);
    /// The sender is in the middle of handling a message, so that it can't be waited for.
    pub(crate) const SENDER_IS_BUSY: Self = Self(1);
    /// It is delivered until its handler says that it is done.
    pub(crate) const AT_LEAST_ONCE: Self = Self(1 << 1);

    /// Its deadline is the time to live of its type, and nobody has said otherwise.
    pub(crate) const LIVES_BY_TYPE: Self = Self(1 << 2);
    /// What its receiver has to see to before it begins.
    pub(crate) const NEEDS_CARE: Self = Self(Self::AT_LEAST_ONCE.0 | Self::KEYED.0);

    /// The mailbox that it is in knows its routing key.
    pub(crate) const KEYED: Self = Self(1 << 6);

    /// It is what one member got of a message that was given to all of its group.
    pub(crate) const SHARE: Self = Self(1 << 7);

    /// Where the three bits of the strategy begin.
    const STRATEGY: u32 = 3;
    /// In place of a strategy: that it is for all members.
    pub(crate) const TO_ALL: Self = Self(0b111 << Self::STRATEGY);

    #[inline(always)]
    pub(crate) fn has(self, mark: Self) -> bool {
        self.0 & mark.0 != 0
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, mark: Self) {
        self.0 |= mark.0;
    }

    #[inline(always)]
    pub(crate) fn clear(&mut self, mark: Self) {
        self.0 &= !mark.0;
    }

    #[inline]
    pub(crate) fn strategy(self) -> Option<Strategy> {
        Strategy::from_bits(self.0 >> Self::STRATEGY & 0b111)
    }

    pub(crate) fn set_strategy(&mut self, strategy: Strategy) {
        self.0 = self.0 & !Self::TO_ALL.0 | strategy.to_bits() << Self::STRATEGY;
    }

    #[inline]
    pub(crate) fn is_to_all(self) -> bool {
        self.0 & Self::TO_ALL.0 == Self::TO_ALL.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mark_is_set_and_cleared_by_itself() {
        let mut marks = Marks::NONE;
        marks.set(Marks::AT_LEAST_ONCE);
        assert!(marks.has(Marks::AT_LEAST_ONCE) && !marks.has(Marks::SENDER_IS_BUSY));
        marks.set(Marks::SENDER_IS_BUSY);
        marks.clear(Marks::AT_LEAST_ONCE);
        assert!(marks.has(Marks::SENDER_IS_BUSY) && !marks.has(Marks::AT_LEAST_ONCE));
    }
    #[test]
    fn the_strategy_is_kept_beside_all_marks_and_replaced_as_a_whole() {
        let mut marks = Marks::NONE;
        assert_eq!(marks.strategy(), None);
        for mark in [Marks::SENDER_IS_BUSY, Marks::AT_LEAST_ONCE, Marks::LIVES_BY_TYPE] {
            marks.set(mark);
        }
        assert_eq!(marks.strategy(), None);
        for &strategy in Strategy::ALL.iter().chain(Strategy::ALL.iter().rev()) {
            marks.set_strategy(strategy);
            assert_eq!(marks.strategy(), Some(strategy));
            marks.clear(Marks::AT_LEAST_ONCE);
            assert!(marks.has(Marks::SENDER_IS_BUSY) && marks.has(Marks::LIVES_BY_TYPE));
            assert!(!marks.has(Marks::AT_LEAST_ONCE));
        }
    }

    #[test]
    fn to_all_is_no_strategy_and_stands_in_the_place_of_one() {
        let mut marks = Marks::NONE;
        for &strategy in Strategy::ALL {
            marks.set_strategy(strategy);
            assert!(!marks.is_to_all());
            marks.set(Marks::TO_ALL);
            assert!(marks.is_to_all() && marks.strategy().is_none());
            assert!(!marks.has(Marks::AT_LEAST_ONCE) && !marks.has(Marks::NEEDS_CARE) && !marks.has(Marks::SHARE));
        }
        marks.clear(Marks::TO_ALL);
        assert_eq!(marks, Marks::NONE);
    }
}
