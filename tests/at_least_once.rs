//! A message that is sent at least once is handled until its handler says that it is done, or its retry policy or deadline
//! ends it, as a dead letter that has it whole.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{
    Broker, Job, Worker, assert_at_rest, named, number_of, numbers_of, poll_once, pool, settle, soon, take_letters,
};
use switchboard::actor::{ActorHandle, OnPanic, SpawnOptions, StopCause};
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, MessageBroker, MessageHandler, RequestErrorKind};
use switchboard::dead_letters::{DeadLetter, DeadLetterReason};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::{Message, MessageEnvelope};
use switchboard::metrics::Outcome;
use switchboard::retry::{Backoff, Failure, Failures, RetryPolicy};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// What a handler is to do with one attempt.
#[derive(Clone, Debug)]
enum Act {
    Fail,
    Panic,
    Reject,
    RetryAfter(Duration),
    Answer(u64),
    /// Answer, and then fail.
    AnswerAndFail(u64),
}

/// Does with each attempt what the script says next, and with all others what an honest worker does. Notes what it was
/// given, which attempt that was, and when.
#[derive(Clone, Debug)]
struct Scripted {
    script: Arc<Mutex<VecDeque<Act>>>,
    seen: Arc<Mutex<Vec<(u64, u32, Duration)>>>,
    start: Instant,
}

impl Scripted {
    fn new(script: impl IntoIterator<Item = Act>) -> Self {
        let script = Arc::new(Mutex::new(script.into_iter().collect()));
        Self { script, seen: Arc::default(), start: Instant::now() }
    }

    async fn spawn(&self, broker: &Broker, address: &ActorAddress, options: SpawnOptions) -> ActorHandle<Job> {
        let handler = self.clone();
        broker.spawn_with(address, options, move || handler.clone()).await.unwrap()
    }

    /// What it was given, and which attempt that was.
    fn attempts(&self) -> Vec<(u64, u32)> {
        self.seen.lock().unwrap().iter().map(|(number, attempt, _)| (*number, *attempt)).collect()
    }

    /// When it was given each, in whole milliseconds since the start.
    fn times(&self) -> Vec<u128> {
        self.seen.lock().unwrap().iter().map(|(.., at)| at.as_millis()).collect()
    }
}

impl MessageHandler<Job> for Scripted {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        let (number, attempt) = (number_of(envelope.message()), envelope.attempt());
        self.seen.lock().unwrap().push((number, attempt, self.start.elapsed()));
        let act = self.script.lock().unwrap().pop_front();
        match act {
            Some(Act::Fail) => return Err("on purpose".into()),
            Some(Act::Panic) => panic!("on purpose"),
            Some(Act::Reject) => return Err(context.reject("never".into())),
            Some(Act::RetryAfter(delay)) => return Err(context.retry_after(delay, "later".into())),
            Some(Act::Answer(answer)) => context.reply(Job::Answer(answer)).await.map_err(|e| e.to_string())?,
            Some(Act::AnswerAndFail(answer)) => {
                context.reply(Job::Answer(answer)).await.map_err(|e| e.to_string())?;
                return Err("after the answer".into());
            }
            None => {}
        }
        Ok(())
    }
}

/// Three attempts a second apart.
fn thrice() -> RetryPolicy {
    RetryPolicy::attempts(3).backoff(Backoff::fixed(SECOND))
}

fn at_least_once(number: u64, policy: RetryPolicy) -> MessageEnvelope<Job> {
    MessageEnvelope::new(Job::Note(number)).at_least_once().with_retry(policy)
}

fn the_one(letters: Vec<DeadLetter<Job>>) -> DeadLetter<Job> {
    let [letter] = <[_; 1]>::try_from(letters).unwrap();
    letter
}

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
async fn what_waits_to_be_handled_again_does_not_hold_up_the_messages_behind_it() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Fail]);
    worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    for number in 1..=3 {
        broker.send(&desk, at_least_once(number, thrice())).await.unwrap();
    }
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(worker.attempts(), [(1, 1), (2, 1), (3, 1), (1, 2)]);
}

#[tokio::test(start_paused = true)]
async fn in_strict_order_the_messages_behind_it_wait() {
    for act in [Act::Fail, Act::Panic] {
        let (broker, desk) = (Broker::new(), named("desk"));
        let worker = Scripted::new([act]);
        worker.spawn(&broker, &desk, SpawnOptions::new().in_order().on_panic(OnPanic::Rebuild)).await;
        for number in 1..=3 {
            broker.send(&desk, at_least_once(number, thrice())).await.unwrap();
        }
        tokio::time::sleep(2 * SECOND).await;
        assert_eq!(worker.attempts(), [(1, 1), (1, 2), (2, 1), (3, 1)]);
        assert_eq!(worker.times(), [0, 1_000, 1_000, 1_000]);
        assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 3)]);
    }
}

