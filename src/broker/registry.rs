use std::fmt;
use std::sync::Arc;

use foldhash::fast::RandomState;
use papaya::{Compute, HashMap, HashMapRef, LocalGuard, Operation};

use super::RegisterError;
use crate::actor::{ActorCell, Epoch};
use crate::address::{ActorAddress, ActorId, Name};
use crate::balancing::{Cursor, RoundRobin};

/// From an address to the actors behind it.
///
/// Readers take no lock and change no shared memory: resolving is a look into a concurrent map. Names are claimed and
/// freed in one atomic step each; an actor frees only what is still its own. A group is a list that joining and
/// leaving replace as a whole, so a reader sees the members of one moment.
pub struct ActorRegistry<M> {
    actors: HashMap<ActorId, Arc<ActorCell<M>>, RandomState>,
    named: HashMap<Name, Arc<ActorCell<M>>, RandomState>,
    services: HashMap<Name, Group<M>, RandomState>,
    pools: HashMap<Name, Group<M>, RandomState>,
}

/// The members of a service or pool at one moment, and whose turn it is.
struct Group<M> {
    members: Box<[Arc<ActorCell<M>>]>,
    cursor: Arc<Cursor>,
}

impl<M: 'static> ActorRegistry<M> {
    pub(crate) fn new() -> Self {
        Self {
            actors: HashMap::with_hasher(RandomState::default()),
            named: HashMap::with_hasher(RandomState::default()),
            services: HashMap::with_hasher(RandomState::default()),
            pools: HashMap::with_hasher(RandomState::default()),
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
        self.visit(address, |cell| (!cell.queue.is_closed()).then_some(())).is_some()
    }

    /// The actors that a message to this address may go to at this moment.
    pub fn resolve(&self, address: &ActorAddress) -> Vec<ActorId> {
        let living = |cell: &Arc<ActorCell<M>>| (!cell.queue.is_closed()).then_some(cell.id);
        match self.group(address) {
            Some((groups, name)) => {
                let groups = groups.pin();
                groups.get(name).into_iter().flat_map(|group| group.members.iter().filter_map(living)).collect()
            }
            None => self.visit(address, living).into_iter().collect(),
        }
    }

    /// Gives `visit` the actors that a message to `address` may go to, in the order in which they should be tried,
    /// until it returns something.
    #[inline]
    pub(crate) fn visit<R>(
        &self,
        address: &ActorAddress,
        visit: impl FnMut(&Arc<ActorCell<M>>) -> Option<R>,
    ) -> Option<R> {
        match address {
            ActorAddress::Id(id) => self.actors.pin().get(id).and_then(visit),
            ActorAddress::Named(name) => self.named.pin().get(name).and_then(visit),
            group => self.visit_group(group, visit),
        }
    }

    /// The actors by id, to look one up without visiting.
    #[inline(always)]
    pub(crate) fn actors(&self) -> Pinned<'_, ActorId, M> {
        self.actors.pin()
    }

    /// The actors by name, likewise.
    #[inline(always)]
    pub(crate) fn named(&self) -> Pinned<'_, Name, M> {
        self.named.pin()
    }

    /// As [`visit`](Self::visit), for the members of a service or pool.
    pub(crate) fn visit_group<R>(
        &self,
        address: &ActorAddress,
        mut visit: impl FnMut(&Arc<ActorCell<M>>) -> Option<R>,
    ) -> Option<R> {
        let (groups, name) = self.group(address)?;
        groups.pin().get(name)?.visit(&mut visit)
    }

    /// Enters an actor under its id and its address. Gives back the one that had the id and is on its way out, if there
    /// was one.
    pub(crate) fn enter(&self, cell: &Arc<ActorCell<M>>) -> Result<Option<Arc<ActorCell<M>>>, RegisterError> {
        let taken = || RegisterError::Taken { address: cell.address.clone() };
        let displaced = self.take_id(cell).ok_or_else(taken)?;
        match &cell.address {
            ActorAddress::Id(_) => {}
            ActorAddress::Named(name) => {
                if self.named.pin().try_insert(name.clone(), Arc::clone(cell)).is_err() {
                    self.remove(cell);
                    return Err(taken());
                }
            }
            ActorAddress::Service(name) => join(&self.services, name, cell),
            ActorAddress::Pool(name) => join(&self.pools, name, cell),
        }
        Ok(displaced)
    }

    /// Makes the id lead to `cell`, unless it leads to an actor that takes messages.
    fn take_id(&self, cell: &Arc<ActorCell<M>>) -> Option<Option<Arc<ActorCell<M>>>> {
        let actors = self.actors.pin();
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
                let freed = named.remove_if(name, |_, owner| owner.epoch == cell.epoch).ok().flatten();
                return freed.map(|(name, owner)| (name.clone(), Arc::clone(owner)));
            }
            ActorAddress::Service(name) => leave(&self.services, name, cell.epoch),
            ActorAddress::Pool(name) => leave(&self.pools, name, cell.epoch),
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
        self.named.pin().get(name).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<ActorCell<M>>> {
        self.actors.pin().values().cloned().collect()
    }

    fn group<'a>(&self, address: &'a ActorAddress) -> Option<(&Groups<M>, &'a Name)> {
        match address {
            ActorAddress::Service(name) => Some((&self.services, name)),
            ActorAddress::Pool(name) => Some((&self.pools, name)),
            ActorAddress::Id(_) | ActorAddress::Named(_) => None,
        }
    }
}

pub(crate) type Pinned<'a, K, M> = HashMapRef<'a, K, Arc<ActorCell<M>>, RandomState, LocalGuard<'a>>;

type Groups<M> = HashMap<Name, Group<M>, RandomState>;

impl<M> Group<M> {
    fn visit<R>(&self, visit: &mut impl FnMut(&Arc<ActorCell<M>>) -> Option<R>) -> Option<R> {
        let first = RoundRobin.first(&self.cursor, self.members.len())?;
        let (before, from) = self.members.split_at(first);
        from.iter().chain(before).filter(|cell| !cell.queue.is_closed()).find_map(visit)
    }
}

fn join<M>(groups: &Groups<M>, name: &Name, cell: &Arc<ActorCell<M>>) {
    groups.pin().compute(name.clone(), |group| {
        let (members, cursor) = match group {
            Some((_, group)) => (&*group.members, Arc::clone(&group.cursor)),
            None => (&[][..], Arc::default()),
        };
        let members = members.iter().chain([cell]).cloned().collect();
        Operation::<_, ()>::Insert(Group { members, cursor })
    });
}

fn leave<M>(groups: &Groups<M>, name: &Name, epoch: Epoch) {
    let _: Compute<'_, _, _, ()> = groups.pin().compute(name.clone(), |group| {
        let Some((_, group)) = group else {
            return Operation::Abort(());
        };
        let members: Box<[_]> = group.members.iter().filter(|cell| cell.epoch != epoch).cloned().collect();
        match members.len() {
            0 => Operation::Remove,
            _ => Operation::Insert(Group { members, cursor: Arc::clone(&group.cursor) }),
        }
    });
}

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

#[cfg(test)]
mod tests;
