use std::fmt;
use std::sync::Arc;

use foldhash::fast::RandomState;
use papaya::{Compute, LocalGuard, Operation};

use self::spare::Spare;
use super::RegisterError;
use super::group::{Group, Member, Order, Sharing};
use crate::actor::{ActorCell, Epoch};
use crate::address::{ActorAddress, ActorId, ByName, ByNameRef, Name};
use crate::balancing::{Strategy, key_hash};
use crate::limits::{Bounds, LimitError, Table};
use crate::message::{Message, MessageEnvelope};
use crate::services::{Directory, Provider, ServiceChange};
use crate::sync::{HashMap, HashMapRef, Mutex};

mod outlook;
mod spare;

pub use outlook::Outlook;

/// From an address to the actors behind it.
///
/// Readers take no lock and change no shared memory but for whose turn it is in a group: resolving is a look into a
/// concurrent map. Names are claimed and freed in one atomic step each; an actor frees only what is still its own. A group is a list that joining and
/// leaving replace as a whole, so a reader sees the members of one moment.
pub struct ActorRegistry<M> {
    actors: HashMap<ActorId, Arc<ActorCell<M>>, RandomState>,
    named: HashMap<ByName, Arc<ActorCell<M>>, RandomState>,
    services: Groups<M>,
    pools: Groups<M>,
    /// Of the actors, and of those with names.
    spare: [Spare; 2],
    /// Held by whoever changes a group.
    changing: Mutex<()>,
    /// Who follows them.
    pub(super) directory: Directory,
    /// How a group shares messages if nothing else is said.
    strategy: Strategy,
    bounds: Arc<Bounds>,
}

