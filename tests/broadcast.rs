//! A message for all members of a group is given to each of them once, and to nobody on behalf of another.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use common::{Broker, Job, Worker, assert_at_rest, in_turns, inbox, named, poll_once, pool, settle, take_letters};
use switchboard::actor::{Inbox, SpawnOptions};
use switchboard::address::ActorAddress;
use switchboard::balancing::Strategy;
use switchboard::broker::{InMemoryMessageBroker, MessageBroker, SendErrorKind};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::{Message, MessageEnvelope};
use switchboard::metrics::Outcome;
use switchboard::retry::{Backoff, RetryPolicy};

const SECOND: Duration = Duration::from_secs(1);

/// A message that counts its clones, and can be told to panic at one of them.
#[derive(Debug)]
struct Counted {
    clones: Arc<AtomicUsize>,
    panics_at: usize,
}

impl Counted {
    fn new(panics_at: usize) -> (Self, Arc<AtomicUsize>) {
        let clones = Arc::default();
        (Self { clones: Arc::clone(&clones), panics_at }, clones)
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        let before = self.clones.fetch_add(1, Ordering::SeqCst);
        assert_ne!(before + 1, self.panics_at, "no more copies");
        Self { clones: Arc::clone(&self.clones), panics_at: self.panics_at }
    }
}

impl Message for Counted {
    const MESSAGE_TYPE: &'static str = "tests.counted";

    fn routing_key(&self) -> Option<&str> {
        Some("one key")
    }
}

type Counting = InMemoryMessageBroker<Counted>;

fn groups() -> [ActorAddress; 2] {
    [pool("desks"), ActorAddress::service("desks").unwrap()]
}

fn note(number: u64) -> MessageEnvelope<Job> {
    MessageEnvelope::new(Job::Note(number))
}

fn note_to_all(number: u64) -> MessageEnvelope<Job> {
    note(number).to_all()
}

/// Members with room for so many each.
async fn desks(broker: &Broker, group: &ActorAddress, capacities: &[usize]) -> Vec<Inbox<Job, Broker>> {
    let mut desks = Vec::new();
    for &capacity in capacities {
        desks.push(inbox(broker, group, capacity).await);
    }
    desks
}

async fn counting_desks(broker: &Counting, group: &ActorAddress, members: usize) -> Vec<Inbox<Counted, Counting>> {
    let mut desks = Vec::new();
    for _ in 0..members {
        desks.push(broker.register(group, MailboxOptions::bounded(8)).await.unwrap());
    }
    desks
}

fn depths<M: Message>(desks: &[Inbox<M, InMemoryMessageBroker<M>>]) -> Vec<usize> {
    desks.iter().map(Inbox::depth).collect()
}

