//! Dead letters can be sent again, one or all, to where they were to go or elsewhere; what is refused stays as it was.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::time::Duration;

use common::{Broker, Job, assert_at_rest, inbox, named, number_of, poll_once, settle};
use switchboard::broker::{MessageBroker, SendErrorKind};
use switchboard::dead_letters::{DeadLetterFilter, DeadLetterReason};
use switchboard::mailbox::MailboxOptions;
use switchboard::message::{Message, MessageEnvelope, MessageId};
use switchboard::metrics::Outcome;
use switchboard::retry::{Backoff, RetryPolicy};

const SECOND: Duration = Duration::from_secs(1);

/// Makes a dead letter of each number, and gives their ids.
async fn leave(broker: &Broker, numbers: impl IntoIterator<Item = u64>) -> Vec<MessageId> {
    let mut ids = Vec::new();
    let inbox = inbox(broker, &named("desk"), 1_000).await;
    for number in numbers {
        let envelope = MessageEnvelope::new(Job::Note(number)).with_metadata("colour", "red");
        ids.push(envelope.id());
        broker.send(&named("desk"), envelope).await.unwrap();
    }
    drop(inbox);
    ids
}

fn all() -> DeadLetterFilter {
    DeadLetterFilter::all()
}

#[tokio::test(start_paused = true)]
async fn all_go_where_they_were_to_go_in_their_order_and_with_their_headers() {
    let broker = Broker::new();
    let ids = leave(&broker, 1..=3).await;
    let mut inbox = inbox(&broker, &named("desk"), 8).await;
    let redriven = broker.dead_letters().redrive(&all());
    assert_eq!((redriven.sent, redriven.waiting, redriven.refused.len()), (3, 0, 0));
    assert!(broker.dead_letters().is_empty());
    for (number, id) in (1..=3).zip(ids) {
        let delivery = inbox.recv().await.unwrap();
        let envelope = delivery.envelope();
        assert_eq!((envelope.message(), envelope.id(), envelope.attempt()), (&Job::Note(number), id, 1));
        assert_eq!(envelope.metadata("colour"), Some("red"));
    }
    assert_at_rest(&broker.metrics().total, &[(Outcome::Abandoned, 3), (Outcome::Handled, 3)]);
}

#[tokio::test(start_paused = true)]
async fn only_those_that_match_go_and_to_another_address_if_one_is_named() {
    let broker = Broker::new();
    let ids = leave(&broker, 1..=3).await;
    let mut other = inbox(&broker, &named("other"), 8).await;
    let redriven = broker.dead_letters().redrive_to(&all().message(ids[1]), &named("other"));
    assert_eq!(redriven.sent, 1);
    assert_eq!(other.recv().await.unwrap().into_message(), Job::Note(2));
    assert!(other.try_recv().is_none());
    assert_eq!(broker.dead_letters().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_stays_a_dead_letter_as_it_was() {
    let broker = Broker::new();
    let ids = leave(&broker, 1..=2).await;
    let before = broker.dead_letters().list(&all());
    let redriven = broker.dead_letters().redrive(&all());
    let refused: Vec<_> = ids.iter().map(|id| (*id, SendErrorKind::NoSuchActor)).collect();
    assert_eq!((redriven.sent, redriven.waiting, &redriven.refused), (0, 0, &refused));
    assert_eq!(broker.dead_letters().list(&all()), before);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Abandoned, 2)]);
}

#[tokio::test(start_paused = true)]
async fn with_a_retry_policy_it_waits_for_somebody_to_be_there() {
    let broker = Broker::new();
    broker.set_retry(&named("desk"), RetryPolicy::attempts(3).backoff(Backoff::fixed(SECOND))).unwrap();
    leave(&broker, 1..=2).await;
    let redriven = broker.dead_letters().redrive(&all());
    assert_eq!((redriven.sent, redriven.waiting, redriven.refused.len()), (0, 2, 0));
    assert_eq!(broker.audit().waiting, 2);
    tokio::time::sleep(SECOND * 3 / 2).await;
    let mut inbox = inbox(&broker, &named("desk"), 8).await;
    tokio::time::sleep(SECOND).await;
    assert_eq!(inbox.recv().await.unwrap().into_message(), Job::Note(1));
    assert_eq!(inbox.recv().await.unwrap().into_message(), Job::Note(2));
    assert_at_rest(&broker.metrics().total, &[(Outcome::Abandoned, 2), (Outcome::Handled, 2)]);
    assert_eq!(broker.metrics().total.retries, 4);
}

