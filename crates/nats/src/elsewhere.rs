use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::balancing::{Cursor, Ring};
use switchboard::services::Provider;

use crate::NodeId;
use crate::roster::Roster;

/// The members of services and pools that other nodes have, by what these say.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    rosters: HashMap<NodeId, Roster, RandomState>,
    groups: HashMap<ActorAddress, Arc<Circle>, RandomState>,
    /// Of each actor that is a member of anything.
    standings: HashMap<(NodeId, ActorId), Arc<Standing>, RandomState>,
}

/// A group as far as it is elsewhere, and what this node remembers of it.
#[derive(Debug, Default)]
pub(crate) struct Circle {
    pub(crate) members: Vec<Member>,
    /// Whose turn it is, of all members.
    pub(crate) turn: Arc<Cursor>,
    /// The ring of these identities, those of members here among them.
    pub(crate) ring: Mutex<Option<(Vec<u64>, Arc<Ring>)>>,
}

/// A member on another node.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) node: NodeId,
    pub(crate) provider: Provider,
    pub(crate) standing: Arc<Standing>,
}

/// How an actor of another node is doing, as far as is known here.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// Messages before it, as its node said last, and those that were sent there from here since.
    load: AtomicUsize,
    is_full: AtomicBool,
    is_aside: AtomicBool,
}

/// What a node says now and then of one of its members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) actor: ActorId,
    pub(crate) load: u32,
    pub(crate) is_full: bool,
    pub(crate) is_aside: bool,
}

/// The groups that have changed, and who is in them elsewhere now.
pub(crate) type Changed = Vec<(ActorAddress, Vec<Provider>)>;

impl Elsewhere {
    /// Takes note of what a node says of its members now.
    pub(crate) fn note(&self, node: NodeId, roster: Roster) -> Changed {
        let mut known = self.0.lock();
        let before = known.rosters.remove(&node).unwrap_or_default();
        let groups: BTreeSet<_> = before.groups.iter().chain(&roster.groups).map(|(group, _)| group.clone()).collect();
        let is_news = before != roster;
        let actors: BTreeSet<_> = roster.actors().collect();
        known.rosters.insert(node, roster);
        if !is_news {
            return Vec::new();
        }
        known.standings.retain(|(of, actor), _| *of != node || actors.contains(actor));
        groups.into_iter().map(|group| (group.clone(), known.form(&group))).collect()
    }

    /// Forgets a node that has gone.
    pub(crate) fn lose(&self, node: NodeId) -> Changed {
        let changed = self.note(node, Roster::default());
        self.0.lock().rosters.remove(&node);
        changed
    }

    /// The group as far as it is elsewhere, if it has members there.
    pub(crate) fn circle(&self, group: &ActorAddress) -> Option<Arc<Circle>> {
        self.0.lock().groups.get(group).filter(|circle| !circle.members.is_empty()).cloned()
    }

    /// The nodes that have said something.
    pub(crate) fn nodes(&self) -> Vec<NodeId> {
        self.0.lock().rosters.keys().copied().collect()
    }

    /// Takes note of how much its members have to do.
    pub(crate) fn weigh(&self, node: NodeId, loads: Vec<Load>) {
        let known = self.0.lock();
        for load in loads {
            if let Some(standing) = known.standings.get(&(node, load.actor)) {
                standing.load.store(load.load as usize, Ordering::Relaxed);
                standing.is_full.store(load.is_full, Ordering::Relaxed);
                standing.is_aside.store(load.is_aside, Ordering::Relaxed);
            }
        }
    }
}