#[tokio::test(start_paused = true)]
async fn every_member_gets_it_once_however_it_is_said() {
    for group in groups() {
        let broker = in_turns();
        let desks = desks(&broker, &group, &[8; 40]).await;
        broker.send(&group, note_to_all(1)).await.unwrap();
        assert_eq!(depths(&desks), [1; 40]);
        broker.try_send(&group, note_to_all(2)).unwrap();
        broker.route(&group).unwrap().send(note_to_all(3)).await.unwrap();
        let given = broker.broadcast(&group, Job::Note(4)).await;
        assert_eq!((given.delivered, given.refused.len(), given.returned.is_none()), (40, 0, true));
        assert_eq!(depths(&desks), [4; 40]);
        broker.set_broadcast(&group).unwrap();
        broker.send(&group, Job::Note(5)).await.unwrap();
        assert_eq!(depths(&desks), [5; 40]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_each_gets_has_the_header_of_the_one_that_was_sent() {
    let (broker, group) = (Broker::new(), pool("desks"));
    let mut desks = desks(&broker, &group, &[8; 3]).await;
    let envelope = note_to_all(1).with_metadata("trace", "abc");
    let id = envelope.id();
    broker.send(&group, envelope).await.unwrap();
    for desk in &mut desks {
        let delivery = desk.recv().await.unwrap();
        let got = delivery.envelope();
        assert_eq!((got.id(), got.metadata("trace"), got.message()), (id, Some("abc"), &Job::Note(1)));
        // It is one member's now: sent on, it goes to one.
        assert!(!got.is_to_all() && !got.is_at_least_once());
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_cloned_for_each_member_but_the_last_whatever_its_key() {
    let in_order = Counting::builder().default_strategy(Strategy::ConsistentHash).build().unwrap();
    let group = pool("desks");
    let mut desks = counting_desks(&in_order, &group, 5).await;
    let (message, clones) = Counted::new(0);
    in_order.send(&group, MessageEnvelope::new(message).to_all()).await.unwrap();
    assert_eq!((depths(&desks), clones.load(Ordering::SeqCst)), (vec![1; 5], 4));
    let (message, clones) = Counted::new(0);
    assert_eq!(in_order.broadcast(&group, message).await.delivered, 5);
    assert_eq!((depths(&desks), clones.load(Ordering::SeqCst)), (vec![2; 5], 4));
    desks.truncate(1);
    let (message, clones) = Counted::new(0);
    in_order.set_broadcast(&group).unwrap();
    in_order.send(&group, message).await.unwrap();
    assert_eq!((depths(&desks), clones.load(Ordering::SeqCst)), (vec![3], 0));
}

#[tokio::test(start_paused = true)]
async fn members_without_room_are_told_apart_and_keep_it_from_nobody() {
    let (broker, group) = (Broker::new(), pool("desks"));
    let mut desks = desks(&broker, &group, &[1, 8, 1, 8]).await;
    for full in [&desks[0], &desks[2]] {
        broker.try_send(&full.id().into(), Job::Note(0)).unwrap();
    }
    let given = broker.broadcast(&group, Job::Note(1)).await;
    let full = |place: usize| (desks[place].id(), SendErrorKind::Full);
    assert_eq!((given.delivered, given.refused), (2, vec![full(0), full(2)]));
    assert!(given.returned.is_none());
    // Without waiting for those that are full.
    assert_eq!(poll_once(pin!(broker.send(&group, note_to_all(2)))).map(|sent| sent.is_ok()), Poll::Ready(true));
    assert_eq!(depths(&desks), [1, 2, 1, 2]);
    // Who has left is not a member any more.
    drop(desks.remove(0));
    let given = broker.broadcast(&group, Job::Note(3)).await;
    assert_eq!((given.delivered, given.refused), (2, vec![(desks[1].id(), SendErrorKind::Full)]));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_takes_comes_back_with_the_reason() {
    let (broker, group) = (Broker::new(), pool("desks"));
    let error = broker.send(&group, note_to_all(1)).await.unwrap_err();
    assert_eq!((error.kind(), error.address()), (SendErrorKind::NoMembers, &group));
    assert_eq!(error.into_inner(), Job::Note(1));
    let given = broker.broadcast(&group, Job::Note(2)).await;
    assert_eq!((given.delivered, given.refused.len()), (0, 0));
    assert_eq!(given.returned.map(MessageEnvelope::into_message), Some(Job::Note(2)));

    let desks = desks(&broker, &group, &[1, 1]).await;
    assert_eq!(broker.broadcast(&group, Job::Note(0)).await.delivered, 2);
    let error = broker.try_send(&group, note_to_all(3)).unwrap_err();
    assert!(error.is_full());
    let back = error.into_envelope();
    assert!(back.is_to_all(), "it is for all when it is sent again");
    let only = pool("only");
    let _held = inbox(&broker, &only, 1).await;
    broker.send(&only, note_to_all(0)).await.unwrap();
    assert!(broker.try_send(&only, note_to_all(5)).unwrap_err().into_envelope().is_to_all());
    let given = broker.broadcast(&group, Job::Note(4)).await;
    assert_eq!((given.delivered, given.refused.len(), given.returned.is_some()), (0, 2, true));
    assert_eq!(depths(&desks), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn refused_by_all_it_is_offered_to_all_again() {
    let (broker, group) = (Broker::new(), pool("desks"));
    let mut desks = desks(&broker, &group, &[1, 1]).await;
    assert_eq!(broker.broadcast(&group, Job::Note(0)).await.delivered, 2);
    let again = note_to_all(1).with_retry(RetryPolicy::attempts(2).backoff(Backoff::fixed(SECOND)));
    let mut sending = pin!(broker.send(&group, again));
    assert!(poll_once(sending.as_mut()).is_pending());
    for desk in &mut desks {
        drop(desk.recv().await);
    }
    sending.await.unwrap();
    assert_eq!(depths(&desks), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn an_id_or_a_name_is_a_group_of_one() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let given = broker.broadcast(&desk, Job::Note(0)).await;
    assert_eq!((given.delivered, given.refused.len(), given.returned.is_some()), (0, 0, true));
    let held = inbox(&broker, &desk, 1).await;
    assert_eq!(broker.broadcast(&desk, Job::Note(1)).await.delivered, 1);
    let full = vec![(held.id(), SendErrorKind::Full)];
    assert_eq!(broker.broadcast(&held.id().into(), Job::Note(2)).await.refused, full);
    // There, to be for all changes nothing: a sender waits for room.
    assert!(poll_once(pin!(broker.send(&desk, note_to_all(3)))).is_pending());
}

#[tokio::test(start_paused = true)]
async fn one_that_has_stopped_is_told() {
    let (broker, worker) = (Broker::new(), Worker::new());
    let actor = worker.spawn_held(&broker, &named("desk"), 8).await;
    actor.stop();
    let given = broker.broadcast(&actor.id().into(), Job::Note(1)).await;
    assert_eq!((given.delivered, given.refused), (0, vec![(actor.id(), SendErrorKind::ActorStopped)]));
    assert!(given.returned.is_some());
    worker.gate.let_all_go();
}

#[tokio::test(start_paused = true)]
async fn a_strategy_that_is_set_undoes_it_and_one_of_the_message_goes_before_it() {
    let (broker, group) = (in_turns(), pool("desks"));
    let desks = desks(&broker, &group, &[64; 3]).await;
    broker.set_broadcast(&group).unwrap();
    broker.send(&group, Job::Note(1)).await.unwrap();
    assert_eq!(depths(&desks), [1; 3]);
    for _ in 0..3 {
        broker.send(&group, note(2).balanced_by(Strategy::LeastLoaded)).await.unwrap();
    }
    assert_eq!(depths(&desks), [2; 3]);
    let undone = note_to_all(3).balanced_by(Strategy::LeastLoaded);
    assert_eq!((undone.is_to_all(), undone.strategy()), (false, Some(Strategy::LeastLoaded)));
    broker.send(&group, undone).await.unwrap();
    assert_eq!(depths(&desks).iter().sum::<usize>(), 7);
    broker.set_strategy(&group, Strategy::RoundRobin).unwrap();
    broker.send(&group, Job::Note(4)).await.unwrap();
    assert_eq!(depths(&desks).iter().sum::<usize>(), 8);
    broker.set_broadcast(&group).unwrap();
    broker.set_strategy(&group, None).unwrap();
    broker.send(&group, Job::Note(5)).await.unwrap();
    assert_eq!(depths(&desks).iter().sum::<usize>(), 9);
}

#[tokio::test(start_paused = true)]
async fn it_would_be_offered_to_all() {
    let (broker, group) = (Broker::new(), pool("desks"));
    let desks = desks(&broker, &group, &[8; 3]).await;
    let ids: Vec<_> = desks.iter().map(Inbox::id).collect();
    assert_eq!(broker.pick(&group, &note_to_all(1), 10).await, ids);
    assert_eq!(broker.registry().pick(&group, &note_to_all(1)), Some(ids[0]));
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_to_one_member() {
    let (broker, group, worker) = (in_turns(), pool("desks"), Worker::new());
    broker.set_broadcast(&group).unwrap();
    let mut desks = Vec::new();
    for _ in 0..3 {
        desks.push(worker.spawn(&broker, &group, 8).await);
    }
    for request in [Job::Echo(7).into(), MessageEnvelope::new(Job::Echo(7)).to_all()] {
        assert_eq!(broker.request(&group, request).await.unwrap(), Job::Answer(7));
    }
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 2)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_scheduled_is_given_to_all_who_are_there_when_it_is_due() {
    let (broker, group) = (Broker::new(), pool("desks"));
    let mut desks = desks(&broker, &group, &[8; 2]).await;
    let _scheduled = broker.send_after(SECOND, &group, note_to_all(1)).await.unwrap();
    let every = broker.send_every(5 * SECOND, &group, note_to_all(2)).await.unwrap();
    desks.push(inbox(&broker, &group, 8).await);
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(depths(&desks), [1; 3]);
    tokio::time::sleep(4 * SECOND).await;
    assert_eq!(depths(&desks), [2; 3]);
    every.cancel();
    assert!(broker.audit().is_balanced(), "{}", broker.audit());
    for desk in &mut desks {
        drop((desk.recv().await, desk.recv().await));
    }
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 6)]);
    assert!(broker.audit().is_balanced() && broker.audit().is_at_rest(), "{}", broker.audit());
}

#[tokio::test(start_paused = true)]
async fn a_clone_that_panics_costs_those_that_come_after_theirs_and_time_goes_on() {
    let (broker, group) = (Counting::new(), pool("desks"));
    let desks = counting_desks(&broker, &group, 4).await;
    let (message, _) = Counted::new(2);
    broker.send(&group, MessageEnvelope::new(message).to_all()).await.unwrap();
    assert_eq!(depths(&desks), [1, 1, 0, 0]);
    for (panics_at, wait) in [(1, 1), (0, 2)] {
        let (message, _) = Counted::new(panics_at);
        broker.send_after(wait * SECOND, &group, MessageEnvelope::new(message).to_all()).await.unwrap();
    }
    tokio::time::sleep(3 * SECOND).await;
    assert_eq!(depths(&desks), [3, 2, 1, 1]);
    assert!(broker.audit().is_balanced(), "{}", broker.audit());
}

#[tokio::test(start_paused = true)]
async fn every_copy_is_accounted_for() {
    let (broker, group, worker) = (Broker::new(), pool("desks"), Worker::new());
    for _ in 0..2 {
        worker.spawn(&broker, &group, 8).await;
    }
    let mailbox = MailboxOptions::bounded(1).strategy(BackpressureStrategy::DropOldest);
    let slow = worker.spawn_with(&broker, &group, SpawnOptions::new().mailbox(mailbox)).await;
    broker.send(&slow.id().into(), Job::Hold(0)).await.unwrap();
    worker.gate.arrival().await;
    for number in 1..=4 {
        broker.send(&group, note_to_all(number)).await.unwrap();
        settle().await;
    }
    assert!(broker.audit().is_balanced(), "{}", broker.audit());
    worker.gate.let_all_go();
    settle().await;
    let evicted = take_letters(&broker).len() as u64;
    assert!(evicted > 0);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 13 - evicted), (Outcome::Evicted, evicted)]);
    let audit = broker.audit();
    assert!(audit.is_balanced() && audit.is_at_rest(), "{audit}");
}