#[tokio::test(start_paused = true)]
async fn more_than_there_is_room_for_stand_in_line_and_hold_up_nobody() {
    let broker = Broker::new();
    leave(&broker, 1..=5).await;
    let mut inbox = inbox(&broker, &named("desk"), 2).await;
    let redriven = broker.dead_letters().redrive(&all());
    assert_eq!(redriven.sent, 5);
    assert_eq!(inbox.depth(), 2);
    let audit = broker.audit();
    assert_eq!((audit.queued, audit.is_balanced()), (5, true), "{audit}");
    let desk = named("desk");
    let mut blocked = std::pin::pin!(broker.send(&desk, Job::Note(6)));
    assert!(poll_once(blocked.as_mut()).is_pending());
    for number in 1..=5 {
        assert_eq!(number_of(inbox.recv().await.unwrap().message()), number);
        assert!(inbox.depth() <= 2);
    }
    blocked.await.unwrap();
    assert_eq!(number_of(inbox.recv().await.unwrap().message()), 6);
}

#[tokio::test(start_paused = true)]
async fn one_that_expired_gets_time_anew() {
    let broker = Broker::new();
    let mut desk = inbox(&broker, &named("desk"), 8).await;
    broker.send(&named("desk"), Job::Note(1).within(SECOND)).await.unwrap();
    tokio::time::advance(SECOND).await;
    assert!(desk.try_recv().is_none());
    let expired = all().reason(DeadLetterReason::Expired);
    assert_eq!(broker.dead_letters().redrive(&expired).sent, 1);
    assert_eq!(desk.recv().await.unwrap().into_message(), Job::Note(1));
}

#[tokio::test(start_paused = true)]
async fn one_that_used_up_its_attempts_has_all_of_them_again() {
    let broker = Broker::new();
    let mut desk = inbox(&broker, &named("desk"), 8).await;
    let policy = RetryPolicy::attempts(2).backoff(Backoff::none());
    broker.send(&named("desk"), MessageEnvelope::new(Job::Note(1)).at_least_once().with_retry(policy)).await.unwrap();
    let fail_twice = async |desk: &mut switchboard::actor::Inbox<Job, Broker>| {
        for attempt in 1..=2 {
            let delivery = desk.recv().await.unwrap();
            assert_eq!(delivery.envelope().attempt(), attempt);
            delivery.fail("on purpose");
        }
    };
    fail_twice(&mut desk).await;
    assert_eq!(broker.dead_letters().redrive(&all()).sent, 1);
    fail_twice(&mut desk).await;
    assert_eq!(broker.dead_letters().len(), 1);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Failed, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_again_as_a_message_that_nobody_waits_for() {
    let broker = Broker::new();
    let mut desk = inbox(&broker, &named("desk"), 8).await;
    drop(tokio::time::timeout(Duration::ZERO, broker.request(&named("desk"), Job::Echo(1))).await);
    assert!(desk.try_recv().is_none());
    assert_eq!(broker.dead_letters().redrive(&all().reason(DeadLetterReason::Cancelled)).sent, 1);
    let delivery = desk.recv().await.unwrap();
    assert!(!delivery.envelope().is_request());
}

#[tokio::test(start_paused = true)]
async fn after_a_shutdown_they_can_be_read_but_not_sent() {
    let broker = Broker::new();
    broker.set_retry(&named("desk"), RetryPolicy::unlimited().backoff(Backoff::none())).unwrap();
    leave(&broker, 1..=2).await;
    broker.shutdown(SECOND).await;
    let redriven = broker.dead_letters().redrive(&all());
    settle().await;
    assert_eq!((redriven.sent, redriven.waiting), (0, 0));
    assert!(redriven.refused.iter().all(|(_, kind)| *kind == SendErrorKind::ShutDown));
    assert_eq!(broker.dead_letters().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn redriving_from_a_mailbox_that_evicts_makes_dead_letters_of_others() {
    let broker = Broker::new();
    leave(&broker, 1..=3).await;
    let mailbox = MailboxOptions::bounded(1).strategy(switchboard::mailbox::BackpressureStrategy::DropOldest);
    let _desk = broker.register(&named("desk"), mailbox).await.unwrap();
    assert_eq!(broker.dead_letters().redrive(&all()).sent, 3);
    let listed = broker.dead_letters().list(&all());
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|letter| letter.reason == DeadLetterReason::Evicted));
    assert!(broker.audit().is_balanced());
}