#[tokio::test(start_paused = true)]
async fn in_strict_order_a_stop_ends_the_wait_and_the_message_is_dead_whole() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Fail]);
    let actor = worker.spawn(&broker, &desk, SpawnOptions::new().in_order()).await;
    broker.send(&desk, at_least_once(1, thrice())).await.unwrap();
    broker.send(&desk, at_least_once(2, thrice())).await.unwrap();
    settle().await;
    assert_eq!(broker.metrics().total.in_handlers, 1);
    actor.stop();
    assert_eq!(soon(actor.join()).await, StopCause::Stopped);
    assert_eq!(worker.attempts(), [(1, 1)]);
    let mut letters = take_letters(&broker);
    assert!(letters.iter().all(|letter| letter.reason == DeadLetterReason::ActorStopped));
    letters.sort_by_key(|letter| number_of(letter.envelope.message()));
    assert_eq!(letters.iter().map(|letter| letter.attempts).collect::<Vec<_>>(), [1, 0]);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Abandoned, 2)]);
}

#[tokio::test(start_paused = true)]
async fn in_strict_order_a_deadline_that_passes_ends_it_and_the_next_goes_on() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::RetryAfter(SECOND), Act::Fail]);
    worker.spawn(&broker, &desk, SpawnOptions::new().in_order()).await;
    broker.send(&desk, at_least_once(1, thrice()).within(SECOND * 3 / 2)).await.unwrap();
    broker.send(&desk, at_least_once(2, thrice())).await.unwrap();
    tokio::time::sleep(5 * SECOND).await;
    // There is no time for a third attempt, so there is no wait for it.
    assert_eq!(worker.attempts(), [(1, 1), (1, 2), (2, 1)]);
    assert_eq!(the_one(take_letters(&broker)).reason, DeadLetterReason::Failed);
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
        broker.set_retry(&desk, of_address.map(once));
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
    assert_eq!(letter.reason, DeadLetterReason::Undeliverable(switchboard::broker::SendErrorKind::Full));
    assert_eq!(letter.attempts, 1);
    assert_eq!(broker.metrics().retries, 2);
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

#[tokio::test(start_paused = true)]
async fn a_caller_waits_through_the_attempts_for_the_answer() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Fail, Act::Panic, Act::Answer(9)]);
    worker.spawn(&broker, &desk, SpawnOptions::new().on_panic(OnPanic::Rebuild)).await;
    assert_eq!(broker.request(&desk, at_least_once(7, thrice())).await.unwrap(), Job::Answer(9));
    settle().await;
    assert_eq!(worker.attempts().len(), 3);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_learns_what_the_last_attempt_said() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Fail, Act::Fail, Act::Reject]);
    worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    let error = broker.request(&desk, at_least_once(7, thrice())).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::HandlerFailed("never".into()));
    settle().await;
    assert_eq!(the_one(take_letters(&broker)).reason, DeadLetterReason::Rejected);
    assert_eq!(broker.metrics().requests_in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_answered_is_not_handled_again_though_its_handler_fails() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::AnswerAndFail(9)]);
    worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    assert_eq!(broker.request(&desk, at_least_once(7, thrice())).await.unwrap(), Job::Answer(9));
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(worker.attempts(), [(7, 1)]);
    assert_eq!(the_one(take_letters(&broker)).reason, DeadLetterReason::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_between_two_attempts_takes_its_request_along() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Fail]);
    worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    let asked = broker.request(&desk, at_least_once(7, thrice()).within(SECOND * 3 / 2));
    assert!(tokio::time::timeout(SECOND / 2, asked).await.is_err());
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(worker.attempts(), [(7, 1)]);
    let letter = the_one(take_letters(&broker));
    assert_eq!((letter.reason, letter.attempts), (DeadLetterReason::Cancelled, 1));
    assert_at_rest(&broker.metrics().total, &[(Outcome::Cancelled, 1)]);
}

