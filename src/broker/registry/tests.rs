use std::sync::Barrier;
use std::thread;

use super::*;
use crate::mailbox::MailboxOptions;

type Cell = Arc<ActorCell<u64>>;

fn cell_at(id: ActorId, address: &ActorAddress) -> Cell {
    Arc::new(ActorCell::new(id, address.clone(), MailboxOptions::default(), false))
}

fn cell(address: &ActorAddress) -> Cell {
    cell_at(ActorId::next(), address)
}

/// A registry with so many actors at one address.
fn with(address: &ActorAddress, actors: usize) -> (ActorRegistry<u64>, Vec<Cell>) {
    let registry = ActorRegistry::new(Strategy::RoundRobin, Arc::default());
    let cells: Vec<_> = (0..actors).map(|_| cell(address)).collect();
    assert!(cells.iter().all(|cell| matches!(registry.enter(cell), Ok(None))));
    (registry, cells)
}

/// As an actor does that goes away.
fn leave(registry: &ActorRegistry<u64>, cell: &Cell) -> bool {
    registry.free_address(cell);
    registry.remove(cell)
}

fn ids(cells: &[Cell]) -> Vec<ActorId> {
    cells.iter().map(|cell| cell.id).collect()
}

fn own_address() -> (ActorId, ActorAddress) {
    let id = ActorId::next();
    (id, ActorAddress::from(id))
}

fn pool() -> ActorAddress {
    ActorAddress::pool("readers").unwrap()
}

/// The actors that are offered a message, in the order in which they are tried.
fn tried(registry: &ActorRegistry<u64>, address: &ActorAddress) -> Vec<ActorId> {
    let Some((groups, name)) = registry.groups(address) else {
        return registry.find(address, |cell| Some(cell.id)).into_iter().collect();
    };
    let order = groups.get(&name).map(|group| group.order(registry.strategy, || None));
    order.into_iter().flatten().map(|member| member.cell.id).collect()
}

#[test]
fn an_actor_of_each_kind_is_found_from_entering_to_leaving() {
    let (own_id, own) = own_address();
    let named = ActorAddress::named("desk").unwrap();
    for address in [own, named, ActorAddress::service("billing").unwrap(), pool()] {
        let registry = ActorRegistry::new(Strategy::RoundRobin, Arc::default());
        let id = if let ActorAddress::Id(_) = address { own_id } else { ActorId::next() };
        let cell = cell_at(id, &address);
        assert!(registry.is_empty() && !registry.contains(&address));
        assert!(matches!(registry.enter(&cell), Ok(None)));
        assert_eq!((registry.len(), registry.is_empty()), (1, false));
        assert!(registry.contains(&address) && registry.contains(&id.into()));
        assert_eq!(registry.resolve(&address), [id]);
        assert_eq!(tried(&registry, &address), [id]);
        assert!(registry.actor(id).is_some_and(|found| Arc::ptr_eq(&found, &cell)));
        assert!(leave(&registry, &cell) && !leave(&registry, &cell));
        assert!(registry.is_empty() && registry.all().is_empty());
        assert!(!registry.contains(&address) && !registry.contains(&id.into()));
        assert_eq!(registry.resolve(&address), []);
        assert!(tried(&registry, &address).is_empty() && registry.actor(id).is_none());
    }
}

#[test]
fn the_kinds_of_addresses_are_apart_under_one_name() {
    let registry = ActorRegistry::new(Strategy::RoundRobin, Arc::default());
    let addresses = ["named:desk", "service:desk", "pool:desk"].map(|text| text.parse::<ActorAddress>().unwrap());
    let cells = addresses.each_ref().map(cell);
    for (cell, address) in cells.iter().zip(&addresses) {
        assert!(!registry.contains(address));
        registry.enter(cell).unwrap();
    }
    for (cell, address) in cells.iter().zip(&addresses) {
        assert_eq!(registry.resolve(address), [cell.id]);
    }
    assert_eq!(registry.len(), 3);
}

#[test]
fn a_name_has_one_owner_and_who_comes_too_late_leaves_no_trace() {
    let (own_id, own) = own_address();
    let named = ActorAddress::named("desk").unwrap();
    for (address, ids) in [(named, [ActorId::next(), ActorId::next()]), (own, [own_id, own_id])] {
        let registry = ActorRegistry::new(Strategy::RoundRobin, Arc::default());
        let [owner, late] = ids.map(|id| cell_at(id, &address));
        registry.enter(&owner).unwrap();
        assert_eq!(registry.enter(&late).err(), Some(RegisterError::Taken { address: address.clone() }));
        assert_eq!(registry.len(), 1);
        // Whoever never got in has nothing to free.
        assert!(!leave(&registry, &late));
        assert_eq!(registry.resolve(&address), [owner.id]);
        assert!(registry.actor(owner.id).is_some_and(|found| Arc::ptr_eq(&found, &owner)));
    }
}

