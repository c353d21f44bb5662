//! Who gets a message that is to be handled again, and what it finds there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use switchboard::actor::{SpawnOptions, StopCause};
use switchboard::broker::{MessageBroker, SendErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;
use switchboard::retry::{Backoff, RetryPolicy};
use tokio::time::Instant;

use crate::common::{
    Broker, Job, Worker, assert_at_rest, named, number_of, poll_once, pool, settle, soon, take_letters,
};
use crate::script::{Act, SECOND, Scripted, at_least_once, the_one, thrice};

#[tokio::test(start_paused = true)]
async fn an_actor_that_a_panic_stopped_leaves_its_message_to_the_next_owner_of_the_name() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Panic]);
    let first = worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    broker.send(&desk, at_least_once(7, thrice())).await.unwrap();
    assert_eq!(first.join().await, StopCause::Panicked("on purpose".into()));
    let second = worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(worker.attempts(), [(7, 1), (7, 2)]);
    drop(second);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1)]);
    assert_eq!(broker.metrics().total.accepted, 1);
}

#[tokio::test(start_paused = true)]
async fn one_sent_by_id_goes_to_that_actor_again_and_to_nobody_else() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Panic]);
    let first = worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    broker.send(&first.id().into(), at_least_once(7, thrice())).await.unwrap();
    first.join().await;
    let other = Scripted::new([]);
    let _second = other.spawn(&broker, &desk, SpawnOptions::new()).await;
    tokio::time::sleep(10 * SECOND).await;
    assert!(other.attempts().is_empty());
    let letter = the_one(take_letters(&broker));
    assert!(matches!(letter.reason, DeadLetterReason::Undeliverable(_)), "{:?}", letter.reason);
    assert_eq!(letter.attempts, 1);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Abandoned, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_is_no_reason_to_lose_what_is_to_be_handled_again() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Worker::new();
    let failing = Arc::new(Mutex::new(true));
    let handler = {
        let (worker, failing) = (worker.clone(), Arc::clone(&failing));
        move |envelope: MessageEnvelope<Job>| {
            let (worker, fails) = (worker.clone(), std::mem::take(&mut *failing.lock().unwrap()));
            async move {
                let number = number_of(envelope.message());
                worker.log.add(number);
                if fails {
                    return Err("on purpose");
                }
                if let Job::Hold(_) = envelope.message() {
                    worker.gate.hold().await;
                }
                Ok(())
            }
        }
    };
    let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(1));
    broker.spawn_with(&desk, options, switchboard::actor::once(handler)).await.unwrap();
    broker.send(&desk, at_least_once(1, thrice())).await.unwrap();
    settle().await;
    broker.send(&desk, Job::Hold(2)).await.unwrap();
    worker.gate.arrival().await;
    broker.send(&desk, Job::Note(3)).await.unwrap();
    let mut blocked = std::pin::pin!(broker.send(&desk, Job::Note(4)));
    assert!(poll_once(blocked.as_mut()).is_pending());
    tokio::time::sleep(2 * SECOND).await;
    // It is due, and stands in line behind the sender that came before it.
    let audit = broker.audit();
    assert!(audit.is_balanced(), "{audit}");
    assert_eq!((audit.queued, audit.waiting, audit.in_handlers), (2, 0, 1), "{audit}");
    assert_eq!(broker.metrics().blocked_senders, 1);
    worker.gate.let_all_go();
    blocked.await.unwrap();
    settle().await;
    assert_eq!(worker.log.numbers(), [1, 2, 3, 4, 1]);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 4)]);
}

#[tokio::test(start_paused = true)]
async fn a_refusing_mailbox_is_tried_again_as_the_policy_says_and_then_it_is_dead() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mailbox = MailboxOptions::bounded(1).strategy(BackpressureStrategy::Error);
    let mut inbox = broker.register(&desk, mailbox).await.unwrap();
    broker.send(&desk, at_least_once(1, thrice())).await.unwrap();
    inbox.recv().await.unwrap().fail("on purpose");
    broker.send(&desk, Job::Note(2)).await.unwrap();
    tokio::time::sleep(10 * SECOND).await;
    let letter = the_one(take_letters(&broker));
    assert_eq!(letter.reason, DeadLetterReason::Undeliverable(SendErrorKind::Full));
    assert_eq!(letter.attempts, 1);
    assert_eq!(broker.metrics().total.retries, 2);
}

#[tokio::test(start_paused = true)]
async fn a_member_of_a_pool_that_fails_leaves_the_message_to_another() {
    let (broker, pool) = (Broker::new(), pool("workers"));
    let worker = Scripted::new([Act::Panic]);
    let first = worker.spawn(&broker, &pool, SpawnOptions::new()).await;
    let second = worker.spawn(&broker, &pool, SpawnOptions::new()).await;
    broker.send(&pool, at_least_once(7, thrice())).await.unwrap();
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(worker.attempts(), [(7, 1), (7, 2)]);
    assert!(first.is_finished() != second.is_finished());
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1)]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_aborted_in_the_middle_leaves_the_message_whole() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let actor = worker.spawn(&broker, &desk, 8).await;
    broker.send(&desk, MessageEnvelope::new(Job::Hold(7)).at_least_once()).await.unwrap();
    worker.gate.arrival().await;
    actor.abort();
    assert_eq!(actor.join().await, StopCause::Aborted);
    let letter = the_one(take_letters(&broker));
    assert_eq!((letter.reason, letter.attempts), (DeadLetterReason::ActorStopped, 1));
    assert_eq!(letter.envelope.message(), &Job::Hold(7));
    assert_at_rest(&broker.metrics().total, &[(Outcome::Abandoned, 1)]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_drains_waits_for_what_is_to_be_handled_again() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Fail, Act::Fail]);
    let actor = worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    broker.send(&desk, at_least_once(7, thrice())).await.unwrap();
    settle().await;
    assert_eq!(soon(actor.drain()).await, StopCause::Drained);
    assert_eq!(worker.times(), [0, 1_000, 2_000]);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_wait_of_an_actor_that_drains() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Fail]);
    let actor = worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    broker
        .send(&desk, at_least_once(7, RetryPolicy::attempts(2).backoff(Backoff::fixed(3_600 * SECOND))))
        .await
        .unwrap();
    settle().await;
    assert!(broker.unregister(&actor.registration()).await);
    settle().await;
    assert!(!actor.is_finished());
    let start = Instant::now();
    actor.stop();
    assert_eq!(soon(actor.join()).await, StopCause::Stopped);
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(broker.metrics().total.waiting, 1);
}
