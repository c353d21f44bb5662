use std::collections::HashSet;
use std::sync::Arc;

use switchboard::address::ActorId;
use switchboard::balancing::{LeastLoaded, Members, PowerOfTwo, Random, Ring, RoundRobin, Strategy, WeightTable};
use switchboard::broker::Outlook;

use crate::NodeId;
use crate::elsewhere::{Circle, Standing};

/// All members of a group at one moment, here and elsewhere, as a strategy sees them.
///
/// A strategy picks a member, and the message goes to that member's node, where the broker in memory picks among those that it
/// has. For a key that is the same member: the next on the ring of all is the next on the ring of its node's.
pub(crate) struct Candidates {
    members: Vec<Candidate>,
    circle: Arc<Circle>,
}

struct Candidate {
    actor: ActorId,
    weight: u32,
    load: usize,
    is_full: bool,
    is_aside: bool,
    /// Where it is, if it is not here.
    there: Option<(NodeId, Arc<Standing>)>,
}

/// Where a message for a group can be taken.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    Here,
    There(NodeId, Arc<Standing>),
}

/// How many nodes are tried.
const STOPS: usize = 16;

/// How often a strategy is asked for another member if the one that it names is set aside or full, before any will do.
const LOOKS: usize = 8;

impl Candidates {
    pub(crate) fn new(here: Vec<Outlook>, circle: Arc<Circle>) -> Self {
        let here = here.into_iter().map(|outlook| Candidate {
            actor: outlook.provider.actor(),
            weight: outlook.provider.weight(),
            load: outlook.load,
            is_full: outlook.is_full,
            is_aside: outlook.is_aside,
            there: None,
        });
        let there = circle.members.iter().map(|member| Candidate {
            actor: member.provider.actor(),
            weight: member.provider.weight(),
            load: member.standing.load(),
            is_full: member.standing.is_full(),
            is_aside: member.standing.is_aside(),
            there: Some((member.node, Arc::clone(&member.standing))),
        });
        let mut members: Vec<_> = here.chain(there).collect();
        // In one order on all nodes, so that each gives turns in the same.
        members.sort_by_key(|member| member.actor);
        Self { members, circle }
    }

    /// The places of the members to try, one after the other. With the hash of a key there is only one.
    fn places(&self, strategy: Strategy, key: Option<u64>) -> Vec<usize> {
        if let (Strategy::ConsistentHash, Some(key)) = (strategy, key) {
            return self.ring().place(key).into_iter().collect();
        }
        let mut first = None;
        for _ in 0..LOOKS {
            first = self.pick(strategy);
            if first.is_none_or(|place| self.takes_more(place)) {
                break;
            }
        }
        let Some(first) = first else { return Vec::new() };
        let count = self.members.len();
        // Those after one that is full get no more to do than others.
        let from = if strategy == Strategy::RoundRobin { first } else { fastrand::usize(..count) };
        let others = (0..count).map(|step| (from + step) % count).filter(|place| *place != first);
        let mut places: Vec<_> = std::iter::once(first).chain(others).collect();
        // Stable, so the order stays but for those that are of no use just now, which come last.
        places.sort_by_key(|place| !self.takes_more(*place));
        places
    }

    /// The members to try.
    pub(crate) fn order(&self, strategy: Strategy, key: Option<u64>, most: usize) -> Vec<ActorId> {
        self.places(strategy, key).into_iter().take(most).map(|place| self.members[place].actor).collect()
    }

    /// The nodes to try, each once.
    pub(crate) fn stops(&self, strategy: Strategy, key: Option<u64>) -> Vec<Stop> {
        let mut seen = HashSet::new();
        let members = self.places(strategy, key).into_iter().map(|place| &self.members[place]);
        let news = members.filter(|member| seen.insert(member.there.as_ref().map(|(node, _)| *node)));
        let stops = news.take(STOPS).map(|member| match &member.there {
            Some((node, standing)) => Stop::There(*node, Arc::clone(standing)),
            None => Stop::Here,
        });
        stops.collect()
    }

    fn pick(&self, strategy: Strategy) -> Option<usize> {
        let random = fastrand::u64(..);
        match strategy {
            Strategy::RoundRobin => RoundRobin.pick(self, &self.circle.turn),
            Strategy::Random => Random.pick(self, random),
            Strategy::LeastLoaded => LeastLoaded.pick(self, random),
            Strategy::Weighted => WeightTable::of(self).pick(random),
            // Without a key too, and under what is not known yet.
            _ => PowerOfTwo.pick(self, random),
        }
    }

    fn takes_more(&self, place: usize) -> bool {
        !self.members[place].is_aside && !self.members[place].is_full
    }

    /// The ring of these members, made when they have changed.
    fn ring(&self) -> Arc<Ring> {
        let identities: Vec<_> = self.members.iter().map(|member| member.actor.word()).collect();
        let mut known = self.circle.ring.lock();
        match known.as_ref().filter(|(of, _)| *of == identities) {
            Some((_, ring)) => Arc::clone(ring),
            None => {
                let ring = Arc::new(Ring::of(self));
                *known = Some((identities, Arc::clone(&ring)));
                ring
            }
        }
    }
}

impl Members for Candidates {
    fn len(&self) -> usize {
        self.members.len()
    }

    fn load(&self, place: usize) -> usize {
        // What fails at once hardly ever has anything before it, and must not look idle.
        if self.takes_more(place) { self.members[place].load } else { usize::MAX }
    }

