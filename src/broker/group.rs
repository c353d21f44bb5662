use std::sync::{Arc, OnceLock};

use crate::actor::{ActorCell, Epoch};
use crate::balancing::{Cursor, LeastLoaded, Members, PowerOfTwo, Random, Ring, RoundRobin, Strategy, WeightTable};

/// The members of a service or pool at one moment, and how they share messages.
///
/// It never changes but for whose turn it is: who joins or leaves replaces it. So what is computed for these members is
/// computed once, when it is first needed.
pub(crate) struct Group<M> {
    members: Box<[Arc<ActorCell<M>>]>,
    /// What was set for it, if anything was.
    strategy: Option<Strategy>,
    cursor: Arc<Cursor>,
    ring: OnceLock<Ring>,
    weights: OnceLock<WeightTable>,
}

/// The members that a message should be offered to, one after the other.
pub(crate) struct Order<'a, M> {
    members: &'a [Arc<ActorCell<M>>],
    first: usize,
    /// Where those that come after the first begin.
    from: usize,
    /// How many have been looked at.
    seen: usize,
    /// How many may be.
    end: usize,
    /// Whether some were passed over because they are set aside.
    passed_over: bool,
    /// Whether those are offered the message as well.
    takes_all: bool,
}

/// How often a strategy is asked for another member, if the one that it names has closed, before any will do.
const LOOKS: usize = 8;

impl<M> Default for Group<M> {
    fn default() -> Self {
        Self::of(Box::default(), None, Arc::default())
    }
}

impl<M> Group<M> {
    fn of(members: Box<[Arc<ActorCell<M>>]>, strategy: Option<Strategy>, cursor: Arc<Cursor>) -> Self {
        Self { members, strategy, cursor, ring: OnceLock::new(), weights: OnceLock::new() }
    }

    /// The same with one member more, where turns go on.
    pub(super) fn with(&self, cell: &Arc<ActorCell<M>>) -> Self {
        let members = self.members.iter().chain([cell]).cloned().collect();
        Self::of(members, self.strategy, Arc::clone(&self.cursor))
    }

    /// The same without that member; `None` if it is none.
    pub(super) fn without(&self, epoch: Epoch) -> Option<Self> {
        let members: Box<[_]> = self.members.iter().filter(|cell| cell.epoch != epoch).cloned().collect();
        let left = members.len() < self.members.len();
        left.then(|| Self::of(members, self.strategy, Arc::clone(&self.cursor)))
    }

    pub(super) fn with_strategy(&self, strategy: Option<Strategy>) -> Self {
        Self::of(self.members.clone(), strategy, Arc::clone(&self.cursor))
    }

    /// Whether it says anything that no group at all would not say.
    pub(super) fn is_kept(&self) -> bool {
        !self.members.is_empty() || self.strategy.is_some()
    }

    pub(super) fn members(&self) -> &[Arc<ActorCell<M>>] {
        &self.members
    }

    pub(super) fn strategy(&self) -> Option<Strategy> {
        self.strategy
    }

