use std::sync::Mutex;

use super::support::{
    Job, KEYED, assert_accounts, broker, crew, desk, pool, register, take_all, try_send, unregister, work,
};
use crate::actor::Inbox;
use crate::address::ActorId;
use crate::balancing::Strategy;
use crate::broker::{MessageBroker, SendErrorKind};
use crate::services::MemberOptions;
use crate::sync::{block_on, check, scope};

#[test]
fn what_is_sent_as_a_member_stops_goes_to_another() {
    check(|| {
        let broker = broker();
        let [stops, mut stays] = crew(&broker, 8);
        let accepted = scope(|scope| {
            let sends = scope.spawn(|| try_send(&broker, &pool(), 0..3));
            drop(stops);
            sends.join().unwrap()
        });
        assert_eq!(accepted, [0, 1, 2], "there is one who takes it");
        let (taken, dead) = (take_all(&mut stays).len(), broker.metrics().dead_letters);
        assert_eq!(taken + dead, 3);
        assert_accounts(&broker, taken, dead);
    });
}

#[test]
fn who_has_left_a_pool_gets_nothing_more_of_it() {
    check(|| {
        let broker = broker();
        let [mut stays] = crew(&broker, 8);
        let mut leaves = register(&broker, &desk(), 8);
        let cell = broker.registry().actor(leaves.id()).unwrap();
        let membership = block_on(broker.join(&pool(), &leaves.registration(), MemberOptions::new())).unwrap();
        let accepted = scope(|scope| {
            let sends = scope.spawn(|| try_send(&broker, &pool(), 0..3));
            membership.leave();
            // Without its lock, which would wait for whoever puts something in, as leaving must.
            let had = cell.queue.depth_at_a_glance();
            let accepted = sends.join().unwrap();
            assert_eq!(leaves.depth(), had);
            accepted
        });
        assert_eq!(accepted, [0, 1, 2]);
        let taken = take_all(&mut stays).len() + take_all(&mut leaves).len();
        assert_eq!(taken, 3);
        assert_accounts(&broker, taken, 0);
    });
}

#[test]
fn what_is_sent_as_a_pool_empties_is_accepted_or_comes_back() {
    check(|| {
        let broker = broker();
        let inboxes: [_; 2] = crew(&broker, 8);
        let accepted = scope(|scope| {
            let sends = scope.spawn(|| try_send(&broker, &pool(), 0..3));
            drop(inboxes);
            sends.join().unwrap()
        });
        assert_accounts(&broker, 0, accepted.len());
        let nobody = broker.try_send(&pool(), Job(7)).unwrap_err();
        assert_eq!((nobody.kind(), nobody.into_inner()), (SendErrorKind::NoMembers, Job(7)));
    });
}

#[test]
fn a_sender_that_waits_at_a_member_that_stops_goes_on_to_another() {
    check(|| {
        let broker = broker();
        let [stops, mut stays] = crew(&broker, 1);
        broker.set_strategy(&pool(), Strategy::RoundRobin).unwrap();
        assert_eq!(try_send(&broker, &pool(), 0..2), [0, 1]);
        scope(|scope| {
            let sends = scope.spawn(|| block_on(broker.send(&pool(), Job(2))));
            scope.spawn(|| drop(stops));
            (0..2).for_each(|_| drop(block_on(stays.recv()).unwrap()));
            assert!(sends.join().unwrap().is_ok());
        });
        assert_accounts(&broker, 2, 1);
    });
}

/// Whether each message was done with before the next began.
fn one_after_the_other(told: &[(u64, bool)], messages: u64) -> bool {
    told.iter().copied().eq((KEYED..KEYED + messages).flat_map(|number| [(number, true), (number, false)]))
}

#[test]
fn the_messages_of_a_key_keep_their_order_as_members_come_and_go() {
    check(|| {
        let (broker, told) = (broker(), Mutex::new(Vec::new()));
        broker.set_strategy(&pool(), Strategy::ConsistentHash).unwrap();
        let [mut one, mut other] = [(); 2].map(|()| register(&broker, &ActorId::next().into(), 8));
        let join = |inbox: &_| block_on(broker.join(&pool(), inbox, MemberOptions::new())).unwrap();
        let registrations = [&one, &other].map(Inbox::registration);
        let first = join(&registrations[0]);
        scope(|scope| {
            scope.spawn(|| work(&mut one, &told));
            scope.spawn(|| work(&mut other, &told));
            let sends = scope
                .spawn(|| (KEYED..KEYED + 3).for_each(|number| block_on(broker.send(&pool(), Job(number))).unwrap()));
            let second = join(&registrations[1]);
            first.leave();
            sends.join().unwrap();
            assert!(registrations.iter().all(|registration| unregister(&broker, registration)));
            drop(second);
        });
        let told = told.into_inner().unwrap();
        assert!(one_after_the_other(&told, 3), "{told:?}");
        assert_accounts(&broker, 3, 0);
    });
}
