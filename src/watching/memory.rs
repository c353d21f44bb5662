use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::actor::ActorEnd;
use crate::address::{ActorAddress, ActorId, Name};

/// The latest ends, as many as there is room for.
pub(super) struct Memory {
    ends: VecDeque<Arc<ActorEnd>>,
    /// The number of the oldest that is kept. The first of all has number 0.
    oldest: u64,
    /// The number of each actor's latest end.
    by_id: HashMap<ActorId, u64, RandomState>,
    /// The number of the latest end at each name.
    by_name: HashMap<Name, u64, RandomState>,
    capacity: usize,
}

impl Memory {
    pub(super) fn new(capacity: usize) -> Self {
        Self { ends: VecDeque::new(), oldest: 0, by_id: HashMap::default(), by_name: HashMap::default(), capacity }
    }

    pub(super) fn keep(&mut self, end: &Arc<ActorEnd>) {
        if self.capacity == 0 {
            return;
        }
        if self.ends.len() == self.capacity {
            self.forget_oldest();
        }
        let number = self.oldest + self.ends.len() as u64;
        self.by_id.insert(end.actor, number);
        if let ActorAddress::Named(name) = &end.address {
            self.by_name.insert(name.clone(), number);
        }
        self.ends.push_back(Arc::clone(end));
    }

    /// The latest end of the actor with this id, or of one at this name.
    pub(super) fn find(&self, address: &ActorAddress) -> Option<&Arc<ActorEnd>> {
        let number = match address {
            ActorAddress::Id(id) => self.by_id.get(id)?,
            ActorAddress::Named(name) => self.by_name.get(name)?,
            ActorAddress::Service(_) | ActorAddress::Pool(_) => return None,
        };
        self.ends.get(usize::try_from(number - self.oldest).ok()?)
    }

    fn forget_oldest(&mut self) {
        let Some(end) = self.ends.pop_front() else { return };
        let number = self.oldest;
        self.oldest += 1;
        // A later end of the same id or name stays.
        if self.by_id.get(&end.actor) == Some(&number) {
            self.by_id.remove(&end.actor);
        }
        if let ActorAddress::Named(name) = &end.address
            && self.by_name.get(name) == Some(&number)
        {
            self.by_name.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;
    use crate::actor::StopCause;

    fn end(actor: ActorId, address: &ActorAddress) -> Arc<ActorEnd> {
        Arc::new(ActorEnd { actor, address: address.clone(), cause: StopCause::Stopped, at: Utc::now() })
    }

    fn found(memory: &Memory, address: impl Into<ActorAddress>) -> Option<ActorId> {
        memory.find(&address.into()).map(|end| end.actor)
    }

    #[test]
    fn the_latest_ends_are_found_by_id_and_name_and_the_oldest_forgotten() {
        let mut memory = Memory::new(3);
        let names: Vec<_> = (0..5).map(|number| ActorAddress::named(format!("desk{number}")).unwrap()).collect();
        let ids: Vec<_> = names.iter().map(|_| ActorId::next()).collect();
        for (id, name) in ids.iter().zip(&names) {
            memory.keep(&end(*id, name));
            assert_eq!(found(&memory, *id), Some(*id));
            assert_eq!(found(&memory, name.clone()), Some(*id));
        }
        let kept: Vec<_> = ids.iter().map(|id| found(&memory, *id).is_some()).collect();
        assert_eq!(kept, [false, false, true, true, true]);
        let kept: Vec<_> = names.iter().map(|name| found(&memory, name.clone()).is_some()).collect();
        assert_eq!(kept, [false, false, true, true, true]);
        assert_eq!((memory.by_id.len(), memory.by_name.len()), (3, 3));
    }

    #[test]
    fn the_latest_end_at_a_name_or_of_an_id_counts_and_outlives_the_earlier() {
        let mut memory = Memory::new(2);
        let desk = ActorAddress::named("desk").unwrap();
        let (first, second, third) = (ActorId::next(), ActorId::next(), ActorId::next());
        memory.keep(&end(first, &desk));
        memory.keep(&end(second, &desk));
        assert_eq!(found(&memory, desk.clone()), Some(second));
        memory.keep(&end(third, &third.into()));
        assert_eq!((found(&memory, first), found(&memory, desk.clone())), (None, Some(second)));
        memory.keep(&end(third, &third.into()));
        assert_eq!((found(&memory, desk), found(&memory, third)), (None, Some(third)));
        memory.keep(&end(ActorId::next(), &first.into()));
        assert_eq!(found(&memory, third), Some(third));
    }

    #[test]
    fn room_for_none_remembers_none() {
        let mut memory = Memory::new(0);
        let actor = ActorId::next();
        memory.keep(&end(actor, &actor.into()));
        assert_eq!(found(&memory, actor), None);
        assert!(memory.by_id.is_empty());
    }

    #[test]
    fn the_end_of_a_member_is_found_by_its_id_and_not_by_its_group() {
        let mut memory = Memory::new(2);
        let (actor, pool) = (ActorId::next(), ActorAddress::pool("desks").unwrap());
        memory.keep(&end(actor, &pool));
        assert_eq!((found(&memory, actor), found(&memory, pool)), (Some(actor), None));
    }
}
