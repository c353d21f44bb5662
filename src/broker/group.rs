use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;

use crate::actor::{ActorCell, Epoch};
use crate::balancing::{Cursor, LeastLoaded, Members, PowerOfTwo, Random, Ring, RoundRobin, Strategy, WeightTable};
use crate::mailbox::{Fence, KeyClaim, RouteKey};
use crate::services::{MemberOptions, Provider};

/// The members of a service or pool at one moment, and how they share messages.
///
/// It never changes but for whose turn it is: who joins or leaves replaces it. So what is computed for these members is
/// computed once, when it is first needed.
pub(crate) struct Group<M> {
    members: Box<[Member<M>]>,
    /// What was set for it, if anything was.
    strategy: Option<Strategy>,
    /// What stays when members change.
    lasting: Arc<Lasting>,
    /// Which of its changes this is after.
    number: u64,
    ring: OnceLock<Ring>,
    weights: OnceLock<WeightTable>,
    /// By the hash of a key: who had messages of it when the members changed, and is not the one for it any more.
    moving: Moving<M>,
}

type Moving<M> = HashMap<u64, Former<M>, RandomState>;

/// Who has messages of a key that is another's by now.
struct Former<M> {
    cell: Arc<ActorCell<M>>,
    /// Whether it is still a member, and takes more of them for as long as it has any.
    stays: bool,
}

/// What a group keeps for as long as it is one.
pub(crate) struct Lasting {
    id: u64,
    /// Whose turn it is.
    cursor: Cursor,
    fence: Fence,
    /// Whether a message was ever sent by its key.
    by_key: AtomicBool,
}

/// The one member for a key.
pub(crate) struct Keeper<'a, M> {
    pub(crate) cell: &'a Arc<ActorCell<M>>,
    pub(crate) key: RouteKey,
    beside_others: bool,
    takes_more: bool,
    number: u64,
    lasting: &'a Arc<Lasting>,
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

/// That a mailbox was found to be the one for a key.
pub(crate) struct KeyTicket {
    key: RouteKey,
    beside_others: bool,
    number: u64,
    lasting: Arc<Lasting>,
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
    /// Whether some were passed over because they are set aside.
    passed_over: bool,
    /// Whether those are offered the message as well.
    takes_all: bool,
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
        self.left.store(true, Ordering::Release);
    }

    pub(super) fn has_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }
}

impl<M> Clone for Member<M> {
    fn clone(&self) -> Self {
        Self { cell: Arc::clone(&self.cell), seat: Arc::clone(&self.seat) }
    }
}

impl Lasting {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // Relaxed: only the numbers must differ.
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { id, cursor: Cursor::default(), fence: Fence::default(), by_key: AtomicBool::new(false) }
    }
}

impl<M> Default for Group<M> {
    fn default() -> Self {
        Self::of(Box::default(), None, Arc::new(Lasting::new()))
    }
}

impl<M> Group<M> {
    fn of(members: Box<[Member<M>]>, strategy: Option<Strategy>, lasting: Arc<Lasting>) -> Self {
        let (ring, weights) = (OnceLock::new(), OnceLock::new());
        Self { members, strategy, lasting, number: 0, ring, weights, moving: Moving::default() }
    }

    /// The same with one member more, where turns go on; `None` if that actor is one.
    pub(super) fn with(&self, member: &Member<M>) -> Option<Self> {
        if self.member(member.cell.epoch).is_some() {
            return None;
        }
        let members = self.members.iter().chain([member]).cloned().collect();
        Some(Self::of(members, self.strategy, Arc::clone(&self.lasting)))
    }

    /// The same without that member; `None` if it is none.
    pub(super) fn without(&self, epoch: Epoch) -> Option<Self> {
        let members: Box<[_]> = self.members.iter().filter(|member| member.cell.epoch != epoch).cloned().collect();
        let left = members.len() < self.members.len();
        left.then(|| Self::of(members, self.strategy, Arc::clone(&self.lasting)))
    }

    pub(super) fn with_strategy(&self, strategy: Option<Strategy>) -> Self {
        Self::of(self.members.clone(), strategy, Arc::clone(&self.lasting))
    }

    /// The same, to forget who has ended since the members last changed; `None` if that actor had no key to give up.
    pub(super) fn settled(&self, epoch: Epoch) -> Option<Self> {
        self.moving.values().any(|former| former.cell.epoch == epoch).then(|| self.with_strategy(self.strategy))
    }

