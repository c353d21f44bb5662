use super::Member;

/// The members that a message should be offered to, one after the other.
pub(crate) struct Order<'a, M> {
    members: &'a [Member<M>],
    first: usize,
    /// Where those that come after the first begin, once that is known.
    from: Option<usize>,
    /// How many have been looked at.
    seen: usize,
    /// How many may be.
    end: usize,
    /// Whether some were passed over because they are set aside.
    passed_over: bool,
    /// Whether those are offered the message as well.
    takes_all: bool,
}

impl<'a, M> Order<'a, M> {
    pub(super) const fn nobody() -> Self {
        Self { end: 0, ..Self::of(&[], 0, None) }
    }

    /// The first, then all others, from there or anywhere on.
    pub(super) const fn of(members: &'a [Member<M>], first: usize, from: Option<usize>) -> Self {
        Self { members, first, from, seen: 0, end: members.len() + 1, passed_over: false, takes_all: false }
    }

    /// The same, where no more than so many are looked at.
    pub(super) fn at_most(self, end: usize) -> Self {
        Self { end, ..self }
    }

    /// The next member to offer the message to; its trial, if one is due. Those that are set aside come last, and not if
    /// there are others that are only `full`.
    #[inline]
    pub(in crate::broker) fn next_offer(&mut self, full: bool) -> Option<&'a Member<M>> {
        loop {
            match self.next() {
                // Asked even where the answer does not matter: it may be the trial.
                Some(member) if member.cell.health.claim() || self.takes_all => return Some(member),
                Some(_) => self.passed_over = true,
                None if self.passed_over && !full => (self.seen, self.passed_over, self.takes_all) = (0, false, true),
                None => return None,
            }
        }
    }

    /// The place that is the next to be looked at.
    #[inline]
    fn next_place(&mut self) -> Option<usize> {
        let seen = self.seen;
        if seen == self.end {
            return None;
        }
        self.seen += 1;
        match seen {
            0 => Some(self.first),
            seen => Some(self.later_place(seen)),
        }
    }

    #[cold]
    fn later_place(&mut self, seen: usize) -> usize {
        // Chance is asked only here, since most messages are taken by the first.
        let from = *self.from.get_or_insert_with(|| fastrand::usize(..self.members.len()));
        (from + seen - 1) % self.members.len()
    }
}

impl<'a, M> Iterator for Order<'a, M> {
    type Item = &'a Member<M>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let is_first = self.seen == 0;
            let place = self.next_place()?;
            let member = &self.members[place];
            if (is_first || place != self.first) && member.is_open() {
                return Some(member);
            }
        }
    }
}
