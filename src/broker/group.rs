use std::sync::{Arc, OnceLock};

use crate::actor::Epoch;
use crate::balancing::{LeastLoaded, Members, PowerOfTwo, Random, Ring, RoundRobin, Strategy, WeightTable};

mod keeper;
mod member;
mod order;

pub(crate) use keeper::KeyTicket;
use keeper::{Lasting, Moving};
pub(crate) use member::Member;
pub(crate) use order::Order;

/// The members of a service or pool at one moment, and how they share messages.
///
/// It never changes but for whose turn it is: who joins or leaves replaces it. So what is computed for these members is
/// computed once, when it is first needed.
pub(crate) struct Group<M> {
    members: Box<[Member<M>]>,
    /// What was set for it, if anything was.
    sharing: Option<Sharing<M>>,
    /// What stays when members change.
    lasting: Arc<Lasting>,
    /// Which of its changes this is after.
    number: u64,
    ring: OnceLock<Ring>,
    weights: OnceLock<WeightTable>,
    /// By the hash of a key: who had messages of it when the members changed, and is not the one for it any more.
    moving: Moving<M>,
}

/// How a group shares its messages.
pub(crate) enum Sharing<M> {
    /// Each goes to one member.
    One(Strategy),
    /// Each goes to all members, as clones that this makes.
    All(fn(&M) -> M),
}

/// How often a strategy is asked for another member, if the one that it names has closed, before any will do.
const LOOKS: usize = 8;

impl<M> Clone for Sharing<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Sharing<M> {}

impl<M> Default for Group<M> {
    fn default() -> Self {
        Self::of(Box::default(), None, Arc::new(Lasting::new()))
    }
}

impl<M> Group<M> {
    fn of(members: Box<[Member<M>]>, sharing: Option<Sharing<M>>, lasting: Arc<Lasting>) -> Self {
        let (ring, weights) = (OnceLock::new(), OnceLock::new());
        Self { members, sharing, lasting, number: 0, ring, weights, moving: Moving::default() }
    }

    /// The same with one member more, where turns go on; `None` if that actor is one.
    pub(super) fn with(&self, member: &Member<M>) -> Option<Self> {
        if self.member(member.cell.epoch).is_some() {
            return None;
        }
        let members = self.members.iter().chain([member]).cloned().collect();
        Some(Self::of(members, self.sharing, Arc::clone(&self.lasting)))
    }

    /// The same without that member; `None` if it is none.
    pub(super) fn without(&self, epoch: Epoch) -> Option<Self> {
        let members: Box<[_]> = self.members.iter().filter(|member| member.cell.epoch != epoch).cloned().collect();
        let left = members.len() < self.members.len();
        left.then(|| Self::of(members, self.sharing, Arc::clone(&self.lasting)))
    }

    pub(super) fn with_sharing(&self, sharing: Option<Sharing<M>>) -> Self {
        Self::of(self.members.clone(), sharing, Arc::clone(&self.lasting))
    }

    /// Whether it says anything that no group at all would not say.
    pub(super) fn is_kept(&self) -> bool {
        !self.members.is_empty() || self.sharing.is_some() || !self.moving.is_empty()
    }

    pub(super) fn members(&self) -> &[Member<M>] {
        &self.members
    }

    pub(super) fn member(&self, epoch: Epoch) -> Option<&Member<M>> {
        self.members.iter().find(|member| member.cell.epoch == epoch)
    }

    /// How it picks a member, if that was set.
    pub(super) fn strategy(&self) -> Option<Strategy> {
        match self.sharing? {
            Sharing::One(strategy) => Some(strategy),
            Sharing::All(_) => None,
        }
    }

    /// How to clone a message for all members, if that is what was set.
    pub(super) fn clone_fn(&self) -> Option<fn(&M) -> M> {
        match self.sharing? {
            Sharing::All(clone) => Some(clone),
            Sharing::One(_) => None,
        }
    }

    /// The members that take messages.
    pub(super) fn open(&self) -> impl Iterator<Item = &Member<M>> + Clone {
        self.members.iter().filter(|member| member.is_open())
    }

    /// The members to offer a message to. `key` is the hash of its routing key, if it has one, and only called where that
    /// matters. Members that have closed are not among them.
    #[inline(always)]
    pub(super) fn order(&self, strategy: Strategy, key: impl FnOnce() -> Option<u64>) -> Order<'_, M> {
        let key = if strategy == Strategy::ConsistentHash { key() } else { None };
        match key {
            Some(key) => self.keepers(key),
            None => self.spread(strategy),
        }
    }

    /// The one member for a key.
    fn keepers(&self, key: u64) -> Order<'_, M> {
        match self.place_of(key).filter(|&place| self.members[place].is_open()).or_else(|| self.next_keeper(key)) {
            // For the order of its key, set aside or not: there is no other.
            Some(place) => Order::of(&self.members, place, None).at_most(1),
            None => Order::nobody(),
        }
    }

    fn place_of(&self, key: u64) -> Option<usize> {
        self.ring.get_or_init(|| Ring::of(self)).place(key)
    }

    /// The one for a key among those that are still open: who has just closed is about to leave.
    #[cold]
    fn next_keeper(&self, key: u64) -> Option<usize> {
        let open: Vec<_> = (0..self.members.len()).filter(|&place| self.members[place].is_open()).collect();
        let ring = Ring::new(open.iter().map(|&place| self.identity(place)));
        ring.place(key).map(|place| open[place])
    }

    /// One member after the other, in turn from the first if they have turns, and else from anywhere, so that who comes
    /// after one that is full has no more to do than others.
    #[inline(always)]
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
            return Order::of(&self.members, first, None);
        }
        if !self.takes_more(first) {
            // So many turns were taken that it might be the same one's each time.
            first = self.anywhere();
        }
        Order::of(&self.members, first, Some(first))
    }

    #[inline]
    fn pick(&self, strategy: Strategy) -> Option<usize> {
        match strategy {
            Strategy::PowerOfTwo | Strategy::ConsistentHash => PowerOfTwo.pick(self, fastrand::u64(..)),
            Strategy::RoundRobin => RoundRobin.pick(self, &self.lasting.cursor),
            Strategy::Random => Random.pick(self, fastrand::u64(..)),
            Strategy::LeastLoaded => LeastLoaded.pick(self, fastrand::u64(..)),
            Strategy::Weighted => self.weights.get_or_init(|| WeightTable::of(self)).pick(fastrand::u64(..)),
        }
    }

    fn anywhere(&self) -> usize {
        Random.pick(self, fastrand::u64(..)).unwrap_or(0)
    }

    fn is_open(&self, place: usize) -> bool {
        !self.members[place].cell.queue.is_closed()
    }

    /// Whether it is open and not set aside, or at least to be tried.
    fn takes_more(&self, place: usize) -> bool {
        self.is_open(place) && self.members[place].cell.health.is_open()
    }
}

impl<M> Members for Group<M> {
    fn len(&self) -> usize {
        self.members.len()
    }

    #[inline]
    fn load(&self, place: usize) -> usize {
        // What has closed has nothing before it, and what fails at once hardly ever: neither must look idle.
        match &self.members[place].cell {
            cell if cell.queue.is_closed() => usize::MAX,
            cell if !cell.health.is_aside() => cell.load(),
            // So that it has its trial soon.
            cell if cell.health.is_trial_due() => 0,
            _ => usize::MAX,
        }
    }

    fn weight(&self, place: usize) -> u32 {
        self.members[place].seat.provider.weight()
    }

    fn identity(&self, place: usize) -> u64 {
        self.members[place].cell.id.word()
    }
}
