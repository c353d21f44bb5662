//! Services and pools give each message to one living member, and lose none when members come and go. How they pick
//! it is in `pools.rs`.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::pin;
use std::task::Poll;

use common::{Broker, Job, Log, Worker, assert_balanced, in_turns, inbox, poll_once, pool, settle, take_letters};
use switchboard::actor::{ActorHandle, Inbox, SpawnOptions};
use switchboard::address::ActorAddress;
use switchboard::broker::{MessageBroker, RequestErrorKind, SendErrorKind};
use switchboard::dead_letters::DeadLetterOptions;
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::metrics::Outcome;

fn groups() -> [ActorAddress; 2] {
    [pool("desks"), ActorAddress::service("desks").unwrap()]
}

async fn members(broker: &Broker, group: &ActorAddress, capacities: &[usize]) -> Vec<Inbox<Job, Broker>> {
    let mut members = Vec::new();
    for &capacity in capacities {
        members.push(inbox(broker, group, capacity).await);
    }
    members
}

fn depths(members: &[Inbox<Job, Broker>]) -> Vec<usize> {
    members.iter().map(Inbox::depth).collect()
}

#[tokio::test(start_paused = true)]
async fn each_living_member_has_its_turn() {
    for group in groups() {
        let broker = in_turns();
        let mut members = members(&broker, &group, &[8, 8, 8]).await;
        let route = broker.route(&group).unwrap();
        for number in 0..3 {
            broker.send(&group, Job::Note(number)).await.unwrap();
            route.send(Job::Note(number)).await.unwrap();
        }
        assert_eq!(depths(&members), [2, 2, 2]);
        drop(members.remove(1));
        for number in 0..4 {
            broker.send(&group, Job::Note(number)).await.unwrap();
        }
        assert_eq!(depths(&members), [4, 4]);
        members.push(inbox(&broker, &group, 8).await);
        for number in 0..3 {
            broker.send(&group, Job::Note(number)).await.unwrap();
        }
        assert_eq!(depths(&members), [5, 5, 1]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_name_as_pool_and_as_service_makes_two_groups() {
    let broker = Broker::new();
    let [pool, service] = groups();
    let member = inbox(&broker, &pool, 8).await;
    let error = broker.try_send(&service, Job::Note(1)).unwrap_err();
    assert_eq!(error.kind(), SendErrorKind::NoMembers);
    assert_eq!(member.depth(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_member_gets_nothing_from_the_moment_stop_returns() {
    for group in groups() {
        let (broker, stopping, living) = (in_turns(), Worker::new(), Worker::new());
        let first = stopping.spawn_held(&broker, &group, 64).await;
        living.spawn(&broker, &group, 64).await;
        let route = broker.route(&group).unwrap();
        first.stop();
        for number in 1..=10 {
            broker.send(&group, Job::Note(number)).await.unwrap();
            route.send(Job::Note(number)).await.unwrap();
        }
        assert_eq!(first.depth(), 0);
        stopping.gate.let_all_go();
        first.join().await;
        settle().await;
        assert_eq!(living.log.numbers().len(), 20);
        assert_eq!(stopping.log.numbers(), [0]);
        assert!(take_letters(&broker).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_group_is_an_error_with_the_message_inside() {
    for group in groups() {
        let broker = Broker::new();
        let refused = broker.route(&group).unwrap_err();
        assert_eq!(refused, SendErrorKind::NoMembers);
        let members = members(&broker, &group, &[8, 8]).await;
        let route = broker.route(&group).unwrap();
        drop(members);
        for error in [
            broker.send(&group, Job::Note(1)).await.unwrap_err(),
            broker.try_send(&group, Job::Note(1)).unwrap_err(),
            route.send(Job::Note(1)).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), SendErrorKind::NoMembers);
            assert!(error.is_retryable());
            assert_eq!(error.into_inner(), Job::Note(1));
        }
        let asked = broker.request(&group, Job::Echo(1)).await.unwrap_err();
        let empty = RequestErrorKind::NotSent(SendErrorKind::NoMembers);
        assert_eq!(asked.kind(), &empty);
        assert_eq!(asked.into_inner(), Some(Job::Echo(1)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_member_is_passed_over() {
    for group in groups() {
        let broker = Broker::new();
        let members = members(&broker, &group, &[1, 64, 1]).await;
        for number in 0..20 {
            let polled = poll_once(pin!(broker.send(&group, Job::Note(number))));
            assert!(matches!(polled, Poll::Ready(Ok(()))), "{number}");
        }
        assert_eq!(depths(&members), [1, 18, 1]);
        let mut request = pin!(broker.request(&group, Job::Echo(1)));
        assert!(poll_once(request.as_mut()).is_pending());
        assert_eq!(members[1].depth(), 19);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_sixteen_members_have_no_room_for_is_refused() {
    for group in groups() {
        let broker = in_turns();
        let mut members = members(&broker, &group, &[1; 17]).await;
        for number in 0..17 {
            broker.try_send(&group, Job::Note(number)).unwrap();
        }
        assert!(broker.try_send(&group, Job::Note(17)).unwrap_err().is_full());
        // That began with the first. This begins with the second, so that the first is the one that is not tried.
        members[0].recv().await.unwrap();
        assert!(broker.try_send(&group, Job::Note(18)).unwrap_err().is_full());
        broker.try_send(&group, Job::Note(19)).unwrap();
        assert_eq!(members[0].depth(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_refused_only_when_every_member_is_full() {
    let (broker, group) = (Broker::new(), pool("desks"));
    let mailbox = MailboxOptions::bounded(2).strategy(BackpressureStrategy::Error);
    let one = broker.register(&group, mailbox).await.unwrap();
    let two = broker.register(&group, mailbox).await.unwrap();
    for number in 0..4 {
        broker.send(&group, Job::Note(number)).await.unwrap();
    }
    let error = broker.send(&group, Job::Note(4)).await.unwrap_err();
    assert_eq!(error.kind(), SendErrorKind::Full);
    assert_eq!(error.into_inner(), Job::Note(4));
    assert_eq!((one.depth(), two.depth()), (2, 2));
}

/// A group of two members, each held by [`Job::Hold`] number 0 and full of number 1.
async fn full_group(broker: &Broker, group: &ActorAddress) -> [(Worker, ActorHandle<Job>); 2] {
    let mut full = Vec::new();
    for _ in 0..2 {
        let worker = Worker::new();
        let actor = worker.spawn_held(broker, group, 1).await;
        let id = ActorAddress::from(actor.id());
        broker.send(&id, Job::Hold(1)).await.unwrap();
        full.push((worker, actor));
    }
    full.try_into().expect("two")
}

#[tokio::test(start_paused = true)]
async fn a_member_that_stops_while_a_sender_waits_for_it_leaves_the_message_to_another() {
    for group in groups() {
        for stopped in 0..2 {
            let broker = Broker::new();
            let full = full_group(&broker, &group).await;
            let mut send = pin!(broker.send(&group, Job::Note(2)));
            assert!(poll_once(send.as_mut()).is_pending());
            full[stopped].1.stop();
            // Whichever of the two it waits for: in the end it is with the one that lives.
            assert!(poll_once(send.as_mut()).is_pending());
            full.iter().for_each(|(worker, _)| worker.gate.let_all_go());
            send.await.unwrap();
            settle().await;
            assert_eq!(full[1 - stopped].0.log.numbers(), [0, 1, 2]);
            assert_eq!(full[stopped].0.log.numbers(), [0]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_that_stops_while_a_request_waits_for_it_leaves_the_request_to_another() {
    for group in groups() {
        for stopped in 0..2 {
            let broker = Broker::new();
            let full = full_group(&broker, &group).await;
            let mut request = pin!(broker.request(&group, Job::Echo(2)));
            assert!(poll_once(request.as_mut()).is_pending());
            full[stopped].1.stop();
            assert!(poll_once(request.as_mut()).is_pending());
            full.iter().for_each(|(worker, _)| worker.gate.let_all_go());
            assert_eq!(request.await.unwrap(), Job::Answer(2));
        }
    }
}

/// The place in the group of the one member whose room is waited for.
fn waited_for(broker: &Broker, group: &[(Worker, ActorHandle<Job>); 2]) -> usize {
    let actors = broker.metrics().actors;
    let waits = |id| actors.iter().any(|actor| actor.id == id && actor.blocked_senders == 1);
    group.iter().position(|(_, actor)| waits(actor.id())).expect("somebody waits")
}

#[tokio::test(start_paused = true)]
async fn a_request_that_got_in_after_a_wait_depends_on_the_member_that_has_it_and_no_other() {
    let broker = Broker::new();
    let [group, _] = groups();
    let full = full_group(&broker, &group).await;
    let mut request = pin!(broker.request(&group, Job::Echo(2)));
    assert!(poll_once(request.as_mut()).is_pending());
    let chosen = waited_for(&broker, &full);
    full[chosen].0.gate.let_go(1);
    full[chosen].0.gate.arrival().await;
    assert!(poll_once(request.as_mut()).is_pending());
    assert_eq!(full[chosen].1.depth(), 1, "it has got in");

    full[1 - chosen].1.stop();
    assert!(poll_once(request.as_mut()).is_pending());
    full.iter().for_each(|(worker, _)| worker.gate.let_all_go());
    assert_eq!(request.await.unwrap(), Job::Answer(2));
}

#[tokio::test(start_paused = true)]
async fn the_last_member_that_stops_while_a_sender_waits_for_it_gives_the_message_back() {
    for group in groups() {
        let (broker, worker) = (Broker::new(), Worker::new());
        let only = worker.spawn_held(&broker, &group, 1).await;
        broker.send(&group, Job::Note(1)).await.unwrap();
        let mut send = pin!(broker.send(&group, Job::Note(2)));
        let mut request = pin!(broker.request(&group, Job::Echo(3)));
        assert!(poll_once(send.as_mut()).is_pending());
        assert!(poll_once(request.as_mut()).is_pending());
        only.stop();
        let error = send.await.unwrap_err();
        assert_eq!(error.kind(), SendErrorKind::NoMembers);
        assert_eq!(error.into_inner(), Job::Note(2));
        let error = request.await.unwrap_err();
        assert_eq!(error.into_inner(), Some(Job::Echo(3)));
        worker.gate.let_all_go();
    }
}

const SENDERS: u64 = 3;
const EACH: u64 = 1_000;

/// Sends until each message is accepted; a group that is empty for a moment only makes it try again.
async fn send_all(broker: Broker, group: ActorAddress, sender: u64) {
    for number in (sender * EACH)..((sender + 1) * EACH) {
        let mut message = Job::Note(number);
        while let Err(error) = broker.send(&group, message).await {
            assert!(error.is_retryable(), "{error}");
            message = error.into_inner();
            tokio::task::yield_now().await;
        }
    }
}

/// Replaces one member after another until the senders are done.
async fn churn(broker: &Broker, group: &ActorAddress, log: &Log, senders: usize) {
    let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(4));
    let worker = Worker { log: log.clone(), ..Worker::new() };
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(worker.spawn_with(broker, group, options).await);
    }
    for turn in 0.. {
        if broker.metrics().total.accepted >= senders as u64 * EACH {
            break;
        }
        members.push(worker.spawn_with(broker, group, options).await);
        let leaving = members.remove(0);
        match turn % 3 {
            0 => leaving.stop(),
            1 => drop(broker.unregister(&leaving.registration()).await),
            _ => leaving.abort(),
        }
        leaving.join().await;
    }
    for member in members {
        member.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_come_and_go_under_load_lose_nothing() {
    for group in groups() {
        let builder = Broker::builder().dead_letters(DeadLetterOptions::new().capacity(usize::MAX));
        let broker: Broker = builder.build().unwrap();
        let log = Log::default();
        let senders: Vec<_> =
            (0..SENDERS).map(|sender| tokio::spawn(send_all(broker.clone(), group.clone(), sender))).collect();
        churn(&broker, &group, &log, senders.len()).await;
        for sender in senders {
            sender.await.unwrap();
        }
        let total = broker.metrics().total;
        assert_balanced(&total);
        assert_eq!(total.accepted, SENDERS * EACH);
        let letters = take_letters(&broker);
        let mut ended = log.numbers();
        assert_eq!(ended.len() as u64, total.outcomes[Outcome::Handled]);
        ended.extend(letters.iter().map(|l| common::number_of(l.envelope.message())));
        ended.sort_unstable();
        assert!(ended.into_iter().eq(0..SENDERS * EACH), "lost or twice");
        assert!(broker.registry().is_empty());
    }
}
