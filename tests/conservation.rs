//! Every accepted message ends in exactly one outcome; every other comes back to its sender. Nothing is lost, and
//! nothing is counted twice.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use common::{
    Broker, Gate, Job, Log, Worker, assert_at_rest, assert_balanced, inbox, named, number_of, numbers_of, poll_once,
    take_letters,
};
use switchboard::actor::{OnPanic, SpawnOptions};
use switchboard::address::ActorAddress;
use switchboard::broker::{InMemoryMessageBroker, MessageBroker, SendErrorKind};
use switchboard::dead_letters::{DeadLetterOptions, DeadLetterReason};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::{Message, MessageEnvelope, MessagePriority};
use switchboard::metrics::Outcome;
use tokio::task::JoinHandle;

const STRATEGIES: [BackpressureStrategy; 4] = [
    BackpressureStrategy::Block,
    BackpressureStrategy::DropOldest,
    BackpressureStrategy::DropNewest,
    BackpressureStrategy::Error,
];
const SENDERS: u64 = 4;
const EACH: u64 = 400;

/// A broker that keeps every dead letter, so that they can be counted.
fn broker() -> Broker {
    let builder = Broker::builder().dead_letters(DeadLetterOptions::new().capacity(usize::MAX));
    builder.build().expect("a valid default mailbox")
}

/// Keeps on through panics, with a mailbox so small that it is full most of the time.
fn small(strategy: BackpressureStrategy) -> SpawnOptions {
    SpawnOptions::new().mailbox(MailboxOptions::bounded(3).strategy(strategy)).on_panic(OnPanic::Rebuild)
}

/// What a handler may do with a message, by its number.
fn any_job(number: u64) -> MessageEnvelope<Job> {
    match number % 7 {
        1 => Job::Fail("on purpose").into(),
        2 => Job::Panic("on purpose").into(),
        3 => Job::Note(number).within(Duration::from_nanos(1)),
        4 => MessageEnvelope::new(Job::Note(number)).with_priority(MessagePriority::High),
        _ => Job::Note(number).into(),
    }
}

/// Sends what may end in any way, and asks for some of it with callers that go away. Returns how many were refused.
async fn send_anything(broker: Broker, to: ActorAddress, sender: u64) -> u64 {
    let mut refused = 0;
    for number in (sender * EACH)..((sender + 1) * EACH) {
        if number % 7 == 5 {
            let _ = poll_once(pin!(broker.request(&to, Job::Echo(number))));
        } else if let Err(error) = broker.send(&to, any_job(number)).await {
            refused += 1;
            drop(error.into_envelope());
        }
        tokio::task::yield_now().await;
    }
    refused
}

fn start_senders(broker: &Broker, to: &ActorAddress) -> Vec<JoinHandle<u64>> {
    (0..SENDERS).map(|sender| tokio::spawn(send_anything(broker.clone(), to.clone(), sender))).collect()
}

