use std::sync::atomic::{self, AtomicBool};
use std::sync::{Arc, OnceLock};

use crate::actor::{ActorCell, Epoch};
use crate::balancing::{Cursor, LeastLoaded, Members, PowerOfTwo, Random, Ring, RoundRobin, Strategy, WeightTable};
use crate::services::{MemberOptions, Provider};

/// The members of a service or pool at one moment, and how they share messages.
///
/// It never changes but for whose turn it is: who joins or leaves replaces it. So what is computed for these members is
/// computed once, when it is first needed.
pub(crate) struct Group<M> {
    members: Box<[Member<M>]>,
    /// What was set for it, if anything was.
    strategy: Option<Strategy>,
    cursor: Arc<Cursor>,
    ring: OnceLock<Ring>,
    weights: OnceLock<WeightTable>,
}

/// One of a group: an actor, and what it is in that group.
pub(crate) struct Member<M> {
    pub(crate) cell: Arc<ActorCell<M>>,
    pub(crate) seat: Arc<Seat>,
}

/// What an actor is in one group.
#[derive(Debug)]
pub(crate) struct Seat {
    /// What others see of it.
    pub(crate) provider: Provider,
    /// Whether it has left, which is so before the group is without it.
    left: AtomicBool,
}

/// The members that a message should be offered to, one after the other.
pub(crate) struct Order<'a, M> {
    members: &'a [Member<M>],
    first: usize,
    /// Where those that come after the first begin.
    from: usize,
    /// How many have been looked at.
    seen: usize,
    /// How many may be.
    end: usize,
}

/// How often a strategy is asked for another member, if the one that it names has closed, before any will do.
const LOOKS: usize = 8;

impl<M> Member<M> {
    /// An actor that is registered at the group's address.
    pub(super) fn resident(cell: &Arc<ActorCell<M>>) -> Self {
        Self::joining(cell, Provider::new(cell.id, MemberOptions::new().weight(cell.weight)))
    }

    /// An actor that joins the group from elsewhere.
    pub(super) fn joining(cell: &Arc<ActorCell<M>>, provider: Provider) -> Self {
        Self { cell: Arc::clone(cell), seat: Arc::new(Seat { provider, left: AtomicBool::new(false) }) }
    }

    fn is_open(&self) -> bool {
        !self.cell.queue.is_closed() && !self.seat.has_left()
    }
}

impl Seat {
    /// Says that from now on the actor is to get no message of this group.
    pub(super) fn leave(&self) {
        self.left.store(true, atomic::Ordering::Release);
    }

    pub(super) fn has_left(&self) -> bool {
        self.left.load(atomic::Ordering::Acquire)
    }
}

impl<M> Clone for Member<M> {
    fn clone(&self) -> Self {
        Self { cell: Arc::clone(&self.cell), seat: Arc::clone(&self.seat) }
    }
}

impl<M> Default for Group<M> {
    fn default() -> Self {
        Self::of(Box::default(), None, Arc::default())
    }
}

impl<M> Group<M> {
    fn of(members: Box<[Member<M>]>, strategy: Option<Strategy>, cursor: Arc<Cursor>) -> Self {
        Self { members, strategy, cursor, ring: OnceLock::new(), weights: OnceLock::new() }
    }

    /// The same with one member more, where turns go on; `None` if that actor is one.
    pub(super) fn with(&self, member: &Member<M>) -> Option<Self> {
        if self.member(member.cell.epoch).is_some() {
            return None;
        }
        let members = self.members.iter().chain([member]).cloned().collect();
        Some(Self::of(members, self.strategy, Arc::clone(&self.cursor)))
    }

    /// The same without that member; `None` if it is none.
    pub(super) fn without(&self, epoch: Epoch) -> Option<Self> {
        let members: Box<[_]> = self.members.iter().filter(|member| member.cell.epoch != epoch).cloned().collect();
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

    pub(super) fn members(&self) -> &[Member<M>] {
        &self.members
    }

    pub(super) fn member(&self, epoch: Epoch) -> Option<&Member<M>> {
        self.members.iter().find(|member| member.cell.epoch == epoch)
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
            Some(place) => Order { members: &self.members, first: place, from: 0, seen: 0, end: 1 },
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
            if first.is_none_or(|place| self.is_open(place)) {
                break;
            }
        }
        let Some(first) = first else { return Order::nobody() };
        let from = if strategy == Strategy::RoundRobin { first } else { self.anywhere() };
        Order { members: &self.members, first, from, seen: 0, end: self.members.len() + 1 }
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
        self.members[place].is_open()
    }
}

impl<M> Members for Group<M> {
    fn len(&self) -> usize {
        self.members.len()
    }

    #[inline]
    fn load(&self, place: usize) -> usize {
        // What has closed has nothing before it, and must not look idle.
        let cell = &self.members[place].cell;
        if cell.queue.is_closed() { usize::MAX } else { cell.load() }
    }

    fn weight(&self, place: usize) -> u32 {
        self.members[place].seat.provider.weight()
    }

    fn identity(&self, place: usize) -> u64 {
        self.members[place].cell.id.word()
    }
}

impl<M> Order<'_, M> {
    const fn nobody() -> Self {
        Self { members: &[], first: 0, from: 0, seen: 0, end: 0 }
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
