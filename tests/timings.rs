//! How long messages wait and are handled, requests take, and senders are blocked: of one message in 64, of every wait.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::pin;
use std::time::Duration;

use common::{Broker, Job, Worker, in_turns, inbox, named, poll_once, pool, settle};
use switchboard::actor::SpawnOptions;
use switchboard::address::ActorAddress;
use switchboard::broker::MessageBroker;
use switchboard::mailbox::MailboxOptions;
use switchboard::message::MessageEnvelope;
use switchboard::metrics::{BrokerMetrics, SAMPLED_ONE_IN, Timing, Timings};

/// The job in an envelope of which timings are taken.
fn sampled(job: Job) -> MessageEnvelope<Job> {
    chosen(job, true)
}

/// The job in an envelope of which none are.
fn plain(job: Job) -> MessageEnvelope<Job> {
    chosen(job, false)
}

fn chosen(job: Job, sampled: bool) -> MessageEnvelope<Job> {
    let mut envelopes = std::iter::repeat_with(|| MessageEnvelope::new(Job::Note(0)));
    let mut envelope = envelopes.find(|envelope| envelope.id().is_sampled() == sampled).unwrap();
    *envelope.message_mut() = job;
    envelope
}

async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

fn timings_of(broker: &Broker, address: &ActorAddress) -> Timings {
    broker.metrics().actors.into_iter().find(|actor| actor.address == *address).unwrap().timings
}

/// Asserts that these are the durations, in seconds: the number, the longest, and all together, each to within what is
/// documented.
#[track_caller]
fn assert_seconds(timing: &Timing, expected: &[u64]) {
    let longest = Duration::from_secs(expected.iter().copied().max().unwrap_or(0));
    let sum = Duration::from_secs(expected.iter().sum());
    // Of a time in a mailbox, which is known to 4.1 µs.
    let slack = Duration::from_micros(5) * expected.len() as u32;
    assert_eq!(timing.count(), expected.len() as u64, "{timing:?}");
    assert!(timing.sum() >= sum && timing.sum() <= sum + slack, "{timing:?}");
    let max = timing.max().unwrap_or_default();
    assert!(max >= longest && max <= longest + slack, "{timing:?}");
    let median = timing.quantile(0.5).unwrap_or_default();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    let exact = Duration::from_secs(expected.get(expected.len().saturating_sub(1) / 2).copied().unwrap_or(0));
    assert!(median >= exact && median <= exact + exact / 8 + slack, "{timing:?}");
}

#[tokio::test(start_paused = true)]
async fn the_time_in_the_mailbox_and_the_time_in_the_handler_are_told_apart() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let _actor = worker.spawn(&broker, &desk, 8).await;
    broker.send(&desk, plain(Job::Hold(0))).await.unwrap();
    worker.gate.arrival().await;
    broker.send(&desk, sampled(Job::Hold(1))).await.unwrap();
    broker.send(&desk, sampled(Job::Hold(2))).await.unwrap();
    pass(5).await;
    worker.gate.let_go(1);
    worker.gate.arrival().await;
    pass(2).await;
    worker.gate.let_go(1);
    worker.gate.arrival().await;
    let timings = timings_of(&broker, &desk);
    assert_seconds(&timings.queued, &[5, 7]);
    assert_seconds(&timings.handling, &[2]);
    pass(1).await;
    worker.gate.let_go(1);
    settle().await;
    let timings = timings_of(&broker, &desk);
    assert_seconds(&timings.queued, &[5, 7]);
    assert_seconds(&timings.handling, &[2, 1]);
    assert_seconds(&timings.round_trip, &[]);
    assert_eq!(broker.metrics().timings, timings);
}

#[tokio::test(start_paused = true)]
async fn of_what_is_received_by_hand_the_handling_ends_with_its_delivery() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    for job in [sampled(Job::Note(1)), plain(Job::Note(2)), sampled(Job::Note(3))] {
        broker.send(&desk, job).await.unwrap();
    }
    pass(1).await;
    let first = inbox.recv().await.unwrap();
    let second = inbox.try_recv().unwrap();
    pass(2).await;
    let third = inbox.recv().await.unwrap();
    pass(3).await;
    drop((first, second));
    pass(4).await;
    drop(third);
    let timings = timings_of(&broker, &desk);
    assert_seconds(&timings.queued, &[1, 3]);
    assert_seconds(&timings.handling, &[5, 7]);
}

