use super::*;
use crate::mailbox::MailboxOptions;
use crate::sync::{check, scope};

type Cell = Arc<ActorCell<u64>>;

fn registry() -> ActorRegistry<u64> {
    ActorRegistry::new(Strategy::RoundRobin, Arc::default())
}

fn cell_at(id: ActorId, address: &ActorAddress) -> Cell {
    Arc::new(ActorCell::new(id, address.clone(), MailboxOptions::default(), false))
}

fn cell(address: &ActorAddress) -> Cell {
    cell_at(ActorId::next(), address)
}

fn desk() -> (ActorAddress, Name) {
    let name = Name::new("desk").unwrap();
    (ActorAddress::Named(name.clone()), name)
}

fn pool() -> ActorAddress {
    ActorAddress::pool("readers").unwrap()
}

#[test]
fn of_two_who_claim_a_name_one_gets_it_and_nothing_is_left_of_the_other() {
    check(|| {
        let (registry, (desk, name)) = (registry(), desk());
        let cells = [(); 2].map(|()| cell(&desk));
        let entered = scope(|scope| {
            let other = scope.spawn(|| registry.enter(&cells[1]).is_ok());
            [registry.enter(&cells[0]).is_ok(), other.join().unwrap()]
        });
        assert!(entered[0] != entered[1]);
        let [winner, loser] = if entered[0] { [&cells[0], &cells[1]] } else { [&cells[1], &cells[0]] };
        assert!(registry.owner(&name).is_some_and(|owner| Arc::ptr_eq(&owner, winner)));
        assert!(registry.actor(winner.id).is_some() && registry.actor(loser.id).is_none());
    });
}

#[test]
fn of_two_who_claim_an_id_one_gets_it() {
    check(|| {
        let (registry, id) = (registry(), ActorId::next());
        let address = ActorAddress::from(id);
        let former = cell_at(id, &address);
        assert!(registry.enter(&former).is_ok());
        let cells = [(); 2].map(|()| cell_at(id, &address));
        let entered = scope(|scope| {
            scope.spawn(|| former.queue.close());
            let other = scope.spawn(|| registry.enter(&cells[1]).map(|displaced| displaced.is_some()));
            [registry.enter(&cells[0]).map(|displaced| displaced.is_some()), other.join().unwrap()]
        });
        let owner = registry.actor(id).unwrap();
        for (cell, entered) in cells.iter().zip(entered) {
            assert_eq!(entered.is_ok(), Arc::ptr_eq(cell, &owner));
            // Whoever takes the id from the former is told to keep that until it has ended.
            assert!(entered.is_err() || entered == Ok(true));
        }
        assert_eq!(registry.remove(&former), Arc::ptr_eq(&former, &owner));
    });
}

#[test]
fn a_late_unregister_leaves_the_name_to_its_next_owner() {
    check(|| {
        let (registry, (desk, name)) = (registry(), desk());
        let (former, next) = (cell(&desk), cell(&desk));
        assert!(registry.enter(&former).is_ok());
        let entered = scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| registry.free_address(&former).is_some());
            }
            (0..2).any(|_| registry.enter(&next).is_ok())
        });
        let owner = registry.owner(&name);
        assert_eq!(owner.is_some(), entered);
        assert!(owner.is_none_or(|owner| Arc::ptr_eq(&owner, &next)));
    });
}

#[test]
fn those_who_enter_and_leave_a_group_at_once_are_all_heeded() {
    check(|| {
        let (registry, pool) = (registry(), pool());
        let [leaves, stays, first, second] = [(); 4].map(|()| cell(&pool));
        assert!(registry.enter(&leaves).is_ok() && registry.enter(&stays).is_ok());
        scope(|scope| {
            scope.spawn(|| assert!(registry.enter(&first).is_ok()));
            scope.spawn(|| assert!(registry.enter(&second).is_ok()));
            registry.free_address(&leaves);
        });
        let mut members = registry.resolve(&pool);
        members.sort_unstable();
        let mut expected = [&stays, &first, &second].map(|cell| cell.id);
        expected.sort_unstable();
        assert_eq!(members, expected);
    });
}

#[test]
fn a_pool_that_empties_or_shrinks_as_it_is_looked_at_names_a_member_or_nobody() {
    check(|| {
        let (registry, pool) = (registry(), pool());
        let cells = [(); 2].map(|()| cell(&pool));
        assert!(cells.iter().all(|cell| registry.enter(cell).is_ok()));
        scope(|scope| {
            scope.spawn(|| cells.iter().for_each(|cell| drop(registry.free_address(cell))));
            for &strategy in Strategy::ALL {
                let Some((groups, name)) = registry.groups(&pool) else { return };
                let first = groups.get(&name).and_then(|group| group.order(strategy, || Some(7)).next());
                assert!(first.is_none_or(|member| cells.iter().any(|cell| Arc::ptr_eq(cell, &member.cell))));
            }
        });
        assert!(registry.resolve(&pool).is_empty());
    });
}
