//! A message that is sent after a time, at a time or at an interval is delivered when it is due, and until then is
//! accounted for like any other.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::pin;
use std::time::Duration;

use common::{Broker, Job, Worker, assert_at_rest, inbox, named, number_of, numbers_of, poll_once, settle};
use switchboard::actor::Delivery;
use switchboard::broker::{InMemoryMessageBroker, MessageBroker, SendErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::{Message, MessageEnvelope};
use switchboard::metrics::Outcome;
use switchboard::retry::{Backoff, RetryPolicy};
use tokio::time::{Instant, advance, sleep};

const SECOND: Duration = Duration::from_secs(1);

fn every_second(attempts: u32) -> RetryPolicy {
    RetryPolicy::attempts(attempts).backoff(Backoff::fixed(SECOND))
}

#[tokio::test(start_paused = true)]
async fn it_is_delivered_when_it_is_due_and_counts_as_waiting_until_then() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    let start = Instant::now();
    let after = broker.send_after(5 * SECOND, &desk, Job::Note(5)).await.unwrap();
    let at = broker.send_at(start + 3 * SECOND, &desk, Job::Note(3)).await.unwrap();
    assert_eq!((after.due(), at.due()), (Some(start + 5 * SECOND), Some(start + 3 * SECOND)));
    let audit = broker.audit();
    assert!(audit.is_balanced() && !audit.is_at_rest());
    assert_eq!((audit.accepted, audit.waiting, audit.queued), (2, 2, 0));
    for (scheduled, due) in [(at, 3), (after, 5)] {
        let delivery = inbox.recv().await.unwrap();
        assert_eq!((number_of(delivery.message()), start.elapsed().as_secs()), (due, due));
        assert_eq!((delivery.envelope().id(), scheduled.due()), (scheduled.id(), None));
    }
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 2)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_due_is_delivered_in_the_order_of_due_times_and_then_of_sending() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 64).await;
    for (number, due) in (0..).zip([30, 10, 20, 10, 0, 30, 20, 10]) {
        broker.send_after(Duration::from_millis(due), &desk, Job::Note(due * 100 + number)).await.unwrap();
    }
    // All at once, so that nothing but the order of delivery says which comes first.
    advance(SECOND).await;
    settle().await;
    let received: Vec<_> =
        std::iter::from_fn(|| inbox.try_recv()).map(|delivery| number_of(delivery.message())).collect();
    assert_eq!(received.len(), 8);
    assert!(received.is_sorted(), "{received:?}");
}

#[tokio::test(start_paused = true)]
async fn one_whose_time_has_gone_by_is_delivered_at_once() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    let start = Instant::now();
    advance(SECOND).await;
    broker.send_at(start, &desk, Job::Note(1)).await.unwrap();
    settle().await;
    assert_eq!(inbox.try_recv().map(Delivery::into_message), Some(Job::Note(1)));
}

#[tokio::test(start_paused = true)]
async fn cancelled_it_comes_back_once_and_is_never_delivered() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    let envelope = MessageEnvelope::new(Job::Note(7)).with_metadata("colour", "red");
    let scheduled = broker.send_after(SECOND, &desk, envelope).await.unwrap();
    let back = scheduled.cancel().unwrap();
    assert_eq!((back.id(), back.metadata("colour")), (scheduled.id(), Some("red")));
    assert_eq!(back.message(), &Job::Note(7));
    assert!(scheduled.cancel().is_none());
    sleep(5 * SECOND).await;
    assert!(inbox.try_recv().is_none());
    assert_at_rest(&broker.metrics().total, &[(Outcome::Cancelled, 1)]);
    assert!(common::take_letters(&broker).is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_that_was_delivered_can_not_be_taken_back() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let inbox = inbox(&broker, &desk, 8).await;
    let scheduled = broker.send_after(SECOND, &desk, Job::Note(7)).await.unwrap();
    sleep(2 * SECOND).await;
    assert!(scheduled.cancel().is_none());
    assert_eq!(inbox.depth(), 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_handle_changes_nothing() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    drop(broker.send_after(SECOND, &desk, Job::Note(1)).await.unwrap());
    drop(broker.send_every(SECOND * 2, &desk, Job::Note(2)).await.unwrap());
    for number in [1, 2, 2] {
        assert_eq!(inbox.recv().await.map(Delivery::into_message), Some(Job::Note(number)));
    }
}

#[tokio::test(start_paused = true)]
async fn at_an_interval_copies_with_ids_of_their_own_come_until_that_is_cancelled() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    let (start, mut ids) = (Instant::now(), Vec::new());
    let envelope = MessageEnvelope::new(Job::Note(7)).with_metadata("colour", "red");
    let ticking = broker.send_every(2 * SECOND, &desk, envelope).await.unwrap();
    for tick in 1..=3 {
        let delivery = inbox.recv().await.unwrap();
        assert_eq!((start.elapsed().as_secs(), delivery.envelope().metadata("colour")), (2 * tick, Some("red")));
        ids.push(delivery.envelope().id());
    }
    ids.dedup();
    assert_eq!((ids.len(), ticking.sent(), ticking.missed()), (3, 3, 0));
    ticking.cancel();
    sleep(10 * SECOND).await;
    assert!(inbox.try_recv().is_none());
    assert_eq!(ticking.sent(), 3);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 3)]);
}

