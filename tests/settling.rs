//! A broker that keeps messages elsewhere learns how each ends in the end, and then it is no dead letter here.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::task::Poll;
use std::time::Duration;

use common::{Broker, Job, Worker, inbox, named, poll_once, settle};
use switchboard::actor::{Delivery, SpawnOptions};
use switchboard::broker::MessageBroker;
use switchboard::dead_letters::DeadLetterReason;
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::{MessageEnvelope, Settled, Settlement};
use switchboard::retry::{Backoff, RetryPolicy};

const SECOND: Duration = Duration::from_secs(1);

/// What a receiver does with what it has received.
type End = fn(Delivery<Job, Broker>);

fn settling(job: Job) -> (MessageEnvelope<Job>, Settlement) {
    let policy = RetryPolicy::attempts(3).backoff(Backoff::fixed(SECOND));
    MessageEnvelope::new(job).at_least_once_by(Job::clone).with_retry(policy).settling()
}

fn now(settlement: &mut Settlement) -> Poll<Option<Settled>> {
    poll_once(std::pin::Pin::new(settlement))
}

fn dead(reason: DeadLetterReason, cause: Option<&str>, attempts: u32) -> Poll<Option<Settled>> {
    Poll::Ready(Some(Settled::Dead { reason, cause: cause.map(str::to_owned), attempts }))
}

#[tokio::test(start_paused = true)]
async fn it_is_told_when_the_message_has_been_handled_and_not_before() {
    let (broker, worker) = (Broker::new(), Worker::new());
    worker.spawn(&broker, &named("desk"), 8).await;
    let (envelope, mut settlement) = settling(Job::Hold(1));
    broker.send(&named("desk"), envelope).await.unwrap();
    worker.gate.arrival().await;
    assert!(now(&mut settlement).is_pending());
    worker.gate.let_all_go();
    settle().await;
    assert_eq!(now(&mut settlement), Poll::Ready(Some(Settled::Handled)));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_only_when_no_attempt_is_left_and_is_no_dead_letter_here() {
    let (broker, worker) = (Broker::new(), Worker::new());
    worker.spawn(&broker, &named("desk"), 8).await;
    let (envelope, mut settlement) = settling(Job::Fail("no ink"));
    broker.send(&named("desk"), envelope).await.unwrap();
    for _ in 0..2 {
        settle().await;
        assert!(now(&mut settlement).is_pending());
        tokio::time::sleep(SECOND).await;
    }
    settle().await;
    assert_eq!(now(&mut settlement), dead(DeadLetterReason::Failed, Some("no ink"), 3));
    assert!(broker.dead_letters().is_empty() && broker.audit().is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_last_attempt_is_told_with_its_cause() {
    let (broker, worker) = (Broker::new(), Worker::new());
    worker.spawn(&broker, &named("desk"), 8).await;
    let (envelope, mut settlement) = settling(Job::Panic("out of ink"));
    broker.send(&named("desk"), envelope.with_retry(RetryPolicy::attempts(1))).await.unwrap();
    settle().await;
    assert_eq!(now(&mut settlement), dead(DeadLetterReason::Panicked, Some("out of ink"), 1));
}

#[tokio::test(start_paused = true)]
async fn what_was_not_begun_is_told_with_its_reason() {
    let broker = Broker::new();
    let options = MailboxOptions::bounded(1).strategy(BackpressureStrategy::DropOldest);
    let desk = broker.register(&named("desk"), options).await.unwrap();
    let ((one, mut evicted), (two, mut left)) = (settling(Job::Note(1)), settling(Job::Note(2)));
    broker.send(&named("desk"), one).await.unwrap();
    broker.send(&named("desk"), two).await.unwrap();
    assert_eq!(now(&mut evicted), dead(DeadLetterReason::Evicted, None, 0));
    drop(desk);
    assert_eq!(now(&mut left), dead(DeadLetterReason::ActorStopped, None, 0));
    assert!(broker.dead_letters().is_empty());
}

#[tokio::test(start_paused = true)]
async fn received_by_hand_it_is_told_what_the_receiver_says() {
    let broker = Broker::new();
    let mut desk = inbox(&broker, &named("desk"), 8).await;
    let cases: [(End, _); 3] = [
        (|delivery| assert_eq!(delivery.into_message(), Job::Note(1)), Poll::Ready(Some(Settled::Handled))),
        (drop, Poll::Ready(Some(Settled::Handled))),
        (|delivery| delivery.reject("never"), dead(DeadLetterReason::Rejected, Some("never"), 1)),
    ];
    for (end, expected) in cases {
        let (envelope, mut settlement) = settling(Job::Note(1));
        broker.send(&named("desk"), envelope).await.unwrap();
        let delivery = desk.recv().await.unwrap();
        assert!(now(&mut settlement).is_pending());
        end(delivery);
        assert_eq!(now(&mut settlement), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_was_handled_before_counts_as_handled() {
    let (broker, worker) = (Broker::new(), Worker::new());
    let options = SpawnOptions::new().duplicate_window(8);
    worker.spawn_with(&broker, &named("desk"), options).await;
    let (envelope, mut first) = settling(Job::Note(1));
    let (again, mut second) =
        MessageEnvelope::received(envelope.id(), 1, Job::Note(1)).at_least_once_by(Job::clone).settling();
    broker.send(&named("desk"), envelope).await.unwrap();
    broker.send(&named("desk"), again).await.unwrap();
    settle().await;
    assert_eq!(
        [now(&mut first), now(&mut second)],
        [Poll::Ready(Some(Settled::Handled)), Poll::Ready(Some(Settled::Handled))]
    );
    assert_eq!(worker.log.numbers(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_gone_without_a_word_is_told_as_nothing() {
    let (envelope, mut settlement) = settling(Job::Note(1));
    drop(envelope);
    assert_eq!(now(&mut settlement), Poll::Ready(None));
}