async fn sum(senders: Vec<JoinHandle<u64>>) -> u64 {
    let mut sum = 0;
    for sender in senders {
        sum += sender.await.unwrap();
    }
    sum
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accepted_is_the_sum_of_outcomes_whatever_becomes_of_the_messages() {
    for strategy in STRATEGIES {
        let (broker, desk, worker) = (broker(), named("desk"), Worker::new());
        let building = {
            let worker = worker.clone();
            move || worker.clone()
        };
        let actor = broker.spawn_with(&desk, small(strategy), building);
        let actor = actor.await.unwrap();
        sum(start_senders(&broker, &desk)).await;
        actor.drain().await;

        let metrics = broker.metrics();
        assert_balanced(&metrics.total);
        let outcomes = metrics.total.outcomes;
        assert_eq!(outcomes[Outcome::Abandoned], 0);
        let kept = take_letters(&broker).len() as u64;
        let unhandled = [Outcome::Expired, Outcome::Evicted, Outcome::Cancelled];
        assert_eq!(kept, unhandled.map(|outcome| outcomes[outcome]).iter().sum());
        // Elsewhere it may be that just these found no room.
        if strategy == BackpressureStrategy::Block {
            assert!(outcomes[Outcome::Failed] > 0 && metrics.total.panics > 0);
        }
        assert_eq!(metrics.total.panics, metrics.total.rebuilds);
        assert_eq!(metrics.requests_in_flight, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_stopped_half_way_abandons_what_it_had_and_refuses_the_rest() {
    for (strategy, abort) in STRATEGIES.into_iter().zip([false, true, false, true]) {
        let (broker, desk, worker) = (broker(), named("desk"), Worker::new());
        let options = small(strategy).on_panic(OnPanic::Stop);
        let actor = worker.spawn_with(&broker, &desk, options).await;
        broker.send(&desk, Job::Hold(0)).await.unwrap();
        worker.gate.arrival().await;
        for number in 0..3 {
            broker.try_send(&desk, Job::Note(number)).unwrap();
        }
        let senders = start_senders(&broker, &desk);
        if abort {
            actor.abort();
        } else {
            actor.stop();
            worker.gate.let_all_go();
        }
        actor.join().await;
        assert!(sum(senders).await > 0, "some came too late");

        let total = broker.metrics().total;
        assert_balanced(&total);
        let kept = take_letters(&broker);
        let stopped = numbers_of(&kept, DeadLetterReason::ActorStopped).len() as u64;
        // The one in an aborted handler was taken out of its envelope, so it is counted and not kept.
        assert_eq!(total.outcomes[Outcome::Abandoned], stopped + u64::from(abort));
        assert_eq!(broker.metrics().blocked_senders, 0);
    }
}

/// Sends numbers of its own; gives back those that were refused.
async fn send_notes(broker: Broker, to: ActorAddress, sender: u64) -> Vec<u64> {
    let mut refused = Vec::new();
    for number in (sender * EACH)..((sender + 1) * EACH) {
        if let Err(error) = broker.try_send(&to, Job::Note(number)) {
            assert_eq!(error.kind(), SendErrorKind::Full);
            refused.push(number_of(&error.into_inner()));
        }
        if number % 5 == 0 {
            tokio::task::yield_now().await;
        }
    }
    refused
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_message_is_exactly_one_of_handled_dead_and_refused() {
    for strategy in STRATEGIES {
        let (broker, desk, worker) = (broker(), named("desk"), Worker::new());
        let actor = worker.spawn_with(&broker, &desk, small(strategy)).await;
        let senders: Vec<_> =
            (0..SENDERS).map(|sender| tokio::spawn(send_notes(broker.clone(), desk.clone(), sender))).collect();
        let mut refused = Vec::new();
        for sender in senders {
            refused.extend(sender.await.unwrap());
        }
        actor.drain().await;
        let evicted = numbers_of(&take_letters(&broker), DeadLetterReason::Evicted);
        assert_each_once([&worker.log.numbers(), &evicted, &refused]);
        let total = broker.metrics().total;
        assert_balanced(&total);
        assert_eq!(total.outcomes[Outcome::Evicted], evicted.len() as u64);
        assert_eq!(total.accepted, SENDERS * EACH - refused.len() as u64);
    }
}

#[track_caller]
fn assert_each_once(parts: [&Vec<u64>; 3]) {
    let mut times = BTreeMap::new();
    for number in parts.into_iter().flatten() {
        *times.entry(*number).or_insert(0) += 1;
    }
    assert!(times.keys().copied().eq(0..SENDERS * EACH), "some are lost");
    assert!(times.values().all(|&times| times == 1), "some are twice");
}

#[tokio::test(start_paused = true)]
async fn a_refused_message_comes_back_whole() {
    let (broker, desk) = (broker(), named("desk"));
    let mailbox = MailboxOptions::bounded(1).strategy(BackpressureStrategy::Error);
    let _inbox = broker.register(&desk, mailbox).await.unwrap();
    broker.send(&desk, Job::Note(1)).await.unwrap();
    let envelope = MessageEnvelope::new(Job::Note(2))
        .with_priority(MessagePriority::High)
        .with_metadata("colour", "red")
        .with_reply_to(named("asker"))
        .within(Duration::from_secs(5));
    let (id, deadline) = (envelope.id(), envelope.deadline());

    let error = broker.send(&desk, envelope).await.unwrap_err();
    assert!(error.is_full());
    assert_eq!(error.address(), &desk);
    let back = error.into_envelope();
    assert_eq!((back.id(), back.deadline()), (id, deadline));
    assert_eq!(back.priority(), MessagePriority::High);
    assert_eq!(back.metadata("colour"), Some("red"));
    assert_eq!(back.reply_to(), Some(&named("asker")));
    assert_eq!(back.into_message(), Job::Note(2));
    assert_eq!(broker.metrics().total.accepted, 1);
}

#[tokio::test(start_paused = true)]
async fn an_evicted_message_is_a_whole_dead_letter() {
    let (broker, desk) = (broker(), named("desk"));
    let mailbox = MailboxOptions::bounded(1).strategy(BackpressureStrategy::DropOldest);
    let inbox = broker.register(&desk, mailbox).await.unwrap();
    let oldest = MessageEnvelope::new(Job::Note(1)).with_metadata("colour", "red");
    let id = oldest.id();
    broker.send(&desk, oldest).await.unwrap();
    broker.send(&desk, Job::Note(2)).await.unwrap();

    let letters = take_letters(&broker);
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!(letter.reason, DeadLetterReason::Evicted);
    assert_eq!((letter.actor, &letter.address), (Some(inbox.id()), &desk));
    assert_eq!(letter.envelope.id(), id);
    assert_eq!(letter.envelope.metadata("colour"), Some("red"));
    assert_eq!(letter.envelope.message(), &Job::Note(1));
}

#[tokio::test(start_paused = true)]
async fn what_an_inbox_receives_is_handled_and_what_it_leaves_is_abandoned() {
    let (broker, desk) = (broker(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    for number in 0..5 {
        broker.send(&desk, Job::Note(number)).await.unwrap();
    }
    let held = inbox.recv().await.unwrap();
    drop(inbox.recv().await.unwrap());
    let total = broker.metrics().total;
    assert_eq!((total.queued, total.in_handlers), (3, 1));
    assert_eq!(total.unaccounted(), 0);

    drop((inbox, held));
    let expected = [(Outcome::Handled, 2), (Outcome::Abandoned, 3)];
    assert_at_rest(&broker.metrics().total, &expected);
    let letters = take_letters(&broker);
    let left = numbers_of(&letters, DeadLetterReason::ActorStopped);
    assert_eq!(left, [2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn dead_letters_beyond_the_capacity_are_let_go_oldest_first_and_counted() {
    let broker: Broker = Broker::builder().dead_letters(DeadLetterOptions::new().capacity(2)).build().unwrap();
    let desk = named("desk");
    let inbox = inbox(&broker, &desk, 8).await;
    for number in 0..5 {
        broker.send(&desk, Job::Note(number)).await.unwrap();
    }
    drop(inbox);
    let metrics = broker.metrics();
    assert_eq!((metrics.dead_letters, metrics.dead_letters_dropped), (2, 3));
    assert_at_rest(&metrics.total, &[(Outcome::Abandoned, 5)]);
    let letters = take_letters(&broker);
    let kept = numbers_of(&letters, DeadLetterReason::ActorStopped);
    assert_eq!(kept, [3, 4]);
    assert_eq!(broker.metrics().dead_letters, 0);
}

#[tokio::test(start_paused = true)]
async fn a_message_accepted_is_in_the_accounts_from_the_first_moment() {
    let (broker, desk, worker) = (broker(), named("desk"), Worker::new());
    let actor = worker.spawn_held(&broker, &desk, 8).await;
    broker.send(&desk, Job::Note(1)).await.unwrap();
    let total = broker.metrics().total;
    assert_eq!((total.accepted, total.queued, total.in_handlers), (2, 1, 1));
    assert_eq!((total.unaccounted(), total.outcomes.sum()), (0, 0));
    worker.gate.let_all_go();
    actor.drain().await;
    // The account of an actor that has ended stays in the total.
    assert!(broker.metrics().actors.is_empty());
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 2)]);
}

/// Does something when it is dropped, if it has anything to do.
struct Parting(Option<Box<dyn FnOnce() + Send>>);

impl std::fmt::Debug for Parting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parting")
    }
}

impl Message for Parting {
    const MESSAGE_TYPE: &'static str = "tests.parting";
}

impl Drop for Parting {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            work();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stop_abandons_is_in_the_accounts_though_the_task_ends_before_the_stop_returns() {
    let builder = InMemoryMessageBroker::<Parting>::builder().dead_letters(DeadLetterOptions::new().capacity(0));
    let (broker, desk, gate) = (builder.build().unwrap(), named("desk"), Gate::new());
    let holding = gate.clone();
    let handler = move |_: MessageEnvelope<Parting>| {
        let gate = holding.clone();
        async move {
            gate.hold().await;
            Ok::<_, String>(())
        }
    };
    let held = Arc::new(());
    let factory = {
        let held = Arc::clone(&held);
        move || {
            let _ = &held;
            handler.clone()
        }
    };
    let actor = broker.spawn_with(&desk, SpawnOptions::new(), factory).await.unwrap();
    broker.send(&desk, Parting(None)).await.unwrap();
    gate.arrival().await;
    // In the middle of the stop, which drops this because no dead letter is kept, the actor's task ends.
    let opened = gate.clone();
    let wait_for_end = move || {
        opened.let_all_go();
        while Arc::strong_count(&held) > 1 {
            std::thread::yield_now();
        }
    };
    broker.send(&desk, Parting(Some(Box::new(wait_for_end)))).await.unwrap();
    broker.send(&desk, Parting(None)).await.unwrap();
    actor.stop();
    actor.join().await;
    let expected = [(Outcome::Handled, 1), (Outcome::Abandoned, 2)];
    assert_at_rest(&broker.metrics().total, &expected);
}

/// What a handler says with its error, in the log, from inside `Display`.
struct Spoken(Log);

impl std::fmt::Display for Spoken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.add(1);
        f.write_str("spoken")
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_counted_once_and_its_text_is_taken_once() {
    let (broker, desk, log) = (broker(), named("desk"), Log::default());
    let spoken = log.clone();
    let failing = move |_: MessageEnvelope<Job>| {
        let error = Spoken(spoken.clone());
        async move { Err::<(), _>(error) }
    };
    let actor = broker.spawn(&desk, failing).await.unwrap();
    assert!(broker.request(&desk, Job::Note(1)).await.is_err());
    actor.drain().await;
    assert_at_rest(&broker.metrics().total, &[(Outcome::Failed, 1)]);
    assert_eq!(log.numbers(), [1]);
}
