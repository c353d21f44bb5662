//! How often, when, and after what there is another attempt.

use switchboard::actor::{OnPanic, SpawnOptions};
use switchboard::broker::MessageBroker;
use switchboard::dead_letters::DeadLetterReason;
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;
use switchboard::retry::{Backoff, Failure, Failures, RetryPolicy};

use crate::common::{Broker, Job, assert_at_rest, named, settle, take_letters};
use crate::script::{Act, SECOND, Scripted, at_least_once, the_one, thrice};

#[tokio::test(start_paused = true)]
async fn a_message_that_failed_is_handled_again_after_the_backoff_until_it_is_done() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Fail, Act::Fail]);
    worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    broker.send(&desk, at_least_once(7, thrice())).await.unwrap();
    settle().await;
    let waiting = broker.audit();
    assert_eq!((waiting.accepted, waiting.waiting), (1, 1), "{waiting}");
    assert!(waiting.is_balanced());
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(worker.attempts(), [(7, 1), (7, 2), (7, 3)]);
    assert_eq!(worker.times(), [0, 1_000, 2_000]);
    let metrics = broker.metrics();
    assert_at_rest(&metrics.total, &[(Outcome::Handled, 1)]);
    assert_eq!((metrics.total.accepted, metrics.total.redeliveries), (1, 2));
    assert!(take_letters(&broker).is_empty());
}

#[tokio::test(start_paused = true)]
async fn when_the_attempts_are_used_up_it_is_a_dead_letter_with_all_there_is_to_know() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Fail, Act::Fail, Act::Fail]);
    let actor = worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    let envelope = at_least_once(7, thrice()).with_metadata("colour", "red");
    let id = envelope.id();
    broker.send(&desk, envelope).await.unwrap();
    tokio::time::sleep(5 * SECOND).await;
    let letter = the_one(take_letters(&broker));
    assert_eq!(letter.envelope.message(), &Job::Note(7));
    assert_eq!((letter.envelope.id(), letter.envelope.metadata("colour")), (id, Some("red")));
    assert_eq!((letter.reason, letter.cause.as_deref()), (DeadLetterReason::Failed, Some("on purpose")));
    assert_eq!((letter.attempts, letter.address, letter.actor), (3, desk, Some(actor.id())));
    assert_at_rest(&broker.metrics().total, &[(Outcome::Failed, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_counts_as_a_failed_attempt_and_the_actor_is_rebuilt_for_the_next() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Panic, Act::Panic, Act::Panic]);
    worker.spawn(&broker, &desk, SpawnOptions::new().on_panic(OnPanic::Rebuild)).await;
    broker.send(&desk, at_least_once(7, thrice())).await.unwrap();
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(worker.attempts(), [(7, 1), (7, 2), (7, 3)]);
    let letter = the_one(take_letters(&broker));
    assert_eq!((letter.reason, letter.attempts), (DeadLetterReason::Panicked, 3));
    assert_at_rest(&broker.metrics().total, &[(Outcome::Failed, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_message_is_not_tried_again() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Reject]);
    worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    broker.send(&desk, at_least_once(7, thrice())).await.unwrap();
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(worker.attempts(), [(7, 1)]);
    let letter = the_one(take_letters(&broker));
    assert_eq!((letter.reason, letter.cause.as_deref()), (DeadLetterReason::Rejected, Some("never")));
    assert_at_rest(&broker.metrics().total, &[(Outcome::Failed, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_is_about_one_message_only() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Reject, Act::Fail]);
    worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    // Of this one there is no copy, so that nobody asks what should become of it.
    broker.send(&desk, Job::Note(1)).await.unwrap();
    broker.send(&desk, at_least_once(2, thrice())).await.unwrap();
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(worker.attempts(), [(1, 1), (2, 1), (2, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_can_say_when_it_wants_the_message_again() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::RetryAfter(7 * SECOND), Act::Fail, Act::RetryAfter(SECOND)]);
    worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    broker.send(&desk, at_least_once(7, thrice())).await.unwrap();
    tokio::time::sleep(20 * SECOND).await;
    assert_eq!(worker.times(), [0, 7_000, 8_000]);
    assert_eq!(the_one(take_letters(&broker)).attempts, 3, "the number of attempts still holds");
}

#[tokio::test(start_paused = true)]
async fn the_policy_says_which_failures_are_followed_by_another_attempt() {
    let policy = thrice().on(Failures::of(&[Failure::Panicked]));
    for (act, attempts) in [(Act::Fail, 1), (Act::Panic, 2)] {
        let (broker, desk) = (Broker::new(), named("desk"));
        let worker = Scripted::new([act]);
        worker.spawn(&broker, &desk, SpawnOptions::new().on_panic(OnPanic::Rebuild)).await;
        broker.send(&desk, at_least_once(7, policy)).await.unwrap();
        tokio::time::sleep(5 * SECOND).await;
        assert_eq!(worker.attempts().len(), attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn the_limit_on_the_whole_counts_from_when_it_was_sent() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new(vec![Act::Fail; 100]);
    worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    let policy = RetryPolicy::unlimited().backoff(Backoff::fixed(SECOND)).within(SECOND * 5 / 2);
    broker.send(&desk, at_least_once(7, policy)).await.unwrap();
    tokio::time::sleep(20 * SECOND).await;
    assert_eq!(worker.times(), [0, 1_000, 2_000]);
    assert_eq!(the_one(take_letters(&broker)).reason, DeadLetterReason::Failed);
}

#[tokio::test(start_paused = true)]
async fn the_policy_is_the_messages_or_its_addresses_or_the_brokers_or_the_default() {
    let once = |attempts| RetryPolicy::attempts(attempts).backoff(Backoff::fixed(SECOND));
    let builder = || Broker::builder().retry(once(2));
    let cases = [
        (builder().build().unwrap(), Some(3), Some(4), 4),
        (builder().build().unwrap(), Some(3), None, 3),
        (builder().build().unwrap(), None, None, 2),
        (Broker::new(), None, None, 5),
    ];
    for (broker, of_address, of_message, expected) in cases {
        let desk = named("desk");
        broker.set_retry(&desk, of_address.map(once)).unwrap();
        let worker = Scripted::new(vec![Act::Fail; 100]);
        worker.spawn(&broker, &desk, SpawnOptions::new()).await;
        let mut envelope = MessageEnvelope::new(Job::Note(7)).at_least_once();
        if let Some(attempts) = of_message {
            envelope = envelope.with_retry(once(attempts));
        }
        broker.send(&desk, envelope).await.unwrap();
        tokio::time::sleep(100 * SECOND).await;
        assert_eq!(worker.attempts().len(), expected);
    }
}
