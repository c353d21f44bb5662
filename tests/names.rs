//! A name has one owner. Its end frees the name at once, and what ended late never harms the next owner.

mod common;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Broker, Job, Worker, inbox, named, poll_once};
use switchboard::actor::{Inbox, Registration, SpawnOptions};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::broker::{MessageBroker, RegisterError, SendErrorKind};
use switchboard::mailbox::{CapacityError, MailboxOptions};
use tokio::sync::Barrier;

#[tokio::test(start_paused = true)]
async fn a_name_has_one_owner() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let owner = inbox(&broker, &desk, 8).await;
    let taken = RegisterError::Taken { address: desk.clone() };
    let second = broker.register(&desk, MailboxOptions::default()).await;
    assert_eq!(second.unwrap_err(), taken);
    let spawned = broker.spawn(&desk, Worker::new()).await;
    assert_eq!(spawned.unwrap_err(), taken);

    assert_eq!(broker.registry().resolve(&desk), [owner.id()]);
    assert_eq!(broker.registry().len(), 1, "the refused left nothing behind");
}

#[tokio::test(start_paused = true)]
async fn dropping_an_inbox_frees_its_name() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let first = inbox(&broker, &desk, 8).await;
    let id = first.id();
    drop(first);
    assert!(!broker.registry().contains(&desk));
    let error = broker.try_send(&desk, Job::Note(1)).unwrap_err();
    assert_eq!(error.kind(), SendErrorKind::NoSuchActor);
    let second = inbox(&broker, &desk, 8).await;
    assert_ne!(second.id(), id);
}

#[tokio::test(start_paused = true)]
async fn stopping_frees_the_name_while_the_handler_is_still_at_work() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let first = worker.spawn_held(&broker, &desk, 8).await;
    first.stop();
    let mut second = inbox(&broker, &desk, 8).await;
    worker.gate.let_all_go();
    first.join().await;

    // The end of the first took nothing from the second.
    broker.send(&desk, Job::Note(1)).await.unwrap();
    assert_eq!(second.recv().await.unwrap().into_message(), Job::Note(1));
    assert_eq!(broker.registry().resolve(&desk), [second.id()]);
}

#[tokio::test(start_paused = true)]
async fn unregistering_frees_the_name_at_once_and_once() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let first = worker.spawn_held(&broker, &desk, 8).await;
    let registration = first.registration();
    assert!(broker.unregister(&registration).await);
    assert!(!broker.unregister(&registration).await);
    let second = inbox(&broker, &desk, 8).await;
    assert!(!broker.unregister(&registration).await);
    assert_eq!(broker.registry().resolve(&desk), [second.id()]);

    worker.gate.let_all_go();
    first.join().await;
    assert!(!broker.unregister(&registration).await);
    assert_eq!(broker.registry().resolve(&desk), [second.id()]);
}