impl<M: 'static> ActorRegistry<M> {
    pub(crate) fn new(strategy: Strategy, bounds: Arc<Bounds>) -> Self {
        Self {
            actors: HashMap::with_hasher(RandomState::default()),
            named: HashMap::with_hasher(RandomState::default()),
            services: HashMap::with_hasher(RandomState::default()),
            pools: HashMap::with_hasher(RandomState::default()),
            spare: [Spare::new(), Spare::new()],
            changing: Mutex::new(()),
            directory: Directory::default(),
            strategy,
            bounds,
        }
    }

    /// How many actors there are.
    pub fn len(&self) -> usize {
        self.actors.len()
    }

    /// Whether there are no actors.
    pub fn is_empty(&self) -> bool {
        self.actors.is_empty()
    }

    /// Whether a message to this address would find an actor that takes messages.
    pub fn contains(&self, address: &ActorAddress) -> bool {
        self.find(address, |cell| (!cell.queue.is_closed()).then_some(())).is_some()
    }

    /// The actors that a message to this address may go to at this moment.
    pub fn resolve(&self, address: &ActorAddress) -> Vec<ActorId> {
        let mut living = Vec::new();
        let _: Option<()> = self.find(address, |cell| {
            living.extend((!cell.queue.is_closed()).then_some(cell.id));
            None
        });
        living
    }

    /// Gives `find` the actors behind `address`, one after the other, until it returns something.
    pub(crate) fn find<R>(
        &self,
        address: &ActorAddress,
        find: impl FnMut(&Arc<ActorCell<M>>) -> Option<R>,
    ) -> Option<R> {
        match address {
            ActorAddress::Id(id) => self.actors.pin().get(id).and_then(find),
            ActorAddress::Named(name) => self.named.pin().get(&ByNameRef(name)).and_then(find),
            ActorAddress::Service(_) | ActorAddress::Pool(_) => {
                let (groups, name) = self.groups(address)?;
                groups.get(&name)?.members().iter().map(|member| &member.cell).find_map(find)
            }
        }
    }

    /// The actors by id, to look one up without visiting.
    #[inline(always)]
    pub(crate) fn actors(&self) -> Pinned<'_, ActorId, M> {
        self.actors.pin()
    }

    /// The actors by name, likewise.
    #[inline(always)]
    pub(crate) fn named(&self) -> Pinned<'_, ByName, M> {
        self.named.pin()
    }

    /// The services or the pools, whichever `address` is one of, and which of them. `None` if it is no group.
    #[inline]
    pub(crate) fn groups<'a>(&'a self, address: &'a ActorAddress) -> Option<(PinnedGroups<'a, M>, ByNameRef<'a>)> {
        let (groups, name) = self.group(address)?;
        Some((groups.pin(), name))
    }

    /// Sets how a group shares messages, whether it has members or not.
    pub(crate) fn set_sharing(&self, address: &ActorAddress, sharing: Option<Sharing<M>>) -> Result<(), LimitError> {
        self.change_group(address, |group| Some(group.with_sharing(sharing))).map(drop)
    }

    /// Enters an actor under its id and its address. Gives back the one that had the id and is on its way out, if there
    /// was one. To be called under the lock under which names come and go, for their bound to hold.
    pub(crate) fn enter(&self, cell: &Arc<ActorCell<M>>) -> Result<Option<Arc<ActorCell<M>>>, RegisterError> {
        let taken = || RegisterError::Taken { address: cell.address.clone() };
        let displaced = self.take_id(cell).ok_or_else(taken)?;
        match &cell.address {
            ActorAddress::Id(_) => {}
            ActorAddress::Named(name) => {
                let named = self.named.pin();
                if let Err(limit) = self.bounds.check(Table::Names, named.len()) {
                    self.remove(cell);
                    return Err(limit.into());
                }
                self.spare[1].see_to(named.len(), |more| named.reserve(more));
                if named.try_insert(ByName(name.clone()), Arc::clone(cell)).is_err() {
                    self.remove(cell);
                    return Err(taken());
                }
            }
            ActorAddress::Service(_) | ActorAddress::Pool(_) => {
                if let Err(limit) = self.join_group(&cell.address, &Member::resident(cell)) {
                    self.remove(cell);
                    return Err(limit.into());
                }
            }
        }
        Ok(displaced)
    }

    /// Makes the id lead to `cell`, unless it leads to an actor that takes messages.
    fn take_id(&self, cell: &Arc<ActorCell<M>>) -> Option<Option<Arc<ActorCell<M>>>> {
        let actors = self.actors.pin();
        self.spare[0].see_to(actors.len(), |more| actors.reserve(more));
        let taking = actors.compute(cell.id, |owner| match owner {
            Some((_, owner)) if !owner.queue.is_closed() => Operation::Abort(()),
            _ => Operation::Insert(Arc::clone(cell)),
        });
        match taking {
            Compute::Inserted(..) => Some(None),
            Compute::Updated { old: (_, old), .. } => Some(Some(Arc::clone(old))),
            _ => None,
        }
    }

    /// Frees the actor's address, if it is still its own; gives the name that it had. Its id still leads to it, so that
    /// senders learn that it has stopped, until it is removed or the id is taken.
    pub(crate) fn free_address(&self, cell: &ActorCell<M>) -> Option<(Name, Arc<ActorCell<M>>)> {
        match &cell.address {
            ActorAddress::Id(_) => {}
            ActorAddress::Named(name) => {
                let named = self.named.pin();
                let freed = named.remove_if(&ByNameRef(name), |_, owner| owner.epoch == cell.epoch).ok().flatten();
                return freed.map(|(name, owner)| (name.0.clone(), Arc::clone(owner)));
            }
            ActorAddress::Service(_) | ActorAddress::Pool(_) => {
                self.leave_group(&cell.address, cell.epoch);
            }
        }
        None
    }

    /// Forgets the actor. False if its id no longer leads to it.
    pub(crate) fn remove(&self, cell: &ActorCell<M>) -> bool {
        matches!(self.actors.pin().remove_if(&cell.id, |_, owner| owner.epoch == cell.epoch), Ok(Some(_)))
    }

    pub(crate) fn actor(&self, id: ActorId) -> Option<Arc<ActorCell<M>>> {
        self.actors.pin().get(&id).cloned()
    }

    pub(crate) fn owner(&self, name: &Name) -> Option<Arc<ActorCell<M>>> {
        self.named.pin().get(&ByNameRef(name)).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<ActorCell<M>>> {
        self.actors.pin().values().cloned().collect()
    }

    /// The members of a service or pool here, those that have been there longest first.
    pub(super) fn providers_here(&self, address: &ActorAddress) -> Vec<Provider> {
        let Some((groups, name)) = self.groups(address) else { return Vec::new() };
        let members = groups.get(&name).map_or(&[][..], Group::members);
        members.iter().map(|member| member.seat.provider.clone()).collect()
    }

    /// The services that have members here.
    fn provided_here(&self) -> Vec<Name> {
        let services = self.services.pin();
        services.iter().filter(|(_, group)| !group.members().is_empty()).map(|(name, _)| name.0.clone()).collect()
    }

    /// Enters a member in a group. False if the actor is one of it.
    pub(super) fn join_group(&self, address: &ActorAddress, member: &Member<M>) -> Result<bool, LimitError> {
        let mut changing = self.directory.changing();
        let joined = self.change_group(address, |group| group.with(member))?;
        if joined {
            changing.tell_here(address, || ServiceChange::Joined(member.seat.provider.clone()));
        }
        Ok(joined)
    }

    /// Takes an actor out of a group, if it is one of it. Whether messages that came by their keys are still with it.
    pub(super) fn leave_group(&self, address: &ActorAddress, epoch: Epoch) -> bool {
        let mut changing = self.directory.changing();
        let Some((groups, name)) = self.groups(address) else { return false };
        let Some(member) = groups.get(&name).and_then(|group| group.member(epoch)) else { return false };
        // Before the list is without it, so that nobody who still sees it there takes it for a member.
        member.seat.leave();
        member.cell.queue.await_pushes();
        // Never refused, as it makes nothing larger.
        let _ = self.change_group(address, |group| group.without(epoch));
        changing.tell_here(address, || ServiceChange::Left(member.seat.provider.clone()));
        groups.get(&name).is_some_and(|group| group.has_keys_with(epoch))
    }

    /// Forgets the keys that an actor which has ended had in a group.
    pub(crate) fn settle_keys(&self, group: &ActorAddress, actor: Epoch) {
        // Never refused, likewise.
        let _ = self.change_group(group, |group| group.settled(actor));
    }

    /// Replaces a group, which is empty if there was none, by what `change` makes of it; false if that is nothing. An empty
    /// group for which nothing was set is not kept.
    fn change_group(
        &self,
        address: &ActorAddress,
        change: impl Fn(&Group<M>) -> Option<Group<M>>,
    ) -> Result<bool, LimitError> {
        let Some((groups, name)) = self.group(address) else { return Ok(false) };
        let _changing = self.changing.lock();
        let (groups, none) = (groups.pin(), Group::default());
        let known = groups.get(&name);
        let before = known.unwrap_or(&none);
        let Some(mut changed) = change(before) else { return Ok(false) };
        if known.is_none() && changed.is_kept() {
            self.bounds.check(Table::Groups, self.services.len() + self.pools.len())?;
        }
        if changed.members().len() > before.members().len() {
            self.bounds.check(Table::Members, before.members().len())?;
        }
        changed.succeed(before);
        if changed.is_kept() {
            groups.insert(name.to_key(), changed);
        } else if known.is_some() {
            groups.remove(&name);
        }
        Ok(true)
    }

    /// Waits for a change of a group that is going on.
    pub(crate) fn await_change(&self) {
        drop(self.changing.lock());
    }

    fn group<'a>(&self, address: &'a ActorAddress) -> Option<(&Groups<M>, ByNameRef<'a>)> {
        match address {
            ActorAddress::Service(name) => Some((&self.services, ByNameRef(name))),
            ActorAddress::Pool(name) => Some((&self.pools, ByNameRef(name))),
            ActorAddress::Id(_) | ActorAddress::Named(_) => None,
        }
    }
}

