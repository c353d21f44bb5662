use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::Group;
use crate::actor::{ActorCell, Epoch};
use crate::balancing::Cursor;
use crate::mailbox::{Fence, KeyClaim, RouteKey};
use crate::sync::atomic::{AtomicBool, Ordering};

/// The one member for a key.
pub(in crate::broker) struct Keeper<'a, M> {
    pub(in crate::broker) cell: &'a Arc<ActorCell<M>>,
    pub(in crate::broker) claim: KeyClaim<'a>,
    takes_more: bool,
    lasting: &'a Arc<Lasting>,
}

/// That a mailbox was found to be the one for a key, to be kept for longer than the look.
pub(crate) struct KeyTicket {
    key: RouteKey,
    beside_others: bool,
    number: u64,
    lasting: Arc<Lasting>,
}

/// What a group keeps for as long as it is one.
pub(super) struct Lasting {
    id: u64,
    /// Whose turn it is.
    pub(super) cursor: Cursor,
    fence: Fence,
    /// Whether a message was ever sent by its key.
    by_key: AtomicBool,
}

/// By the hash of a key: who has messages of it, and is not the one for it any more.
pub(super) type Moving<M> = HashMap<u64, Former<M>, RandomState>;

/// Who has messages of a key that is another's by now.
pub(super) struct Former<M> {
    cell: Arc<ActorCell<M>>,
    /// Whether it is still a member, and takes more of them for as long as it has any.
    stays: bool,
}

impl<M> Group<M> {
    /// The same, to forget who has ended since the members last changed; `None` if that actor had no key to give up.
    pub(in crate::broker) fn settled(&self, epoch: Epoch) -> Option<Self> {
        self.has_keys_with(epoch).then(|| self.with_sharing(self.sharing))
    }

    /// Whether keys of others are with that actor.
    pub(in crate::broker) fn has_keys_with(&self, epoch: Epoch) -> bool {
        self.moving.values().any(|former| former.cell.epoch == epoch)
    }

    /// Makes this the group that follows `before`: ends what senders knew of that, and notes which keys are with whom.
    ///
    /// Not at the same time as another change of the group.
    pub(in crate::broker) fn succeed(&mut self, before: &Self) {
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

    /// Who gets a message with a key, so that the order of the key survives changes: the one who has messages of it, if
    /// anyone has, and else the one whose it is. `None` if there are no members.
    pub(in crate::broker) fn keeper(&self, hash: u64) -> Option<Keeper<'_, M>> {
        if !self.lasting.by_key.load(Ordering::Relaxed) {
            self.lasting.by_key.store(true, Ordering::SeqCst);
        }
        let place = self.place_of(hash)?;
        let key = RouteKey { group: self.lasting.id, hash };
        let former = self.moving.get(&hash).filter(|former| former.cell.queue.holds_key(key));
        Some(Keeper {
            cell: former.map_or(&self.members[place].cell, |former| &former.cell),
            claim: KeyClaim { key, fence: &self.lasting.fence, number: self.number, beside_others: former.is_some() },
            takes_more: former.is_none_or(|former| former.stays),
            lasting: &self.lasting,
        })
    }
}

impl<M> Keeper<'_, M> {
    /// Whether it is no member any more, so that it takes no more of the key, and nobody else may before it is done.
    pub(in crate::broker) fn has_left(&self) -> bool {
        !self.takes_more
    }

    pub(in crate::broker) fn ticket(&self) -> KeyTicket {
        let KeyClaim { key, number, beside_others, .. } = self.claim;
        KeyTicket { key, beside_others, number, lasting: Arc::clone(self.lasting) }
    }
}

impl KeyTicket {
    pub(in crate::broker) fn claim(&self) -> KeyClaim<'_> {
        let Self { key, beside_others, number, ref lasting } = *self;
        KeyClaim { key, fence: &lasting.fence, number, beside_others }
    }
}

impl Lasting {
    pub(super) fn new() -> Self {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        // Relaxed: only the numbers must differ.
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { id, cursor: Cursor::default(), fence: Fence::default(), by_key: AtomicBool::new(false) }
    }
}