impl Known {
    /// Puts together who is in a group now.
    fn form(&mut self, group: &ActorAddress) -> Vec<Provider> {
        let mut members = Vec::new();
        for (node, roster) in &self.rosters {
            let providers = roster.groups.iter().filter(|(of, _)| of == group).flat_map(|(_, providers)| providers);
            for provider in providers {
                let standing = Arc::clone(self.standings.entry((*node, provider.actor())).or_default());
                members.push(Member { node: *node, provider: provider.clone(), standing });
            }
        }
        // All nodes give turns in the same order, whichever they have heard of first.
        members.sort_by_key(|member| member.provider.actor());
        let providers = members.iter().map(|member| member.provider.clone()).collect();
        let turn = self.groups.get(group).map(|circle| Arc::clone(&circle.turn)).unwrap_or_default();
        if members.is_empty() {
            self.groups.remove(group);
        } else {
            self.groups.insert(group.clone(), Arc::new(Circle { members, turn, ring: Mutex::default() }));
        }
        providers
    }
}

impl Standing {
    // Relaxed, as all of these: an estimate, that makes a choice less good and never wrong.
    pub(crate) fn load(&self) -> usize {
        self.load.load(Ordering::Relaxed)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    pub(crate) fn is_aside(&self) -> bool {
        self.is_aside.load(Ordering::Relaxed)
    }

    /// Something more is before it. Its node says how much when it next says anything.
    pub(crate) fn was_sent(&self) {
        self.load.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(number: u8, weight: u32) -> Provider {
        let text = format!(
            r#"{{"actor":"00000000000000ff-00000000000000{number:02x}","version":null,"tags":[],"weight":{weight}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn readers() -> ActorAddress {
        ActorAddress::pool("readers").unwrap()
    }

    fn roster(numbers: &[u8]) -> Roster {
        Roster::of(vec![(readers(), numbers.iter().map(|number| provider(*number, 1)).collect())])
    }

    fn actors(elsewhere: &Elsewhere) -> Vec<ActorId> {
        let circle = elsewhere.circle(&readers());
        circle.iter().flat_map(|circle| &circle.members).map(|member| member.provider.actor()).collect()
    }

    #[test]
    fn a_group_is_what_all_nodes_say_of_it_in_one_order() {
        let (elsewhere, one, other) = (Elsewhere::default(), NodeId::next(), NodeId::next());
        assert!(elsewhere.circle(&readers()).is_none());
        elsewhere.note(one, roster(&[3, 1]));
        let changed = elsewhere.note(other, roster(&[2]));
        assert_eq!((changed.len(), &changed[0].0, changed[0].1.len()), (1, &readers(), 3));
        let expected: Vec<_> = [1, 2, 3].map(|number| provider(number, 1).actor()).into();
        assert_eq!(actors(&elsewhere), expected);
        assert!(elsewhere.note(other, roster(&[2])).is_empty(), "the same again is no news");
        let left = elsewhere.lose(one);
        assert_eq!((left[0].1.len(), actors(&elsewhere).len()), (1, 1));
        assert_eq!(elsewhere.lose(other), [(readers(), Vec::new())]);
        assert!(elsewhere.circle(&readers()).is_none());
        assert!(elsewhere.lose(other).is_empty());
        let known = elsewhere.0.lock();
        assert!(known.rosters.is_empty() && known.groups.is_empty() && known.standings.is_empty());
    }

    #[test]
    fn turns_and_loads_stay_when_others_come_and_go() {
        let (elsewhere, node) = (Elsewhere::default(), NodeId::next());
        elsewhere.note(node, roster(&[1]));
        let before = elsewhere.circle(&readers()).unwrap();
        let actor = before.members[0].provider.actor();
        elsewhere.weigh(node, vec![Load { actor, load: 7, is_full: true, is_aside: true }]);
        before.members[0].standing.was_sent();
        // Of another node's actor it has nothing to say.
        elsewhere.weigh(NodeId::next(), vec![Load { actor, load: 1, is_full: false, is_aside: false }]);
        elsewhere.note(node, roster(&[1, 2]));
        let after = elsewhere.circle(&readers()).unwrap();
        let standing = &after.members[0].standing;
        assert_eq!((standing.load(), standing.is_full(), standing.is_aside()), (8, true, true));
        assert!(Arc::ptr_eq(&before.turn, &after.turn));
    }
}