impl<M: Message> ActorRegistry<M> {
    /// The actor that this message would be offered to first if it were sent to `to` now.
    ///
    /// It is a pick like any other: where members have turns, one is taken, and where chance decides, the message itself
    /// may get another answer.
    pub fn pick(&self, to: &ActorAddress, envelope: &MessageEnvelope<M>) -> Option<ActorId> {
        match self.groups(to) {
            Some((groups, name)) => match groups.get(&name)? {
                group if self.clone_for_all(group, envelope).is_some() => {
                    group.open().map(|member| member.cell.id).next()
                }
                group => self.order(group, envelope).next().map(|member| member.cell.id),
            },
            None => self.find(to, |cell| (!cell.queue.is_closed()).then_some(cell.id)),
        }
    }

    /// How to clone this message for all members, if it is for all. A redelivery never is: one member has had it.
    pub(crate) fn clone_for_all(&self, group: &Group<M>, envelope: &MessageEnvelope<M>) -> Option<fn(&M) -> M> {
        match envelope.strategy() {
            _ if envelope.attempt() > 1 => None,
            Some(_) => None,
            None if envelope.is_to_all() => envelope.clone_fn(),
            None => group.clone_fn(),
        }
    }

    /// The hash of the message's key, if it goes by that.
    #[inline]
    pub(crate) fn key(&self, group: &Group<M>, envelope: &MessageEnvelope<M>) -> Option<u64> {
        if self.strategy(group, envelope) == Strategy::ConsistentHash { hash_of_key(envelope) } else { None }
    }

