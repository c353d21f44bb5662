//! One deadline covers a whole request, and ends it wherever it is: waiting for room, in the mailbox, in the handler.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use common::{Broker, Job, Worker, assert_at_rest, inbox, named, numbers_of, poll_once, settle, take_letters};
use switchboard::actor::SpawnOptions;
use switchboard::broker::{MessageBroker, Ran, RequestError, RequestErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::mailbox::MailboxOptions;
use switchboard::message::Message;
use switchboard::metrics::Outcome;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, advance, timeout};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_handler_still_at_work_at_the_deadline_may_have_run() {
    let broker = Broker::new();
    let (desk, worker) = (named("desk"), Worker::new());
    worker.spawn(&broker, &desk, 8).await;
    let start = Instant::now();
    let error = broker.request(&desk, Job::Hold(1).within(SECOND)).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::TimedOut);
    assert_eq!(error.ran(), Ran::Maybe);
    assert!(error.is_timeout() && !error.is_retryable());
    assert_eq!(start.elapsed().as_secs(), 1);

    // The reply that comes nevertheless is counted, and dropped.
    assert_eq!(broker.metrics().late_replies, 0);
    worker.gate.let_all_go();
    settle().await;
    assert_eq!(broker.metrics().late_replies, 1);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_request_still_queued_at_its_deadline_never_runs() {
    let broker = Broker::new();
    let (desk, worker) = (named("desk"), Worker::new());
    let actor = worker.spawn_held(&broker, &desk, 8).await;
    let error = broker.request(&desk, Job::Note(1).within(SECOND)).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::TimedOut);
    assert_eq!(error.ran(), Ran::Never);
    assert_eq!(error.into_inner(), None, "it was accepted");

    worker.gate.let_all_go();
    actor.drain().await;
    assert_eq!(worker.log.numbers(), [0]);
    let letters = take_letters(&broker);
    assert_eq!(numbers_of(&letters, DeadLetterReason::Expired), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_request_still_waiting_for_room_at_its_deadline_comes_back_whole() {
    let broker = Broker::new();
    let (desk, worker) = (named("desk"), Worker::new());
    let actor = worker.spawn_held(&broker, &desk, 1).await;
    broker.send(&desk, Job::Note(1)).await.unwrap();
    let start = Instant::now();
    let error = broker.request(&desk, Job::Note(2).within(SECOND)).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::TimedOut);
    assert_eq!(error.ran(), Ran::Never);
    assert_eq!(error.into_inner(), Some(Job::Note(2)));
    assert_eq!(start.elapsed().as_secs(), 1);
    assert_eq!(broker.metrics().requests_in_flight, 0);
    assert_eq!(broker.metrics().blocked_senders, 0);

    worker.gate.let_all_go();
    actor.drain().await;
    assert_eq!(worker.log.numbers(), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn one_deadline_covers_the_wait_for_room_and_the_handling() {
    let broker = Broker::new();
    let (desk, worker) = (named("desk"), Worker::new());
    worker.spawn_held(&broker, &desk, 1).await;
    broker.send(&desk, Job::Note(1)).await.unwrap();
    let start = Instant::now();
    let mut request = pin!(broker.request(&desk, Job::Hold(2).within(10 * SECOND)));
    assert!(poll_once(request.as_mut()).is_pending());
    advance(6 * SECOND).await;
    worker.gate.let_go(1);
    worker.gate.arrival().await;

    let error = request.await.unwrap_err();
    assert_eq!((error.is_timeout(), error.ran()), (true, Ran::Maybe));
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn the_default_timeout_holds_where_the_message_has_none() {
    let broker: Broker = Broker::builder().request_timeout(3 * SECOND).build().unwrap();
    let (desk, worker) = (named("desk"), Worker::new());
    worker.spawn(&broker, &desk, 8).await;
    let start = Instant::now();
    assert!(broker.request(&desk, Job::Hold(1)).await.unwrap_err().is_timeout());
    assert_eq!(start.elapsed().as_secs(), 3);
    worker.gate.let_all_go();
}

#[tokio::test(start_paused = true)]
async fn a_broker_without_a_timeout_waits_for_as_long_as_the_handler_works() {
    let broker: Broker = Broker::builder().no_request_timeout().build().unwrap();
    let (desk, worker) = (named("desk"), Worker::new());
    worker.spawn(&broker, &desk, 8).await;
    let mut request = pin!(broker.request(&desk, Job::Hold(1)));
    assert!(poll_once(request.as_mut()).is_pending());
    worker.gate.arrival().await;
    advance(1_000_000 * SECOND).await;
    settle().await;
    assert!(poll_once(request.as_mut()).is_pending());
    worker.gate.let_all_go();
    assert_eq!(request.await.unwrap(), Job::Answer(1));
}

#[tokio::test(start_paused = true)]
async fn a_block_limit_ends_the_wait_for_room_before_the_deadline() {
    let broker = Broker::new();
    let (desk, worker) = (named("desk"), Worker::new());
    let mailbox = MailboxOptions::bounded(1).block_limit(SECOND);
    let options = SpawnOptions::new().mailbox(mailbox);
    worker.spawn_with(&broker, &desk, options).await;
    broker.send(&desk, Job::Hold(0)).await.unwrap();
    worker.gate.arrival().await;
    broker.send(&desk, Job::Note(1)).await.unwrap();

    let start = Instant::now();
    let request = broker.request(&desk, Job::Note(2).within(9 * SECOND));
    assert_eq!(request.await.unwrap_err().into_inner(), Some(Job::Note(2)));
    assert_eq!(start.elapsed().as_secs(), 1);
    worker.gate.let_all_go();
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_deadlines_all_end_in_time() {
    const REQUESTS: u64 = 10_000;
    let broker = Broker::new();
    let desk = named("desk");
    let _inbox = inbox(&broker, &desk, REQUESTS as usize).await;
    let start = Instant::now();
    // In an order that is not that of the deadlines.
    let tasks: Vec<_> = (0..REQUESTS)
        .map(|number| Duration::from_millis(1 + number * 7_919 % REQUESTS))
        .map(|time| {
            let (broker, desk) = (broker.clone(), desk.clone());
            tokio::spawn(async move {
                let error = broker.request(&desk, Job::Echo(0).within(time)).await;
                (time, start.elapsed(), error.unwrap_err().kind().clone())
            })
        })
        .collect();
    for task in tasks {
        let (wanted, taken, kind) = common::soon(task).await.unwrap();
        assert_eq!(kind, RequestErrorKind::TimedOut);
        let late = taken - wanted;
        assert!(late <= Duration::from_millis(2), "{late:?} late after {wanted:?}");
    }
    assert_eq!(broker.metrics().requests_in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn an_earlier_deadline_that_comes_later_is_kept() {
    let broker = Broker::new();
    let desk = named("desk");
    let _inbox = inbox(&broker, &desk, 8).await;
    let mut long = pin!(broker.request(&desk, Job::Echo(1).within(60 * SECOND)));
    assert!(poll_once(long.as_mut()).is_pending());
    settle().await;
    let start = Instant::now();
    let short = broker.request(&desk, Job::Echo(2).within(SECOND)).await;
    assert!(short.unwrap_err().is_timeout());
    assert_eq!(start.elapsed().as_secs(), 1);
    assert!(poll_once(long.as_mut()).is_pending());
    assert!(long.await.unwrap_err().is_timeout());
    assert_eq!(start.elapsed().as_secs(), 60);
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// Asks somebody who never answers, and gives up by itself long after the deadline.
async fn time_out(broker: &Broker) -> Result<RequestError<Job>, tokio::time::error::Elapsed> {
    let desk = named("desk");
    let request = broker.request(&desk, Job::Echo(1).within(SECOND));
    timeout(100 * SECOND, request).await.map(Result::unwrap_err)
}

#[test]
fn the_timer_survives_the_runtime_that_it_began_in() {
    let broker = Broker::new();
    let first = runtime();
    let _inbox = first.block_on(inbox(&broker, &named("desk"), 8));
    assert!(first.block_on(time_out(&broker)).unwrap().is_timeout());
    drop(first);
    let second = runtime();
    assert!(second.block_on(time_out(&broker)).unwrap().is_timeout());
}

#[test]
fn a_request_that_waits_while_the_timers_runtime_goes_ends_all_the_same() {
    let broker = Broker::new();
    let (first, second) = (runtime(), runtime());
    let _inbox = first.block_on(inbox(&broker, &named("desk"), 8));
    assert!(first.block_on(time_out(&broker)).unwrap().is_timeout());
    let mut first = Some(first);
    second.block_on(async {
        let mut waiting = pin!(time_out(&broker));
        poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx).is_pending())).await;
        tokio::task::spawn_blocking(move || drop(first.take())).await.unwrap();
        assert!(waiting.await.unwrap().is_timeout());
    });
}