    /// The members to offer a message to. `key` is the hash of its routing key, if it has one, and only called where that
    /// matters. Members that have closed are not among them.
    #[inline]
    pub(super) fn order(&self, strategy: Strategy, key: impl FnOnce() -> Option<u64>) -> Order<'_, M> {
        let key = if strategy == Strategy::ConsistentHash { key() } else { None };
        match key {
            Some(key) => self.keepers(key),
            None => self.spread(strategy),
        }
    }

    /// The one member for a key.
    fn keepers(&self, key: u64) -> Order<'_, M> {
        let keeper = self.ring.get_or_init(|| Ring::of(self)).place(key);
        match keeper.filter(|&place| self.is_open(place)).or_else(|| self.next_keeper(key)) {
            // For the order of its key, set aside or not: there is no other.
            Some(place) => Order { end: 1, ..Order::of(&self.members, place, 0) },
            None => Order::nobody(),
        }
    }

    /// The one for a key among those that are still open: who has just closed is about to leave.
    #[cold]
    fn next_keeper(&self, key: u64) -> Option<usize> {
        let open: Vec<_> = (0..self.members.len()).filter(|&place| self.is_open(place)).collect();
        let ring = Ring::new(open.iter().map(|&place| self.identity(place)));
        ring.place(key).map(|place| open[place])
    }

    /// One member after the other, in turn from the first if they have turns, and else from anywhere, so that who comes
    /// after one that is full has no more to do than others.
    #[inline]
    fn spread(&self, strategy: Strategy) -> Order<'_, M> {
        let mut first = None;
        for _ in 0..LOOKS {
            first = self.pick(strategy);
            if first.is_none_or(|place| self.takes_more(place)) {
                break;
            }
        }
        let Some(mut first) = first else { return Order::nobody() };
        if strategy != Strategy::RoundRobin {
            return Order::of(&self.members, first, self.anywhere());
        }
        if !self.takes_more(first) {
            // So many turns were taken that it might be the same one's each time.
            first = self.anywhere();
        }
        Order::of(&self.members, first, first)
    }

    #[inline]
    fn pick(&self, strategy: Strategy) -> Option<usize> {
        match strategy {
            Strategy::PowerOfTwo | Strategy::ConsistentHash => PowerOfTwo.pick(self, fastrand::u64(..)),
            Strategy::RoundRobin => RoundRobin.pick(self, &self.cursor),
            Strategy::Random => Random.pick(self, fastrand::u64(..)),
            Strategy::LeastLoaded => LeastLoaded.pick(self, fastrand::u64(..)),
            Strategy::Weighted => self.weights.get_or_init(|| WeightTable::of(self)).pick(fastrand::u64(..)),
        }
    }

    fn anywhere(&self) -> usize {
        Random.pick(self, fastrand::u64(..)).unwrap_or(0)
    }

    fn is_open(&self, place: usize) -> bool {
        !self.members[place].queue.is_closed()
    }

    /// Whether it is open and not set aside, or at least to be tried.
    fn takes_more(&self, place: usize) -> bool {
        self.is_open(place) && self.members[place].health.is_open()
    }
}

impl<M> Members for Group<M> {
    fn len(&self) -> usize {
        self.members.len()
    }

    #[inline]
    fn load(&self, place: usize) -> usize {
        // What has closed has nothing before it, and what fails at once hardly ever: neither must look idle.
        match &self.members[place] {
            _ if !self.is_open(place) => usize::MAX,
            member if !member.health.is_aside() => member.load(),
            // So that it has its trial soon.
            member if member.health.is_trial_due() => 0,
            _ => usize::MAX,
        }
    }

    fn weight(&self, place: usize) -> u32 {
        self.members[place].weight
    }

    fn identity(&self, place: usize) -> u64 {
        self.members[place].id.word()
    }
}

impl<'a, M> Order<'a, M> {
    const fn nobody() -> Self {
        Self { end: 0, ..Self::of(&[], 0, 0) }
    }

    /// The first, then all others.
    const fn of(members: &'a [Arc<ActorCell<M>>], first: usize, from: usize) -> Self {
        Self { members, first, from, seen: 0, end: members.len() + 1, passed_over: false, takes_all: false }
    }

    /// The next member to offer the message to; its trial, if one is due. Those that are set aside come last, and not if
    /// there are others that are only `full`.
    #[inline]
    pub(super) fn next_offer(&mut self, full: bool) -> Option<&'a Arc<ActorCell<M>>> {
        loop {
            match self.next() {
                // Asked even where the answer does not matter: it may be the trial.
                Some(member) if member.health.claim() || self.takes_all => return Some(member),
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
            seen => Some((self.from + seen - 1) % self.members.len()),
        }
    }
}

impl<'a, M> Iterator for Order<'a, M> {
    type Item = &'a Arc<ActorCell<M>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let is_first = self.seen == 0;
            let place = self.next_place()?;
            let member = &self.members[place];
            if (is_first || place != self.first) && !member.queue.is_closed() {
                return Some(member);
            }
        }
    }
}
