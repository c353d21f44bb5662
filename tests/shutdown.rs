//! A shutdown lets what was accepted be handled, hands back the rest when its time is up, and leaves nothing behind: no
//! task, no request, no message that is not accounted for.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Broker, Job, Worker, assert_at_rest, inbox, named, number_of, numbers_of, poll_once, settle, soon};
use switchboard::actor::{SpawnOptions, once};
use switchboard::address::ActorAddress;
use switchboard::broker::{MessageBroker, RequestErrorKind, SendErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;
use switchboard::retry::{Backoff, RetryPolicy};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

fn at_least_once(number: u64, attempts: u32, delay: Duration) -> MessageEnvelope<Job> {
    let policy = RetryPolicy::attempts(attempts).backoff(Backoff::fixed(delay));
    MessageEnvelope::new(Job::Note(number)).at_least_once().with_retry(policy)
}

/// Starts an actor that fails the first so many times, and gives what it was given.
async fn spawn_failing(
    broker: &Broker,
    address: &ActorAddress,
    options: SpawnOptions,
    times: usize,
) -> Arc<Mutex<Vec<u64>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let handler = {
        let seen = Arc::clone(&seen);
        move |envelope: MessageEnvelope<Job>| {
            let mut seen = seen.lock().unwrap();
            seen.push(number_of(envelope.message()));
            let fails = seen.len() <= times;
            std::future::ready(if fails { Err("on purpose") } else { Ok(()) })
        }
    };
    broker.spawn_with(address, options, once(handler)).await.unwrap();
    seen
}

#[tokio::test(start_paused = true)]
async fn what_waits_to_be_handled_again_is_handled_before_the_shutdown_ends() {
    for options in [SpawnOptions::new(), SpawnOptions::new().in_order()] {
        let (broker, desk) = (Broker::new(), named("desk"));
        let seen = spawn_failing(&broker, &desk, options, 2).await;
        broker.send(&desk, at_least_once(7, 3, SECOND)).await.unwrap();
        settle().await;
        let start = Instant::now();
        let report = soon(broker.shutdown(HOUR)).await;
        assert_eq!((report.drained, report.aborted, report.abandoned), (1, 0, 0));
        assert_eq!((seen.lock().unwrap().as_slice(), start.elapsed().as_secs()), (&[7, 7, 7][..], 2));
        assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1)]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_still_waits_to_be_handled_again_when_the_time_is_up_is_dead_whole() {
    for options in [SpawnOptions::new(), SpawnOptions::new().in_order()] {
        let (broker, desk) = (Broker::new(), named("desk"));
        spawn_failing(&broker, &desk, options, 1).await;
        broker.send(&desk, at_least_once(7, 3, HOUR)).await.unwrap();
        settle().await;
        let start = Instant::now();
        let report = soon(broker.shutdown(5 * SECOND)).await;
        assert_eq!((report.drained, report.aborted, report.abandoned), (0, 1, 1));
        assert_eq!(start.elapsed().as_secs(), 5);
        let letters = common::take_letters(&broker);
        assert_eq!(numbers_of(&letters, DeadLetterReason::ShutDown), [7]);
        assert_eq!(letters[0].attempts, 1);
        assert_at_rest(&broker.metrics().total, &[(Outcome::Abandoned, 1)]);
    }
}

#[tokio::test(start_paused = true)]
async fn every_task_has_ended_when_it_returns() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let before = tasks();
    worker.spawn_held(&broker, &desk, 8).await;
    worker.spawn(&broker, &named("idle"), 8).await;
    spawn_failing(&broker, &named("failing"), SpawnOptions::new(), 9).await;
    broker.send(&named("failing"), at_least_once(1, 3, HOUR)).await.unwrap();
    broker.send_after(HOUR, &desk, Job::Note(2)).await.unwrap();
    broker.send_every(SECOND, &desk, Job::Note(3)).await.unwrap();
    settle().await;
    // Three actors, and the one that keeps the time.
    assert_eq!(tasks(), before + 4);
    soon(broker.shutdown(5 * SECOND)).await;
    assert_eq!(tasks(), before);
    let audit = broker.audit();
    assert!(audit.is_balanced() && audit.is_at_rest(), "{audit}");
}