#[tokio::test(start_paused = true)]
async fn code_that_receives_by_hand_can_fail_reject_and_ask_for_it_later() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = common::inbox(&broker, &desk, 8).await;
    broker.send(&desk, at_least_once(7, thrice())).await.unwrap();
    inbox.recv().await.unwrap().fail("once");
    let start = Instant::now();
    let again = inbox.recv().await.unwrap();
    assert_eq!((again.envelope().attempt(), start.elapsed().as_secs()), (2, 1));
    again.retry_after(3 * SECOND, "twice");
    let again = inbox.recv().await.unwrap();
    assert_eq!((again.envelope().attempt(), start.elapsed().as_secs()), (3, 4));
    again.fail("thrice");
    let letter = the_one(take_letters(&broker));
    assert_eq!((letter.reason, letter.attempts), (DeadLetterReason::Failed, 3));
    assert_eq!(letter.cause.as_deref(), Some("thrice"));

    broker.send(&desk, at_least_once(8, thrice())).await.unwrap();
    inbox.recv().await.unwrap().reject("no");
    assert_eq!(the_one(take_letters(&broker)).reason, DeadLetterReason::Rejected);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Failed, 2)]);
}

#[tokio::test(start_paused = true)]
async fn received_by_hand_even_a_plain_message_that_failed_is_kept_whole() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = common::inbox(&broker, &desk, 8).await;
    broker.send(&desk, Job::Note(7)).await.unwrap();
    inbox.recv().await.unwrap().fail("no ink");
    let letters = take_letters(&broker);
    assert_eq!(numbers_of(&letters, DeadLetterReason::Failed), [7]);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Failed, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_message_handled_before_is_dropped_where_the_actor_asks_for_that() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Fail]);
    worker.spawn(&broker, &desk, SpawnOptions::new().duplicate_window(2)).await;
    let envelope = at_least_once(7, thrice());
    broker.send(&desk, envelope.clone()).await.unwrap();
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(worker.attempts(), [(7, 1), (7, 2)], "an attempt that failed is none that was handled");
    broker.send(&desk, envelope.clone()).await.unwrap();
    let error = broker.request(&desk, envelope.clone()).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::Duplicate);
    assert_eq!(worker.attempts().len(), 2);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1), (Outcome::Duplicate, 2)]);
    assert!(take_letters(&broker).is_empty());

    // Two others push it out of the window.
    for number in [1, 2] {
        broker.send(&desk, Job::Note(number)).await.unwrap();
    }
    broker.send(&desk, envelope).await.unwrap();
    settle().await;
    assert_eq!(worker.attempts().len(), 5);
}

/// A message whose clone panics.
#[derive(Debug)]
struct Unclonable;

impl Clone for Unclonable {
    fn clone(&self) -> Self {
        panic!("there is only one");
    }
}

impl Message for Unclonable {
    const MESSAGE_TYPE: &'static str = "tests.unclonable";
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_clone_panics_is_dead_and_its_actor_goes_on() {
    let broker = switchboard::InMemoryMessageBroker::<Unclonable>::new();
    let desk = named("desk");
    let actor = broker.spawn(&desk, |_: MessageEnvelope<Unclonable>| async { Ok::<_, String>(()) }).await.unwrap();
    let error = broker.request(&desk, MessageEnvelope::new(Unclonable).at_least_once()).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::HandlerPanicked("there is only one".into()));
    broker.send(&desk, Unclonable).await.unwrap();
    assert_eq!(actor.drain().await, StopCause::Drained);
    let letters = common::take_letters(&broker);
    assert_eq!(letters.iter().map(|letter| letter.attempts).collect::<Vec<_>>(), [0], "no handler has begun with it");
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1), (Outcome::Failed, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_to_be_offered_again_does_not_end_with_the_actor_that_refused_it() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mailbox = MailboxOptions::bounded(1).strategy(BackpressureStrategy::Error);
    let (gate, mut fails) = (common::Gate::new(), true);
    let handler = {
        let gate = gate.clone();
        move |_: MessageEnvelope<Job>| {
            let (gate, fails) = (gate.clone(), std::mem::take(&mut fails));
            async move {
                if fails {
                    return Err("on purpose");
                }
                gate.hold().await;
                Ok(())
            }
        }
    };
    let options = SpawnOptions::new().mailbox(mailbox);
    let first = broker.spawn_with(&desk, options, switchboard::actor::once(handler)).await.unwrap();
    let mut request = std::pin::pin!(broker.request(&desk, at_least_once(7, thrice())));
    assert!(poll_once(request.as_mut()).is_pending());
    settle().await;
    broker.send(&desk, Job::Note(1)).await.unwrap();
    gate.arrival().await;
    broker.send(&desk, Job::Note(2)).await.unwrap();
    tokio::time::sleep(SECOND * 3 / 2).await;
    first.abort();
    first.join().await;
    assert!(poll_once(request.as_mut()).is_pending());
    Scripted::new([Act::Answer(9)]).spawn(&broker, &desk, SpawnOptions::new()).await;
    assert_eq!(request.await.unwrap(), Job::Answer(9));
}