    #[inline(always)]
    fn strategy(&self, group: &Group<M>, envelope: &MessageEnvelope<M>) -> Strategy {
        envelope.strategy().or(group.strategy()).unwrap_or(self.strategy)
    }

    /// The actors that this message would be offered to first, up to `most`, each once. As [`pick`](Self::pick), a turn.
    pub(crate) fn first(&self, to: &ActorAddress, envelope: &MessageEnvelope<M>, most: usize) -> Vec<ActorId> {
        match self.groups(to) {
            Some((groups, name)) => match groups.get(&name) {
                Some(group) if self.clone_for_all(group, envelope).is_some() => {
                    group.open().map(|member| member.cell.id).take(most).collect()
                }
                Some(group) => self.order(group, envelope).take(most).map(|member| member.cell.id).collect(),
                None => Vec::new(),
            },
            None => self.resolve(to).into_iter().take(most).collect(),
        }
    }

    /// The members of a group that this message should be offered to, one after the other.
    #[inline(always)]
    pub(crate) fn order<'a>(&self, group: &'a Group<M>, envelope: &MessageEnvelope<M>) -> Order<'a, M> {
        group.order(self.strategy(group, envelope), || hash_of_key(envelope))
    }
}

fn hash_of_key<M: Message>(envelope: &MessageEnvelope<M>) -> Option<u64> {
    envelope.message().routing_key().map(key_hash)
}

pub(crate) type Pinned<'a, K, M> = HashMapRef<'a, K, Arc<ActorCell<M>>, RandomState, LocalGuard<'a>>;

pub(crate) type PinnedGroups<'a, M> = HashMapRef<'a, ByName, Group<M>, RandomState, LocalGuard<'a>>;

type Groups<M> = HashMap<ByName, Group<M>, RandomState>;

impl<M: 'static> fmt::Debug for ActorRegistry<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorRegistry")
            .field("actors", &self.len())
            .field("names", &self.named.len())
            .field("services", &self.services.len())
            .field("pools", &self.pools.len())
            .finish()
    }
}

#[cfg(all(test, shuttle))]
mod interleavings;
#[cfg(test)]
mod tests;