#[tokio::test(start_paused = true)]
async fn an_unregister_that_was_begun_early_and_runs_late_never_removes_the_newer_owner() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let first = inbox(&broker, &desk, 8).await;
    let registration = first.registration();
    let late = broker.unregister(&registration);
    drop(first);
    let second = inbox(&broker, &desk, 8).await;
    assert!(!late.await);
    assert_eq!(broker.registry().resolve(&desk), [second.id()]);
    broker.try_send(&desk, Job::Note(1)).unwrap();
    assert_eq!(second.depth(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_closed_inbox_has_given_up_its_name_and_keeps_what_it_accepted() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut first = inbox(&broker, &desk, 8).await;
    broker.try_send(&desk, Job::Note(1)).unwrap();
    first.close();
    let second = inbox(&broker, &desk, 8).await;
    broker.try_send(&desk, Job::Note(2)).unwrap();
    assert_eq!(first.recv().await.unwrap().into_message(), Job::Note(1));
    assert!(first.recv().await.is_none());
    drop(first);
    assert_eq!(broker.registry().resolve(&desk), [second.id()]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_can_be_registered_at_an_id_of_its_own() {
    let (broker, id) = (Broker::new(), ActorId::next());
    let address = ActorAddress::from(id);
    let mut owner = inbox(&broker, &address, 8).await;
    assert_eq!(owner.id(), id);
    broker.send(&address, Job::Note(1)).await.unwrap();
    assert_eq!(owner.recv().await.unwrap().into_message(), Job::Note(1));

    let taken = RegisterError::Taken { address: address.clone() };
    let second = broker.register(&address, MailboxOptions::default()).await;
    assert_eq!(second.unwrap_err(), taken);
    drop(owner);
    assert_eq!(inbox(&broker, &address, 8).await.id(), id);
}

#[tokio::test(start_paused = true)]
async fn the_id_of_a_named_actor_is_taken_too() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let owner = inbox(&broker, &desk, 8).await;
    let address = ActorAddress::from(owner.id());
    let second = broker.register(&address, MailboxOptions::default()).await;
    assert_eq!(second.unwrap_err(), RegisterError::Taken { address });
    assert_eq!(broker.registry().resolve(&desk), [owner.id()]);
}

#[tokio::test(start_paused = true)]
async fn a_late_unregister_never_removes_the_newer_owner_of_an_id() {
    let (broker, address) = (Broker::new(), ActorAddress::from(ActorId::next()));
    let first = inbox(&broker, &address, 8).await;
    let registration = first.registration();
    drop(first);
    let second = inbox(&broker, &address, 8).await;
    assert!(!broker.unregister(&registration).await);
    broker.try_send(&address, Job::Note(1)).unwrap();
    assert_eq!(second.depth(), 1);
}

#[tokio::test(start_paused = true)]
async fn unregistering_frees_an_id_at_once() {
    let (broker, address) = (Broker::new(), ActorAddress::from(ActorId::next()));
    let first = inbox(&broker, &address, 8).await;
    assert!(broker.unregister(&first.registration()).await);
    let second = broker.register(&address, MailboxOptions::default()).await;
    assert!(second.is_ok());
}

#[tokio::test(start_paused = true)]
async fn stopping_the_former_owner_of_an_id_leaves_the_requests_of_the_present_one_alone() {
    let (broker, address) = (Broker::new(), ActorAddress::from(ActorId::next()));
    let (former, present) = (Worker::new(), Worker::new());
    let old = former.spawn_held(&broker, &address, 8).await;
    assert!(broker.unregister(&old.registration()).await);
    let new = present.spawn_held(&broker, &address, 8).await;
    let mut request = pin!(broker.request(&address, Job::Echo(1)));
    assert!(poll_once(request.as_mut()).is_pending());
    old.stop();
    assert!(poll_once(request.as_mut()).is_pending());
    present.gate.let_all_go();
    assert_eq!(request.await.unwrap(), Job::Answer(1));
    former.gate.let_all_go();
    old.join().await;
    new.drain().await;
    common::assert_balanced(&broker.metrics().total);
}

#[tokio::test(start_paused = true)]
async fn a_refused_registration_leaves_the_name_free() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let nothing = MailboxOptions::bounded(0);
    let capacity = RegisterError::Capacity(CapacityError);
    let refused = broker.register(&desk, nothing).await.unwrap_err();
    assert_eq!(refused, capacity);
    let options = SpawnOptions::new().mailbox(nothing);
    let refused = broker.spawn_with(&desk, options, Worker::new).await;
    assert_eq!(refused.unwrap_err(), capacity);
    assert!(broker.registry().is_empty());
    inbox(&broker, &desk, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_route_leads_to_the_actor_that_was_there_and_not_to_the_next_owner() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let first = inbox(&broker, &desk, 8).await;
    let route = broker.route(&desk).unwrap();
    drop(first);
    let second = inbox(&broker, &desk, 8).await;
    let error = route.try_send(Job::Note(1)).unwrap_err();
    assert_eq!(error.kind(), SendErrorKind::ActorStopped);
    assert_eq!(error.into_inner(), Job::Note(1));
    let asked = route.request(Job::Echo(1)).await.unwrap_err();
    assert_eq!(asked.into_inner(), Some(Job::Echo(1)));
    assert_eq!(second.depth(), 0);
}

const ROUNDS: usize = 300;
const RIVALS: usize = 4;

/// Claims the name if it is free; no more than one rival may own it at a time.
async fn claim(broker: &Broker, desk: &ActorAddress, owners: &AtomicUsize) -> Option<Registration> {
    let claimed = broker.register(desk, MailboxOptions::default()).await;
    let inbox: Inbox<Job, Broker> = claimed.ok()?;
    assert_eq!(owners.fetch_add(1, Ordering::SeqCst), 0, "two owners");
    assert_eq!(broker.registry().resolve(desk), [inbox.id()]);
    let registration = inbox.registration();
    owners.fetch_sub(1, Ordering::SeqCst);
    assert!(broker.unregister(&registration).await);
    Some(registration)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rivals_for_a_name_own_it_one_at_a_time() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let owners = Arc::new(AtomicUsize::new(0));
    let start = Arc::new(Barrier::new(RIVALS));
    let rivals: Vec<_> = (0..RIVALS)
        .map(|_| {
            let (broker, desk) = (broker.clone(), desk.clone());
            let (owners, start) = (Arc::clone(&owners), Arc::clone(&start));
            tokio::spawn(async move {
                let mut claimed = 0;
                let mut last = None;
                for _ in 0..ROUNDS {
                    start.wait().await;
                    if let Some(registration) = claim(&broker, &desk, &owners).await {
                        claimed += 1;
                        last = Some(registration);
                    } else if let Some(registration) = &last {
                        // Long over: this must hit nobody.
                        assert!(!broker.unregister(registration).await);
                    }
                }
                claimed
            })
        })
        .collect();
    let mut claimed = 0;
    for rival in rivals {
        claimed += rival.await.unwrap();
    }
    assert!(claimed >= ROUNDS, "in each round somebody got it: {claimed}");
    assert!(broker.registry().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_old_owner_while_the_next_registers_leaves_the_next() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut current = inbox(&broker, &desk, 8).await;
    for round in 0..ROUNDS as u64 {
        current.close();
        let next = inbox(&broker, &desk, 8).await;
        let old = std::mem::replace(&mut current, next);
        let registration = old.registration();
        let ending = tokio::spawn(async move { drop(old) });
        assert!(!broker.unregister(&registration).await);
        broker.try_send(&desk, Job::Note(round)).unwrap();
        ending.await.unwrap();
        assert_eq!(broker.registry().resolve(&desk), [current.id()]);
        let received = current.try_recv().unwrap().into_message();
        assert_eq!(received, Job::Note(round));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_last_delivery_and_of_its_inbox_harm_no_later_owner_of_the_id() {
    let (broker, address) = (Broker::new(), ActorAddress::from(ActorId::next()));
    for _ in 0..2_000 {
        let mut first = inbox(&broker, &address, 8).await;
        broker.try_send(&address, Job::Note(1)).unwrap();
        let delivery = first.recv().await.unwrap();
        let other = tokio::task::spawn_blocking(move || drop(delivery));
        drop(first);
        let next = loop {
            let next = broker.register(&address, MailboxOptions::default()).await;
            if let Ok(next) = next {
                break next;
            }
        };
        other.await.unwrap();
        assert_eq!(broker.registry().resolve(&address), [next.id()]);
        drop(next);
    }
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_is_dropped_unpolled_registers_nothing() {
    let (broker, desk) = (Broker::new(), named("desk"));
    drop(broker.register(&desk, MailboxOptions::default()));
    assert!(broker.registry().is_empty());
    let polled = poll_once(pin!(broker.register(&desk, MailboxOptions::default())));
    assert!(polled.is_ready(), "in memory there is nothing to wait for");
}