#[test]
fn a_late_leave_never_removes_a_newer_owner() {
    let (own_id, own) = own_address();
    let named = ActorAddress::named("desk").unwrap();
    for (address, ids) in [(named, [ActorId::next(), ActorId::next()]), (own, [own_id, own_id])] {
        let registry = ActorRegistry::new(Strategy::RoundRobin, Arc::default());
        let [former, newer] = ids.map(|id| cell_at(id, &address));
        registry.enter(&former).unwrap();
        assert!(leave(&registry, &former));
        registry.enter(&newer).unwrap();
        assert!(!leave(&registry, &former));
        assert_eq!(registry.resolve(&address), [newer.id]);
        assert!(registry.actor(newer.id).is_some_and(|found| Arc::ptr_eq(&found, &newer)));
    }
}

#[test]
fn an_actor_that_frees_its_name_is_known_by_its_id_until_it_is_removed() {
    let named = ActorAddress::named("desk").unwrap();
    let (registry, cells) = with(&named, 1);
    registry.free_address(&cells[0]);
    assert!(!registry.contains(&named));
    assert_eq!(tried(&registry, &cells[0].id.into()), [cells[0].id]);
    assert!(matches!(registry.enter(&cell(&named)), Ok(None)));
    registry.free_address(&cells[0]);
    assert!(registry.contains(&named));
    assert!(registry.remove(&cells[0]) && !registry.remove(&cells[0]));
}

#[test]
fn an_id_whose_actor_has_closed_can_be_taken_and_the_former_is_handed_back() {
    let (id, own) = own_address();
    let registry = ActorRegistry::new(Strategy::RoundRobin, Arc::default());
    let [former, newer] = [(); 2].map(|()| cell_at(id, &own));
    assert!(matches!(registry.enter(&former), Ok(None)));
    former.queue.close();
    let displaced = registry.enter(&newer).unwrap();
    assert!(displaced.is_some_and(|displaced| Arc::ptr_eq(&displaced, &former)));
    assert!(!leave(&registry, &former));
    assert!(registry.actor(id).is_some_and(|found| Arc::ptr_eq(&found, &newer)));
    assert_eq!(registry.len(), 1);
}

