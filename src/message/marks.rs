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

    /// Where the three bits of the strategy begin.
    const STRATEGY: u32 = 3;

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
        self.0 = self.0 & !(0b111 << Self::STRATEGY) | strategy.to_bits() << Self::STRATEGY;
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
}