    /// Makes this the group that follows `before`: ends what senders knew of that, and notes which keys are with whom.
    ///
    /// Not at the same time as another change of the group.
    pub(super) fn succeed(&mut self, before: &Self) {
        self.number = self.lasting.fence.raise();
        // SeqCst with the store in `keeper`: who sets it after this sees the number that was raised before.
        if !self.lasting.by_key.load(Ordering::SeqCst) {
            return;
        }
        let mut asked = HashSet::<Epoch, RandomState>::default();
        let cells =
            before.members.iter().map(|member| &member.cell).chain(before.moving.values().map(|former| &former.cell));
        let members: HashSet<Epoch, RandomState> = self.members.iter().map(|member| member.cell.epoch).collect();
        for cell in cells.filter(|cell| asked.insert(cell.epoch)) {
            let stays = members.contains(&cell.epoch);
            for hash in cell.queue.keys_of(self.lasting.id) {
                let keeper = self.place_of(hash).map(|place| self.members[place].cell.epoch);
                if keeper != Some(cell.epoch) {
                    self.moving.insert(hash, Former { cell: Arc::clone(cell), stays });
                }
            }
        }
    }

    /// Whether it says anything that no group at all would not say.
    pub(super) fn is_kept(&self) -> bool {
        !self.members.is_empty() || self.strategy.is_some() || !self.moving.is_empty()
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

    /// Who gets a message with a key, so that the order of the key survives changes: the one who has messages of it, if
    /// anyone has, and else the one whose it is. `None` if there are no members.
    pub(super) fn keeper(&self, hash: u64) -> Option<Keeper<'_, M>> {
        if !self.lasting.by_key.load(Ordering::Relaxed) {
            self.lasting.by_key.store(true, Ordering::SeqCst);
        }
        let place = self.place_of(hash)?;
        let key = RouteKey { group: self.lasting.id, hash };
        let former = self.moving.get(&hash).filter(|former| former.cell.queue.holds_key(key));
        Some(Keeper {
            cell: former.map_or(&self.members[place].cell, |former| &former.cell),
            key,
            beside_others: former.is_some(),
            takes_more: former.is_none_or(|former| former.stays),
            number: self.number,
            lasting: &self.lasting,
        })
    }

    /// The one member for a key.
    fn keepers(&self, key: u64) -> Order<'_, M> {
        match self.place_of(key).filter(|&place| self.is_open(place)).or_else(|| self.next_keeper(key)) {
            // For the order of its key, set aside or not: there is no other.
            Some(place) => Order { end: 1, ..Order::of(&self.members, place, 0) },
            None => Order::nobody(),
        }
    }

    fn place_of(&self, key: u64) -> Option<usize> {
        self.ring.get_or_init(|| Ring::of(self)).place(key)
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
        self.members[place].is_open()
    }

    /// Whether it is open and not set aside, or at least to be tried.
    fn takes_more(&self, place: usize) -> bool {
        self.is_open(place) && self.members[place].cell.health.is_open()
    }
}

impl<M> Keeper<'_, M> {
    /// Whether it is no member any more, so that it takes no more of the key, and nobody else may before it is done.
    pub(super) fn has_left(&self) -> bool {
        !self.takes_more
    }

    pub(super) fn claim(&self) -> KeyClaim<'_> {
        let Self { key, beside_others, number, lasting, .. } = *self;
        KeyClaim { key, fence: &lasting.fence, number, beside_others }
    }
}

impl<M> Keeper<'_, M> {
    /// What [`claim`](Self::claim) says, to be kept for longer.
    pub(super) fn ticket(&self) -> KeyTicket {
        let Self { key, beside_others, number, lasting, .. } = *self;
        KeyTicket { key, beside_others, number, lasting: Arc::clone(lasting) }
    }
}

impl KeyTicket {
    pub(super) fn claim(&self) -> KeyClaim<'_> {
        let Self { key, beside_others, number, ref lasting } = *self;
        KeyClaim { key, fence: &lasting.fence, number, beside_others }
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

impl<'a, M> Order<'a, M> {
    const fn nobody() -> Self {
        Self { end: 0, ..Self::of(&[], 0, 0) }
    }

    /// The first, then all others.
    const fn of(members: &'a [Member<M>], first: usize, from: usize) -> Self {
        Self { members, first, from, seen: 0, end: members.len() + 1, passed_over: false, takes_all: false }
    }

    /// The next member to offer the message to; its trial, if one is due. Those that are set aside come last, and not if
    /// there are others that are only `full`.
    #[inline]
    pub(super) fn next_offer(&mut self, full: bool) -> Option<&'a Member<M>> {
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
