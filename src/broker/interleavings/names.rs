use super::support::{assert_accounts, broker, desk, register, take_all, try_send, unregister};
use crate::actor::StopCause;
use crate::broker::MessageBroker;
use crate::sync::{block_on, check, scope};

#[test]
fn what_is_sent_as_a_name_changes_hands_is_one_owners_or_comes_back() {
    check(|| {
        let (broker, desk) = (broker(), desk());
        let former = register(&broker, &desk, 4);
        let (accepted, next) = scope(|scope| {
            let sends = scope.spawn(|| try_send(&broker, &desk, 0..3));
            drop(former);
            let next = register(&broker, &desk, 4);
            (sends.join().unwrap(), next)
        });
        let (mut next, waits) = (next, broker.metrics().dead_letters);
        let taken = take_all(&mut next);
        // The earlier ones were the former's.
        assert!(accepted.ends_with(&taken));
        assert_eq!(waits, accepted.len() - taken.len());
        assert_accounts(&broker, taken.len(), waits);
    });
}

#[test]
fn what_was_accepted_before_a_name_is_given_up_can_be_received() {
    check(|| {
        let (broker, desk) = (broker(), desk());
        let mut inbox = register(&broker, &desk, 4);
        let registration = inbox.registration();
        let (accepted, given_up) = scope(|scope| {
            let sends = scope.spawn(|| try_send(&broker, &desk, 0..3));
            let others = [(); 2].map(|()| scope.spawn(|| unregister(&broker, &registration)));
            let given_up = others.map(|other| other.join().unwrap());
            (sends.join().unwrap(), given_up)
        });
        assert!(given_up[0] != given_up[1], "one of them is told that it was news");
        assert_eq!(take_all(&mut inbox), accepted);
        assert!(try_send(&broker, &desk, 3..4).is_empty());
        assert_accounts(&broker, accepted.len(), 0);
    });
}

#[test]
fn whoever_watches_an_actor_as_it_ends_learns_how() {
    check(|| {
        let (broker, desk) = (broker(), desk());
        let inbox = register(&broker, &desk, 4);
        let address = if fastrand::bool() { desk } else { inbox.id().into() };
        let cause = scope(|scope| {
            scope.spawn(|| drop(inbox));
            block_on(async { broker.watch(&address).await.unwrap().await.cause })
        });
        assert_eq!(cause, StopCause::Unregistered);
        assert!(broker.registry().is_empty());
    });
}
