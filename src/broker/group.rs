use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;

use crate::actor::{ActorCell, Epoch};
use crate::balancing::{Cursor, LeastLoaded, Members, PowerOfTwo, Random, Ring, RoundRobin, Strategy, WeightTable};
use crate::mailbox::{Fence, KeyClaim, RouteKey};

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
    /// How large its share of the messages is, where that goes by weights.
    pub(crate) weight: u32,
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
}

/// How often a strategy is asked for another member, if the one that it names has closed, before any will do.
const LOOKS: usize = 8;

impl<M> Member<M> {
    /// An actor that is registered at the group's address.
    pub(super) fn resident(cell: &Arc<ActorCell<M>>) -> Self {
        Self { cell: Arc::clone(cell), seat: Arc::new(Seat { weight: cell.weight }) }
    }
}

impl<M> Clone for Member<M> {
    fn clone(&self) -> Self {
        Self { cell: Arc::clone(&self.cell), seat: Arc::clone(&self.seat) }
    }
}

impl<M> Clone for Sharing<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Sharing<M> {}

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
    fn of(members: Box<[Member<M>]>, sharing: Option<Sharing<M>>, lasting: Arc<Lasting>) -> Self {
        let (ring, weights) = (OnceLock::new(), OnceLock::new());
        Self { members, sharing, lasting, number: 0, ring, weights, moving: Moving::default() }
    }

    /// The same with one member more, where turns go on.
    pub(super) fn with(&self, member: &Member<M>) -> Self {
        let members = self.members.iter().chain([member]).cloned().collect();
        Self::of(members, self.sharing, Arc::clone(&self.lasting))
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

    /// The same, to forget who has ended since the members last changed; `None` if that actor had no key to give up.
    pub(super) fn settled(&self, epoch: Epoch) -> Option<Self> {
        self.moving.values().any(|former| former.cell.epoch == epoch).then(|| self.with_sharing(self.sharing))
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
        !self.members.is_empty() || self.sharing.is_some() || !self.moving.is_empty()
    }

    pub(super) fn members(&self) -> &[Member<M>] {
        &self.members
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
    pub(super) fn open(&self) -> impl Iterator<Item = &Arc<ActorCell<M>>> + Clone {
        self.members.iter().map(|member| &member.cell).filter(|cell| !cell.queue.is_closed())
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
            Some(place) => Order { members: &self.members, first: place, from: 0, seen: 0, end: 1 },
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
        // What has closed has nothing before it, and must not look idle.
        if self.is_open(place) { self.members[place].cell.load() } else { usize::MAX }
    }

    fn weight(&self, place: usize) -> u32 {
        self.members[place].seat.weight
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
            if (is_first || place != self.first) && !member.cell.queue.is_closed() {
                return Some(member);
            }
        }
    }
}