#[tokio::test(start_paused = true)]
async fn a_time_at_which_nobody_is_there_or_no_room_is_missed_and_so_is_one_that_went_by() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let ticking = broker.send_every(SECOND, &desk, Job::Note(7)).await.unwrap();
    sleep(SECOND * 5 / 2).await;
    assert_eq!((ticking.sent(), ticking.missed()), (0, 2), "nobody is there");
    let mut inbox = inbox(&broker, &desk, 1).await;
    sleep(2 * SECOND).await;
    assert_eq!((ticking.sent(), ticking.missed()), (1, 3), "one finds no room");
    assert!(inbox.try_recv().is_some());
    // Ten seconds go by in which nothing runs: one tick late, and the rest never.
    advance(10 * SECOND).await;
    settle().await;
    assert_eq!((ticking.sent(), ticking.missed()), (2, 12));
    let total = broker.metrics().total;
    assert_eq!((total.accepted, total.waiting), (2, 0), "what is missed was never accepted");
}

/// A message that is worth handling for two seconds.
#[derive(Debug, PartialEq)]
struct Brief;

impl Message for Brief {
    const MESSAGE_TYPE: &'static str = "tests.brief";

    fn time_to_live(&self) -> Option<Duration> {
        Some(2 * SECOND)
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_to_live_of_its_type_counts_from_when_it_is_due() {
    let (broker, desk) = (InMemoryMessageBroker::new(), named("desk"));
    let mut inbox = broker.register(&desk, MailboxOptions::bounded(8)).await.unwrap();
    broker.send_after(10 * SECOND, &desk, Brief).await.unwrap();
    sleep(11 * SECOND).await;
    let remaining = inbox.try_recv().unwrap().envelope().remaining().unwrap();
    assert_eq!(remaining, SECOND);
    broker.send_after(10 * SECOND, &desk, Brief).await.unwrap();
    sleep(13 * SECOND).await;
    assert!(inbox.try_recv().is_none());
    assert_eq!(common::take_letters(&broker)[0].reason, DeadLetterReason::Expired);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_passes_before_it_is_due_is_refused() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let error = broker.send_after(2 * SECOND, &desk, Job::Note(7).within(2 * SECOND)).await.unwrap_err();
    assert_eq!((error.kind(), error.into_inner()), (SendErrorKind::Expired, Job::Note(7)));
    assert_eq!(broker.audit().accepted, 0);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_passes_before_it_is_delivered_makes_a_dead_letter() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let envelope = Job::Note(7).within(SECOND * 5 / 2).with_retry(every_second(9));
    broker.send_after(SECOND, &desk, envelope).await.unwrap();
    sleep(10 * SECOND).await;
    let letters = common::take_letters(&broker);
    assert_eq!(numbers_of(&letters, DeadLetterReason::Expired), [7]);
    assert_eq!((letters[0].attempts, letters[0].actor), (0, None));
    assert_at_rest(&broker.metrics().total, &[(Outcome::Expired, 1)]);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_when_it_is_due_it_is_a_dead_letter() {
    let (broker, desk) = (Broker::new(), named("desk"));
    broker.send_after(SECOND, &desk, Job::Note(7)).await.unwrap();
    sleep(SECOND * 2).await;
    let letters = common::take_letters(&broker);
    let reason = DeadLetterReason::Undeliverable(SendErrorKind::NoSuchActor);
    assert_eq!(numbers_of(&letters, reason), [7]);
    assert_eq!(letters[0].address, desk);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Abandoned, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_policy_says_whether_it_is_offered_again() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let envelope = || MessageEnvelope::new(Job::Note(7)).with_retry(every_second(3));
    broker.send_after(SECOND, &desk, envelope()).await.unwrap();
    sleep(SECOND * 5 / 2).await;
    let mut inbox = inbox(&broker, &desk, 8).await;
    sleep(SECOND).await;
    let delivery = inbox.try_recv().unwrap();
    assert_eq!(delivery.envelope().attempt(), 1, "what was refused was no attempt to handle it");
    drop((delivery, inbox));
    broker.send_after(SECOND, &desk, envelope()).await.unwrap();
    sleep(10 * SECOND).await;
    assert_eq!(common::take_letters(&broker).len(), 1);
    assert_eq!(broker.metrics().total.retries, 2 + 2);
}

#[tokio::test(start_paused = true)]
async fn at_a_full_mailbox_it_stands_in_line_like_any_sender_and_holds_up_nothing() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    worker.spawn_held(&broker, &desk, 1).await;
    broker.send(&desk, Job::Note(1)).await.unwrap();
    broker.send_after(SECOND, &desk, Job::Note(2)).await.unwrap();
    let mut other = inbox(&broker, &named("other"), 8).await;
    broker.send_after(SECOND, &named("other"), Job::Note(9)).await.unwrap();
    sleep(SECOND * 2).await;
    let mut blocked = pin!(broker.send(&desk, Job::Note(3)));
    assert!(poll_once(blocked.as_mut()).is_pending());
    assert_eq!(other.try_recv().map(Delivery::into_message), Some(Job::Note(9)));
    let metrics = broker.metrics();
    assert_eq!((metrics.total.queued, metrics.total.waiting, metrics.blocked_senders), (2, 0, 1));
    worker.gate.let_all_go();
    blocked.await.unwrap();
    settle().await;
    assert_eq!(worker.log.numbers(), [0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_line_is_dead_as_soon_as_its_actor_is_stopped() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let actor = worker.spawn_held(&broker, &desk, 1).await;
    broker.send(&desk, Job::Note(1)).await.unwrap();
    broker.send_after(SECOND, &desk, Job::Note(2)).await.unwrap();
    sleep(SECOND * 2).await;
    actor.stop();
    assert_eq!(numbers_of(&common::take_letters(&broker), DeadLetterReason::ActorStopped), [1, 2]);
    worker.gate.let_all_go();
    actor.join().await;
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1), (Outcome::Abandoned, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_refuses_or_evicts_does_so_with_what_is_due() {
    let refused = DeadLetterReason::Undeliverable(SendErrorKind::Full);
    let cases = [
        (BackpressureStrategy::Error, 2, refused),
        (BackpressureStrategy::DropNewest, 2, DeadLetterReason::Evicted),
        (BackpressureStrategy::DropOldest, 1, DeadLetterReason::Evicted),
    ];
    for (strategy, dead, reason) in cases {
        let (broker, desk) = (Broker::new(), named("desk"));
        let _inbox = broker.register(&desk, MailboxOptions::bounded(1).strategy(strategy)).await.unwrap();
        broker.send(&desk, Job::Note(1)).await.unwrap();
        broker.send_after(SECOND, &desk, Job::Note(2)).await.unwrap();
        sleep(SECOND * 2).await;
        assert_eq!(numbers_of(&common::take_letters(&broker), reason), [dead], "{strategy:?}");
        assert!(broker.audit().is_balanced());
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_makes_dead_letters_of_it_at_once_and_takes_nothing_more() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let _inbox = inbox(&broker, &desk, 8).await;
    let scheduled = broker.send_after(SECOND, &desk, Job::Note(1)).await.unwrap();
    let ticking = broker.send_every(SECOND, &desk, Job::Note(2)).await.unwrap();
    broker.shutdown(Duration::ZERO).await;
    assert!(scheduled.due().is_none() && scheduled.cancel().is_none());
    assert_eq!(numbers_of(&common::take_letters(&broker), DeadLetterReason::ShutDown), [1]);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Abandoned, 1)]);
    let refused = [
        broker.send_after(SECOND, &desk, Job::Note(3)).await.err().map(|error| error.kind()),
        broker.send_every(SECOND, &desk, Job::Note(4)).await.err().map(|error| error.kind()),
    ];
    assert_eq!(refused, [Some(SendErrorKind::ShutDown); 2]);
    sleep(5 * SECOND).await;
    assert_eq!(ticking.sent(), 0);
}