#[test]
fn of_eight_that_want_a_name_at_once_one_gets_it() {
    let address = ActorAddress::named("desk").unwrap();
    for _ in 0..50 {
        let (registry, start) = (ActorRegistry::new(Strategy::RoundRobin, Arc::default()), Barrier::new(8));
        let entered: usize = thread::scope(|scope| {
            let enter = || {
                let cell = cell(&address);
                start.wait();
                usize::from(registry.enter(&cell).is_ok())
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(enter)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((entered, registry.len()), (1, 1));
    }
}

#[test]
fn a_group_is_exact_after_joins_and_leaves_from_eight_threads() {
    let address = pool();
    let (registry, start) = (ActorRegistry::new(Strategy::RoundRobin, Arc::default()), Barrier::new(8));
    let mut stayed: Vec<_> = thread::scope(|scope| {
        let come_and_go = || {
            let cells: Vec<_> = (0..60).map(|_| cell(&address)).collect();
            start.wait();
            for (turn, cell) in cells.iter().enumerate() {
                registry.enter(cell).unwrap();
                if turn % 3 > 0 {
                    assert!(leave(&registry, &cells[turn - 1]));
                }
            }
            // The first of each three leaves with the second, and the second with the third.
            cells.iter().skip(2).step_by(3).map(|cell| cell.id).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(come_and_go)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut members = registry.resolve(&address);
    stayed.sort_unstable();
    members.sort_unstable();
    assert_eq!((stayed.len(), registry.len()), (8 * 20, 8 * 20));
    assert_eq!(members, stayed);
}

#[test]
fn members_are_offered_messages_in_turn_from_a_new_first_each_time() {
    let (registry, cells) = with(&pool(), 3);
    let ids = ids(&cells);
    assert_eq!(registry.resolve(&pool()), ids);
    for first in [0, 1, 2, 0] {
        let mut expected = ids.clone();
        expected.rotate_left(first);
        assert_eq!(tried(&registry, &pool()), expected);
    }
}

#[test]
fn members_that_have_closed_are_passed_over() {
    let (registry, cells) = with(&pool(), 40);
    assert!(cells[..30].iter().all(|cell| cell.queue.close()));
    let living = ids(&cells[30..]);
    assert_eq!(registry.resolve(&pool()), living);
    // Each once, in their order, from anywhere on: so many turns were those of members that have closed.
    let mut offered = tried(&registry, &pool());
    let first = offered.iter().position(|id| *id == living[0]).unwrap();
    offered.rotate_left(first);
    assert_eq!(offered, living);
    assert!(cells[30..].iter().all(|cell| cell.queue.close()));
    assert!(!registry.contains(&pool()));
    assert!(tried(&registry, &pool()).is_empty());
}

/// As somebody sees it who has looked the group up just before they left.
#[test]
fn no_strategy_offers_anything_to_a_member_that_has_closed_and_all_offer_it_to_all_others_once() {
    let (registry, cells) = with(&pool(), 5);
    assert!([0, 1, 3].iter().all(|&place: &usize| cells[place].queue.close()));
    let address = pool();
    let (groups, name) = registry.groups(&address).unwrap();
    let group = groups.get(&name).unwrap();
    assert_eq!(group.open().map(|member| member.cell.id).collect::<Vec<_>>(), [cells[2].id, cells[4].id]);
    for &strategy in Strategy::ALL {
        for _ in 0..200 {
            let mut offered: Vec<_> = group.order(strategy, || None).map(|member| member.cell.id).collect();
            offered.sort_unstable();
            assert_eq!(offered, [cells[2].id, cells[4].id], "{strategy}");
        }
    }
}

/// Likewise, of members that leave and go on elsewhere.
#[test]
fn no_strategy_offers_anything_to_a_member_that_has_left() {
    let (registry, cells) = with(&pool(), 5);
    let (address, key) = (pool(), Some(key_hash("customer")));
    let (groups, name) = registry.groups(&address).unwrap();
    let group = groups.get(&name).unwrap();
    for cell in &cells[..4] {
        registry.leave_group(&address, cell.epoch);
    }
    for &strategy in Strategy::ALL {
        for _ in 0..50 {
            let mut offered: Vec<_> = group.order(strategy, || key).map(|member| member.cell.id).collect();
            offered.dedup();
            assert_eq!(offered, [cells[4].id], "{strategy}");
        }
    }
}

#[test]
fn the_keys_of_a_member_that_has_closed_go_where_they_go_when_it_has_left() {
    let (registry, cells) = with(&pool(), 5);
    let keepers = |registry: &ActorRegistry<u64>| {
        let groups = registry.pools.pin();
        let group = groups.iter().next().map(|(_, group)| group).unwrap();
        let keeper = |key: u64| {
            group.order(Strategy::ConsistentHash, || Some(key_hash(&key.to_string()))).map(|member| member.cell.id)
        };
        (0..200).map(|key| keeper(key).collect()).collect::<Vec<Vec<_>>>()
    };
    cells[1].queue.close();
    let closed = keepers(&registry);
    registry.free_address(&cells[1]);
    assert_eq!(closed, keepers(&registry));
    assert!(closed.iter().all(|keepers| keepers.len() == 1));
}

#[test]
fn an_actor_that_has_closed_is_not_there_to_send_to_but_still_known() {
    for address in [ActorAddress::named("desk").unwrap(), pool()] {
        let (registry, cells) = with(&address, 1);
        cells[0].queue.close();
        assert!(!registry.contains(&address) && !registry.contains(&cells[0].id.into()));
        assert_eq!(registry.resolve(&address), []);
        assert_eq!((registry.len(), registry.all().len()), (1, 1));
    }
}

#[test]
fn a_group_that_was_left_by_all_can_be_joined_again() {
    let (registry, cells) = with(&pool(), 2);
    cells.iter().for_each(|cell| assert!(leave(&registry, cell)));
    assert_eq!((registry.pools.len(), registry.services.len()), (0, 0));
    let newer = cell(&pool());
    registry.enter(&newer).unwrap();
    assert_eq!(registry.resolve(&pool()), [newer.id]);
}

#[test]
fn leaving_keeps_the_order_of_the_others() {
    let (registry, cells) = with(&pool(), 4);
    assert!(leave(&registry, &cells[1]));
    let expected = [cells[0].id, cells[2].id, cells[3].id];
    assert_eq!(registry.resolve(&pool()), expected);
}
