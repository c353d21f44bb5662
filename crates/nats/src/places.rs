use std::collections::HashMap;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use switchboard::address::ActorId;

use crate::NodeId;

/// How many are remembered. Beyond that, looking begins anew.
const MOST: usize = 65_536;

/// The nodes of actors that were looked for by their ids. An actor never moves, so an entry is right until it has ended.
#[derive(Debug, Default)]
pub(crate) struct Places(Mutex<HashMap<ActorId, NodeId, RandomState>>);

impl Places {
    pub(crate) fn get(&self, actor: ActorId) -> Option<NodeId> {
        self.0.lock().get(&actor).copied()
    }

    pub(crate) fn note(&self, actor: ActorId, node: NodeId) {
        let mut places = self.0.lock();
        if places.len() >= MOST {
            places.clear();
        }
        places.insert(actor, node);
    }

    pub(crate) fn forget(&self, actor: ActorId) {
        self.0.lock().remove(&actor);
    }

    /// Forgets all actors of a node that has gone.
    pub(crate) fn lose(&self, node: NodeId) {
        self.0.lock().retain(|_, place| *place != node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_known_until_the_actor_or_its_node_has_gone() {
        let (places, node, other) = (Places::default(), NodeId::next(), NodeId::next());
        let actors: Vec<_> = (0..3).map(|_| ActorId::next()).collect();
        places.note(actors[0], node);
        places.note(actors[1], node);
        places.note(actors[2], other);
        places.forget(actors[0]);
        assert_eq!((places.get(actors[0]), places.get(actors[1])), (None, Some(node)));
        places.lose(node);
        assert_eq!((places.get(actors[1]), places.get(actors[2])), (None, Some(other)));
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered() {
        let (places, node) = (Places::default(), NodeId::next());
        (0..=MOST).for_each(|_| places.note(ActorId::next(), node));
        assert_eq!(places.0.lock().len(), 1);
    }
}