#[tokio::test(start_paused = true)]
async fn what_fails_and_what_panics_was_handled_and_what_expired_was_not() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    worker.spawn_with(&broker, &desk, SpawnOptions::new().mailbox(MailboxOptions::bounded(8))).await;
    broker.send(&desk, plain(Job::Hold(0))).await.unwrap();
    worker.gate.arrival().await;
    broker.send(&desk, sampled(Job::Note(1)).within(Duration::from_secs(1))).await.unwrap();
    broker.send(&desk, sampled(Job::Fail("no ink"))).await.unwrap();
    broker.send(&desk, sampled(Job::Panic("no paper"))).await.unwrap();
    pass(2).await;
    worker.gate.let_all_go();
    settle().await;
    assert!(broker.metrics().actors.is_empty());
    let timings = broker.metrics().timings;
    assert_seconds(&timings.queued, &[2, 2]);
    assert_seconds(&timings.handling, &[0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_round_trip_has_the_wait_for_room_in_it_and_ends_with_the_reply() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let _actor = worker.spawn_held(&broker, &desk, 1).await;
    broker.send(&desk, plain(Job::Note(1))).await.unwrap();
    let mut request = pin!(broker.request(&desk, sampled(Job::Hold(2)).within(Duration::from_secs(60))));
    assert!(poll_once(request.as_mut()).is_pending());
    pass(3).await;
    worker.gate.let_go(1);
    worker.gate.arrival().await;
    pass(4).await;
    worker.gate.let_go(1);
    settle().await;
    // The caller has not looked yet.
    pass(5).await;
    assert_seconds(&timings_of(&broker, &desk).round_trip, &[]);
    assert_eq!(request.await.unwrap(), Job::Answer(2));
    let timings = timings_of(&broker, &desk);
    assert_seconds(&timings.round_trip, &[12]);
    assert_seconds(&timings.queued, &[0]);
    assert_seconds(&timings.handling, &[4]);
    assert_seconds(&broker.metrics().timings.round_trip, &[12]);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_reply_makes_no_round_trip() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let _actor = worker.spawn(&broker, &desk, 8).await;
    broker.request(&desk, sampled(Job::Note(1))).await.unwrap_err();
    broker.request(&desk, sampled(Job::Fail("no ink"))).await.unwrap_err();
    broker.request(&desk, sampled(Job::Hold(2)).within(Duration::from_secs(1))).await.unwrap_err();
    broker.request(&named("nobody"), sampled(Job::Echo(3))).await.unwrap_err();
    worker.gate.let_all_go();
    broker.request(&desk, plain(Job::Echo(4))).await.unwrap();
    assert_seconds(&broker.metrics().timings.round_trip, &[]);
    broker.request(&desk, sampled(Job::Echo(5))).await.unwrap();
    assert_seconds(&broker.metrics().timings.round_trip, &[0]);
}

#[tokio::test(start_paused = true)]
async fn a_round_trip_counts_for_the_actor_that_was_asked_whoever_answers() {
    let (broker, desk, clerk) = (Broker::new(), named("desk"), named("clerk"));
    let (mut first, mut second) = (inbox(&broker, &desk, 8).await, inbox(&broker, &clerk, 8).await);
    let mut request = pin!(broker.request(&desk, sampled(Job::Echo(1))));
    assert!(poll_once(request.as_mut()).is_pending());
    let mut delivery = first.recv().await.unwrap();
    broker.send(&clerk, sampled(Job::Echo(1))).await.unwrap();
    pass(2).await;
    let token = delivery.reply_token().unwrap();
    drop((delivery, second.recv().await.unwrap()));
    token.reply(Job::Answer(1)).await.unwrap();
    request.await.unwrap();
    assert_seconds(&timings_of(&broker, &desk).round_trip, &[2]);
    assert_seconds(&timings_of(&broker, &clerk).round_trip, &[]);
}

#[tokio::test(start_paused = true)]
async fn the_total_keeps_the_timings_of_actors_that_have_ended() {
    let (broker, worker) = (Broker::new(), Worker::new());
    for (name, seconds) in [("first", 1), ("second", 2)] {
        let actor = worker.spawn(&broker, &named(name), 8).await;
        broker.send(&named(name), sampled(Job::Hold(seconds))).await.unwrap();
        worker.gate.arrival().await;
        pass(seconds).await;
        worker.gate.let_go(1);
        actor.drain().await;
    }
    let mut living = inbox(&broker, &named("third"), 8).await;
    broker.send(&named("third"), sampled(Job::Note(0))).await.unwrap();
    pass(3).await;
    drop(living.recv().await);
    let metrics = broker.metrics();
    assert_eq!(metrics.actors.len(), 1);
    assert_seconds(&metrics.timings.handling, &[1, 2, 0]);
    assert_seconds(&metrics.timings.queued, &[0, 0, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_taken_after_the_actors_end_still_counts() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let actor = worker.spawn(&broker, &desk, 8).await;
    let mut requests = [1, 2].map(|number| Box::pin(broker.request(&desk, sampled(Job::Echo(number)))));
    assert!(requests.iter_mut().all(|request| poll_once(request.as_mut()).is_pending()));
    actor.drain().await;
    assert_seconds(&broker.metrics().timings.round_trip, &[]);
    pass(2).await;
    for request in requests {
        request.await.unwrap();
    }
    let metrics = broker.metrics();
    assert!(metrics.actors.is_empty());
    assert_seconds(&metrics.timings.round_trip, &[2, 2]);
}

#[tokio::test(start_paused = true)]
async fn the_time_that_senders_are_blocked_adds_up_however_the_wait_ends() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 1).await;
    broker.send(&desk, Job::Note(0)).await.unwrap();
    let blocked = || {
        let metrics = broker.metrics();
        let (total, actor) = (metrics.total, metrics.actors[0].traffic);
        assert_eq!((total.times_blocked, total.time_blocked), (actor.times_blocked, actor.time_blocked));
        (metrics.blocked_senders, total.times_blocked, total.time_blocked.as_secs_f64())
    };
    assert_eq!(blocked(), (0, 0, 0.0));
    let mut sends: Vec<_> = (1..5).map(|number| Box::pin(broker.send(&desk, Job::Note(number)))).collect();
    sends.iter_mut().for_each(|send| assert!(poll_once(send.as_mut()).is_pending()));
    pass(1).await;
    assert_eq!(blocked(), (4, 4, 4.0));
    // One is let in, and has not looked yet.
    inbox.recv().await.unwrap();
    pass(1).await;
    assert_eq!(blocked(), (3, 4, 7.0));
    // One goes away.
    drop(sends.pop());
    pass(1).await;
    assert_eq!(blocked(), (2, 4, 9.0));
    // The others learn that the mailbox is closed, and have not looked yet.
    inbox.close();
    pass(1).await;
    assert_eq!(blocked().1, 4);
    assert!((blocked().2 - 9.0).abs() < 1e-9);
    drop(sends);
    assert_eq!(blocked(), (0, 4, 9.0));
}

#[tokio::test(start_paused = true)]
async fn the_total_keeps_the_waits_at_actors_that_have_ended() {
    let (broker, worker) = (Broker::new(), Worker::new());
    for (name, seconds) in [("first", 1), ("second", 2)] {
        let actor = worker.spawn_held(&broker, &named(name), 1).await;
        broker.send(&named(name), Job::Note(1)).await.unwrap();
        let address = named(name);
        let mut send = pin!(broker.send(&address, Job::Note(2)));
        assert!(poll_once(send.as_mut()).is_pending());
        pass(seconds).await;
        worker.gate.let_go(1);
        send.await.unwrap();
        actor.drain().await;
    }
    let metrics = broker.metrics();
    assert!(metrics.actors.is_empty());
    assert_eq!((metrics.total.times_blocked, metrics.total.time_blocked), (2, Duration::from_secs(3)));
}

#[tokio::test(start_paused = true)]
async fn one_message_in_so_many_is_timed_and_each_member_of_a_pool_has_its_share() {
    const EACH: u64 = 6_400;
    let (broker, desks, worker) = (in_turns(), pool("desks"), Worker::new());
    for _ in 0..8 {
        worker.spawn(&broker, &desks, 64).await;
    }
    for number in 0..8 * EACH {
        broker.send(&desks, Job::Note(number)).await.unwrap();
    }
    settle().await;
    let metrics = broker.metrics();
    // A lot decides: five standard deviations are allowed.
    let expected = EACH / u64::from(SAMPLED_ONE_IN);
    let near = |count: u64, expected: u64| count.abs_diff(expected).pow(2) <= 25 * expected;
    for actor in &metrics.actors {
        assert_eq!(actor.timings.queued.count(), actor.timings.handling.count());
        assert!(near(actor.timings.handling.count(), expected), "{:?}", actor.timings);
    }
    assert!(near(metrics.timings.handling.count(), 8 * expected), "{:?}", metrics.timings);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_can_be_written_read_and_merged_with_that_of_another_broker() {
    let mut snapshots = Vec::new();
    for seconds in [1, 9] {
        let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
        let _actor = worker.spawn(&broker, &desk, 8).await;
        let mut request = pin!(broker.request(&desk, sampled(Job::Hold(seconds))));
        assert!(poll_once(request.as_mut()).is_pending());
        worker.gate.arrival().await;
        pass(seconds).await;
        worker.gate.let_go(1);
        request.await.unwrap();
        let metrics = broker.metrics();
        let read: BrokerMetrics = serde_json::from_str(&serde_json::to_string(&metrics).unwrap()).unwrap();
        assert_eq!(read, metrics);
        snapshots.push(read);
    }
    let mut both = snapshots[0].timings.clone();
    both.merge(&snapshots[1].timings);
    assert_seconds(&both.queued, &[0, 0]);
    assert_seconds(&both.handling, &[1, 9]);
    assert_seconds(&both.round_trip, &[1, 9]);
}