#[tokio::test(start_paused = true)]
async fn every_request_has_ended_when_it_returns() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    worker.spawn_held(&broker, &desk, 1).await;
    let hand = named("hand");
    let mut by_hand = inbox(&broker, &hand, 8).await;
    let in_mailbox = Job::Echo(1);
    let waits_for_room = Job::Echo(2);
    let mut requests = [
        Box::pin(broker.request(&desk, in_mailbox)),
        Box::pin(broker.request(&desk, waits_for_room)),
        Box::pin(broker.request(&hand, Job::Echo(3))),
        Box::pin(broker.request(&hand, Job::Echo(4))),
    ];
    assert!(requests.iter_mut().all(|request| poll_once(request.as_mut()).is_pending()));
    let in_hand = by_hand.recv().await.unwrap();
    soon(broker.shutdown(SECOND)).await;
    let mut kinds = Vec::new();
    for request in requests {
        kinds.push(soon(request).await.unwrap_err().kind().clone());
    }
    let stopped = RequestErrorKind::ActorStopped;
    let shut = RequestErrorKind::NotSent(SendErrorKind::ShutDown);
    assert_eq!(kinds, [stopped.clone(), shut, stopped.clone(), stopped]);
    drop((in_hand, by_hand));
    assert_eq!(broker.metrics().requests_in_flight, 0);
    let audit = broker.audit();
    assert!(audit.is_balanced() && audit.is_at_rest(), "{audit}");
}

#[tokio::test(start_paused = true)]
async fn code_that_receives_by_hand_has_until_the_time_is_up_and_not_longer() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    for number in 1..=3 {
        broker.send(&desk, Job::Note(number)).await.unwrap();
    }
    let mut shutdown = pin!(broker.shutdown(5 * SECOND));
    assert!(poll_once(shutdown.as_mut()).is_pending());
    drop(inbox.recv().await.unwrap());
    assert!(poll_once(shutdown.as_mut()).is_pending());
    tokio::time::sleep(5 * SECOND).await;
    soon(shutdown).await;
    assert!(inbox.try_recv().is_none() && inbox.recv().await.is_none());
    assert_eq!(numbers_of(&common::take_letters(&broker), DeadLetterReason::ShutDown), [2, 3]);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1), (Outcome::Abandoned, 2)]);
}

#[tokio::test(start_paused = true)]
async fn what_an_inbox_has_fetched_when_the_time_is_up_is_dead_for_that_reason_and_no_other() {
    for waits in [false, true] {
        let (broker, desk) = (Broker::new(), named("desk"));
        let mut inbox = inbox(&broker, &desk, 8).await;
        let mut request = pin!(broker.request(&desk, Job::Echo(2)));
        broker.send(&desk, Job::Note(1)).await.unwrap();
        assert!(poll_once(request.as_mut()).is_pending());
        let in_hand = inbox.try_recv().unwrap();
        soon(broker.shutdown(SECOND)).await;
        // The request has ended, so that nobody waits for the answer; that is not why nobody gives it.
        assert_eq!(request.await.unwrap_err().kind(), &RequestErrorKind::ActorStopped);
        assert!(if waits { inbox.recv().await.is_none() } else { inbox.try_recv().is_none() });
        assert_eq!(numbers_of(&common::take_letters(&broker), DeadLetterReason::ShutDown), [2]);
        drop(in_hand);
        assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1), (Outcome::Abandoned, 1)]);
    }
}

#[tokio::test(start_paused = true)]
async fn it_waits_for_what_is_in_hand_and_what_that_brings_back() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    broker.send(&desk, at_least_once(7, 3, SECOND)).await.unwrap();
    let in_hand = inbox.recv().await.unwrap();
    let mut shutdown = pin!(broker.shutdown(HOUR));
    assert!(poll_once(shutdown.as_mut()).is_pending());
    in_hand.fail("once");
    assert!(poll_once(shutdown.as_mut()).is_pending());
    let again = soon(inbox.recv()).await.unwrap();
    assert_eq!(again.envelope().attempt(), 2);
    drop(again);
    assert_eq!(soon(shutdown).await.abandoned, 0);
    assert!(inbox.recv().await.is_none());
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_the_time_is_up_leaves_the_message_whole() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    broker.send(&desk, at_least_once(7, 3, SECOND)).await.unwrap();
    let in_hand = inbox.recv().await.unwrap();
    soon(broker.shutdown(SECOND)).await;
    in_hand.fail("too late");
    let letters = common::take_letters(&broker);
    assert_eq!(numbers_of(&letters, DeadLetterReason::ShutDown), [7]);
    assert_eq!(letters[0].attempts, 1);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Abandoned, 1)]);
}

#[tokio::test(start_paused = true)]
async fn it_can_be_called_again_and_by_several() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    worker.spawn_held(&broker, &desk, 8).await;
    let mut given_up = Box::pin(broker.shutdown(HOUR));
    assert!(poll_once(given_up.as_mut()).is_pending());
    drop(given_up);
    assert_eq!(broker.send(&desk, Job::Note(1)).await.unwrap_err().kind(), SendErrorKind::ShutDown);
    let mut patient = pin!(broker.shutdown(HOUR));
    assert!(poll_once(patient.as_mut()).is_pending());
    let report = soon(broker.shutdown(SECOND)).await;
    assert_eq!((report.drained, report.aborted), (0, 1));
    soon(patient).await;
    let again = soon(broker.shutdown(HOUR)).await;
    assert_eq!((again.drained, again.aborted, again.abandoned), (0, 0, 0));
}
