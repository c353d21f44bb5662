//! The registry, as simple as can be.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use switchboard::address::{ActorAddress, ActorId, Name};
use switchboard::broker::{JoinError, RegisterError, SendErrorKind};

/// Messages that a mailbox has room for.
pub(crate) const ROOM: usize = 2;

/// Plain maps. Actors are told apart by their numbers, which are never given twice, as ids may be.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) actors: Vec<Actor>,
    /// Who has an id, until its inbox is gone or another has taken it.
    pub(crate) ids: BTreeMap<ActorId, usize>,
    names: BTreeMap<ActorAddress, usize>,
    groups: BTreeMap<ActorAddress, Vec<Member>>,
}

pub(crate) struct Actor {
    pub(crate) id: ActorId,
    pub(crate) is_open: bool,
    pub(crate) queue: VecDeque<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) actor: usize,
    /// The major number of its version.
    pub(crate) version: Option<u64>,
}

impl Model {
    /// Whether somebody can be registered there.
    pub(crate) fn is_free(&self, address: &ActorAddress) -> Result<(), RegisterError> {
        let owner = match address {
            ActorAddress::Id(id) => self.ids.get(id).filter(|owner| self.actors[**owner].is_open),
            address => self.names.get(address),
        };
        owner.map_or(Ok(()), |_| Err(RegisterError::Taken { address: address.clone() }))
    }

    pub(crate) fn register(&mut self, id: ActorId, address: &ActorAddress) {
        let actor = self.actors.len();
        self.actors.push(Actor { id, is_open: true, queue: VecDeque::new() });
        self.ids.insert(id, actor);
        match address {
            ActorAddress::Id(own) => assert_eq!(*own, id),
            ActorAddress::Named(_) => assert_eq!(self.names.insert(address.clone(), actor), None),
            group => self.groups.entry(group.clone()).or_default().push(Member { actor, version: None }),
        }
    }

    /// Frees its name and has it leave its groups, if that is news.
    pub(crate) fn close(&mut self, actor: usize) -> bool {
        let closed = std::mem::replace(&mut self.actors[actor].is_open, false);
        self.names.retain(|_, owner| *owner != actor);
        self.groups.values_mut().for_each(|members| members.retain(|member| member.actor != actor));
        closed
    }

    /// As when its inbox is dropped. Gives back how many messages it had.
    pub(crate) fn end(&mut self, actor: usize) -> usize {
        self.close(actor);
        self.ids.retain(|_, owner| *owner != actor);
        std::mem::take(&mut self.actors[actor].queue).len()
    }

    pub(crate) fn join(&mut self, group: &ActorAddress, member: Member) -> Result<(), JoinError> {
        if !self.actors[member.actor].is_open {
            return Err(JoinError::NoSuchActor { actor: self.actors[member.actor].id });
        }
        let members = self.groups.entry(group.clone()).or_default();
        if members.iter().any(|known| known.actor == member.actor) {
            return Err(JoinError::AlreadyMember { address: group.clone() });
        }
        members.push(member);
        Ok(())
    }

    pub(crate) fn leave(&mut self, group: &ActorAddress, actor: usize) {
        self.members_mut(group).retain(|member| member.actor != actor);
    }

    /// Who is there to send to, in the order in which they came.
    pub(crate) fn members(&self, address: &ActorAddress) -> Vec<Member> {
        let alone = |actor: &usize| Member { actor: *actor, version: None };
        match address {
            ActorAddress::Id(id) => {
                self.ids.get(id).filter(|owner| self.actors[**owner].is_open).map(alone).into_iter().collect()
            }
            ActorAddress::Named(_) => self.names.get(address).map(alone).into_iter().collect(),
            group => self.groups.get(group).cloned().unwrap_or_default(),
        }
    }

    pub(crate) fn services(&self) -> BTreeSet<Name> {
        let name = |address: &ActorAddress| match address {
            ActorAddress::Service(name) => Some(name.clone()),
            _ => None,
        };
        self.groups.iter().filter(|(_, members)| !members.is_empty()).filter_map(|(address, _)| name(address)).collect()
    }

    /// Who could take a message, or why nobody can.
    pub(crate) fn takers(&self, to: &ActorAddress) -> Result<Vec<usize>, SendErrorKind> {
        let members = self.members(to);
        if members.is_empty() {
            return Err(match to {
                ActorAddress::Id(id) if self.ids.contains_key(id) => SendErrorKind::ActorStopped,
                to if to.is_group() => SendErrorKind::NoMembers,
                _ => SendErrorKind::NoSuchActor,
            });
        }
        let takers: Vec<_> = members.iter().map(|member| member.actor).collect();
        let takers: Vec<_> = takers.into_iter().filter(|actor| self.actors[*actor].queue.len() < ROOM).collect();
        if takers.is_empty() { Err(SendErrorKind::Full) } else { Ok(takers) }
    }

    fn members_mut(&mut self, group: &ActorAddress) -> &mut Vec<Member> {
        self.groups.entry(group.clone()).or_default()
    }
}