    fn weight(&self, place: usize) -> u32 {
        self.members[place].weight
    }

    fn identity(&self, place: usize) -> u64 {
        self.members[place].actor.word()
    }
}

#[cfg(test)]
mod tests {
    use switchboard::address::ActorAddress;
    use switchboard::services::Provider;

    use super::*;
    use crate::elsewhere::{Elsewhere, Load};
    use crate::roster::Roster;

    fn provider(number: usize, weight: u32) -> Provider {
        let text =
            format!(r#"{{"actor":"00000000000000ff-{number:016x}","version":null,"tags":[],"weight":{weight}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    /// Nodes with these members each, and nobody here.
    fn candidates(nodes: &[&[usize]]) -> (Elsewhere, Vec<NodeId>, impl Fn(&Elsewhere) -> Candidates) {
        let (elsewhere, group) = (Elsewhere::default(), ActorAddress::pool("readers").unwrap());
        let ids: Vec<_> = nodes.iter().map(|_| NodeId::next()).collect();
        for (node, members) in ids.iter().zip(nodes) {
            let providers = members.iter().map(|number| provider(*number, *number as u32)).collect();
            elsewhere.note(*node, Roster::of(vec![(group.clone(), providers)]));
        }
        (elsewhere, ids, move |elsewhere| Candidates::new(Vec::new(), elsewhere.circle(&group).unwrap()))
    }

    fn actor(number: usize) -> ActorId {
        provider(number, 1).actor()
    }

    fn load(number: usize, load: u32) -> Load {
        Load { actor: actor(number), load, is_full: false, is_aside: false }
    }

    #[test]
    fn turns_go_round_all_members_of_all_nodes() {
        let (elsewhere, _, of) = candidates(&[&[1, 3], &[2]]);
        let firsts: Vec<_> = (0..6).map(|_| of(&elsewhere).order(Strategy::RoundRobin, None, 1)[0]).collect();
        let expected: Vec<_> = (0..6).map(|turn| actor(turn % 3 + 1)).collect();
        assert_eq!(firsts, expected);
        assert_eq!(of(&elsewhere).order(Strategy::RoundRobin, None, 9), [1, 2, 3].map(actor));
    }

    #[test]
    fn the_least_loaded_of_all_is_first_and_those_of_no_use_last() {
        let (elsewhere, nodes, of) = candidates(&[&[1], &[2], &[3]]);
        for (node, number, messages) in [(0, 1, 5), (1, 2, 2), (2, 3, 9)] {
            elsewhere.weigh(nodes[node], vec![load(number, messages)]);
        }
        assert_eq!(of(&elsewhere).order(Strategy::LeastLoaded, None, 1), [actor(2)]);
        elsewhere.weigh(nodes[1], vec![Load { is_full: true, ..load(2, 2) }]);
        elsewhere.weigh(nodes[0], vec![Load { is_aside: true, ..load(1, 0) }]);
        for strategy in [Strategy::LeastLoaded, Strategy::PowerOfTwo, Strategy::Random, Strategy::RoundRobin] {
            let order = of(&elsewhere).order(strategy, None, 9);
            assert_eq!((order[0], order.len()), (actor(3), 3), "{strategy}");
        }
    }

    #[test]
    fn those_of_use_come_before_all_others_wherever_turns_begin() {
        let (elsewhere, nodes, of) = candidates(&[&[1, 2], &[3, 4]]);
        elsewhere.weigh(nodes[0], vec![Load { is_full: true, ..load(1, 0) }, Load { is_aside: true, ..load(2, 0) }]);
        for _ in 0..8 {
            let mut order = of(&elsewhere).order(Strategy::RoundRobin, None, 9);
            order[..2].sort_unstable();
            assert_eq!(order[..2], [actor(3), actor(4)]);
        }
    }

    #[test]
    fn a_key_is_with_one_member_for_all_who_look_and_moves_only_with_its_member() {
        let (elsewhere, _, of) = candidates(&[&[1, 2], &[3, 4]]);
        let (more, _, of_more) = candidates(&[&[4], &[1, 2, 3], &[5]]);
        for key in (0..200_u64).map(|key| key.wrapping_mul(0x9E37_79B9_7F4A_7C15)) {
            let owner = of(&elsewhere).order(Strategy::ConsistentHash, Some(key), 9);
            assert_eq!(owner.len(), 1);
            let moved = of_more(&more).order(Strategy::ConsistentHash, Some(key), 9);
            assert!(moved == owner || moved == [actor(5)]);
        }
    }

    #[test]
    fn weights_are_shares_of_all() {
        let (elsewhere, _, of) = candidates(&[&[1], &[9]]);
        let heavy = (0..1_000).filter(|_| of(&elsewhere).order(Strategy::Weighted, None, 1) == [actor(9)]).count();
        assert!((850..950).contains(&heavy), "{heavy}");
    }

    #[test]
    fn each_node_is_tried_once() {
        let (elsewhere, nodes, of) = candidates(&[&[1, 2, 3], &[4, 5]]);
        let stops = of(&elsewhere).stops(Strategy::RoundRobin, None);
        let tried: Vec<_> = stops
            .iter()
            .map(|stop| match stop {
                Stop::There(node, _) => *node,
                Stop::Here => panic!("nobody is here"),
            })
            .collect();
        assert_eq!(tried, nodes);
    }
}
