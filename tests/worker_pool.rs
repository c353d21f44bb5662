//! A pool of workers grows and shrinks while it works, and loses nothing by it; it replaces who ends by itself, and leaves
//! nothing behind when it ends.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Broker, Job, Log, Worker, assert_at_rest, in_turns, named, poll_once, pool, settle, soon};
use switchboard::actor::{HandlerFactory, SpawnOptions};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::broker::{MessageBroker, RegisterError, SendErrorKind};
use switchboard::mailbox::MailboxOptions;
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;
use switchboard::pools::{DepthSizing, PoolError, PoolOptions, WorkerPool};
use tokio::time::Instant;

const LOOK: Duration = Duration::from_millis(100);
const HOUR: Duration = Duration::from_secs(3_600);

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

fn workers() -> ActorAddress {
    pool("workers")
}

/// More above 4 messages for each, fewer at the second look with less than 2 for each.
fn between(min: usize, max: usize) -> PoolOptions {
    PoolOptions::between(min, max).sizing(DepthSizing::new().high_mark(4).low_mark(2).patience(2))
}

async fn spawn(broker: &Broker, worker: &Worker, options: PoolOptions) -> WorkerPool<Job> {
    let worker = worker.clone();
    WorkerPool::spawn(broker, &workers(), options, move || worker.clone()).await.unwrap()
}

/// Who takes messages, in the order in which they joined.
fn members(broker: &Broker) -> Vec<ActorId> {
    broker.registry().resolve(&workers())
}

fn accepted(broker: &Broker, id: ActorId) -> u64 {
    broker.metrics().actors.iter().find(|actor| actor.id == id).unwrap().traffic.accepted
}

/// Sends each of these numbers to the actor, to be held at the gate.
async fn hold(broker: &Broker, id: ActorId, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        broker.send(&id.into(), Job::Hold(number)).await.unwrap();
    }
    settle().await;
}

fn sorted(log: &Log) -> Vec<u64> {
    let mut numbers = log.numbers();
    numbers.sort_unstable();
    numbers
}

#[tokio::test(start_paused = true)]
async fn it_grows_while_much_waits_and_shrinks_afterwards_within_its_bounds() {
    let (broker, worker) = (Broker::new(), Worker::new());
    let pool = spawn(&broker, &worker, between(2, 7)).await;
    assert_eq!((pool.size(), pool.depth()), (2, 0));
    let mut looks = pool.looks();
    (0..60).for_each(|number| broker.try_send(&workers(), Job::Hold(number)).unwrap());
    let mut seen = Vec::new();
    for _ in 0..4 {
        let status = looks.next().await.unwrap();
        assert_eq!((status.size, status), (members(&broker).len(), pool.status()));
        seen.push((status.size, status.depth));
    }
    // Two are in hand.
    assert_eq!(seen, [(4, 58), (7, 58), (7, 58), (7, 58)]);
    worker.gate.let_all_go();
    let mut sizes = Vec::new();
    for _ in 0..9 {
        sizes.push(looks.next().await.unwrap().size);
    }
    assert_eq!(sizes, [7, 6, 5, 4, 3, 2, 2, 2, 2]);
    soon(pool.drain()).await;
    assert_eq!(sorted(&worker.log), (0..60).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn senders_that_wait_for_room_are_much_to_do_as_well() {
    let (broker, worker) = (Broker::new(), Worker::new());
    let small = SpawnOptions::new().mailbox(MailboxOptions::bounded(1));
    let pool = spawn(&broker, &worker, between(1, 2).workers(small)).await;
    let senders: Vec<_> = (0..8)
        .map(|number| {
            let broker = broker.clone();
            tokio::spawn(async move { broker.send(&workers(), Job::Hold(number)).await.unwrap() })
        })
        .collect();
    let status = pool.looks().next().await.unwrap();
    assert_eq!((status.size, status.depth), (2, 7));
    worker.gate.let_all_go();
    for sender in senders {
        soon(sender).await.unwrap();
    }
    soon(pool.drain()).await;
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 8)]);
}

/// Starts senders of numbers that are all different, a fourth of them each.
fn send_all(broker: &Broker, numbers: u64) -> Vec<tokio::task::JoinHandle<()>> {
    let send = |sender: u64| {
        let broker = broker.clone();
        tokio::spawn(async move {
            for number in (0..numbers).filter(|number| number % 4 == sender) {
                broker.send(&workers(), Job::Note(number)).await.unwrap();
            }
        })
    };
    (0..4).map(send).collect()
}

#[tokio::test(start_paused = true)]
async fn resizing_under_load_loses_nothing_and_handles_nothing_twice() {
    let (broker, log) = (Broker::new(), Log::default());
    let slow = {
        let log = log.clone();
        move |envelope: MessageEnvelope<Job>| {
            let log = log.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                log.add(common::number_of(envelope.message()));
                Ok::<_, String>(())
            }
        }
    };
    let small = SpawnOptions::new().mailbox(MailboxOptions::bounded(4));
    let options = PoolOptions::fixed(4).workers(small);
    let pool = WorkerPool::spawn(&broker, &workers(), options, move || slow.clone()).await.unwrap();
    let senders = send_all(&broker, 1_000);
    for size in [8, 1, 5, 2, 16, 1, 3, 9, 4] {
        assert_eq!(pool.resize(size).await, Ok(size));
        assert_eq!((pool.size(), members(&broker).len()), (size, size));
        tokio::time::sleep(Duration::from_millis(17)).await;
    }
    assert!(log.numbers().len() < 500, "all of that was under load");
    for sender in senders {
        soon(sender).await.unwrap();
    }
    soon(pool.drain()).await;
    assert_eq!(sorted(&log), (0..1_000).collect::<Vec<_>>());
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1_000)]);
    assert!(broker.audit().is_balanced() && broker.audit().is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn those_with_the_least_before_them_leave_when_they_have_finished_and_get_nothing_more() {
    let (broker, worker) = (in_turns::<Job>(), Worker::new());
    let pool = spawn(&broker, &worker, PoolOptions::fixed(4)).await;
    let [busiest, idle, busier, busy] = members(&broker)[..] else { panic!("there are four") };
    hold(&broker, busy, [0, 1]).await;
    hold(&broker, busier, 10..13).await;
    hold(&broker, busiest, 20..24).await;
    // Nobody lets anybody go yet, and it returns.
    assert_eq!(soon(pool.resize(2)).await, Ok(2));
    settle().await;
    assert_eq!(members(&broker), [busiest, busier]);
    let status = pool.looks().next().await.unwrap();
    assert_eq!((status.size, status.depth, status.leaving), (2, 5, 1));
    assert!(broker.watch(&idle.into()).await.unwrap().await.cause.to_string().contains("drained"));
    (30..40).for_each(|number| broker.try_send(&workers(), Job::Note(number)).unwrap());
    assert_eq!([busy, busier, busiest].map(|id| accepted(&broker, id)), [2, 8, 9]);
    assert_eq!(broker.try_send(&busy.into(), Job::Note(99)).unwrap_err().kind(), SendErrorKind::ActorStopped);
    worker.gate.let_all_go();
    settle().await;
    assert_eq!(pool.looks().next().await.unwrap().leaving, 0);
    let all = [0, 1].into_iter().chain(10..13).chain(20..24).chain(30..40);
    assert_eq!(sorted(&worker.log), all.collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_ended_by_itself_is_replaced_at_the_next_look() {
    let (broker, worker) = (Broker::new(), Worker::new());
    let pool = spawn(&broker, &worker, PoolOptions::fixed(3)).await;
    let before = members(&broker);
    broker.send(&before[1].into(), Job::Panic("on purpose")).await.unwrap();
    settle().await;
    assert_eq!(members(&broker), [before[0], before[2]]);
    let start = Instant::now();
    assert_eq!(pool.looks().next().await.unwrap().size, 3);
    assert_eq!(start.elapsed(), LOOK);
    let after = members(&broker);
    assert_eq!((after[0], after[1], after.len()), (before[0], before[2], 3));
    broker.send(&after[2].into(), Job::Note(1)).await.unwrap();
    soon(pool.drain()).await;
    assert_eq!(worker.log.numbers(), [1]);
}

/// Starts a pool whose workers all fail to start, and counts how often one was tried.
async fn spawn_failing(broker: &Broker) -> (WorkerPool<Job>, Arc<AtomicUsize>) {
    let built = Arc::new(AtomicUsize::new(0));
    let factory = {
        let built = Arc::clone(&built);
        move || -> Worker {
            built.fetch_add(1, Ordering::SeqCst);
            panic!("on purpose")
        }
    };
    (WorkerPool::spawn(broker, &workers(), PoolOptions::fixed(2), factory).await.unwrap(), built)
}

#[tokio::test(start_paused = true)]
async fn workers_that_always_fail_to_start_are_tried_once_a_look() {
    let broker = Broker::new();
    let (pool, built) = spawn_failing(&broker).await;
    settle().await;
    assert_eq!(built.load(Ordering::SeqCst), 2);
    tokio::time::sleep(10 * LOOK + LOOK / 2).await;
    assert_eq!(built.load(Ordering::SeqCst), 22);
    soon(pool.drain()).await;
    assert_eq!(tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_the_workers_finish_and_ends_the_pool_with_the_last() {
    let (broker, worker) = (Broker::new(), Worker::new());
    let pool = spawn(&broker, &worker, between(3, 8)).await;
    let mut looks = pool.looks();
    hold(&broker, members(&broker)[0], 0..4).await;
    let mut shutdown = pin!(broker.shutdown(HOUR));
    assert!(poll_once(shutdown.as_mut()).is_pending());
    settle().await;
    assert_eq!(pool.resize(5).await, Err(PoolError::Ended));
    worker.gate.let_all_go();
    let report = soon(shutdown).await;
    assert_eq!((report.drained, report.aborted, report.abandoned), (3, 0, 0));
    assert_eq!(tasks(), 0, "at once, not at the next look");
    while looks.next().await.is_some() {}
    assert_eq!((pool.size(), pool.resize(5).await), (0, Err(PoolError::Ended)));
    soon(pool.drain()).await;
    assert_eq!(worker.log.numbers(), [0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_also_ends_a_pool_that_has_no_worker_just_then() {
    let broker = Broker::new();
    let (_pool, _) = spawn_failing(&broker).await;
    settle().await;
    assert_eq!((members(&broker).len(), tasks()), (0, 1));
    soon(broker.shutdown(HOUR)).await;
    tokio::time::sleep(LOOK).await;
    settle().await;
    assert_eq!(tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_its_handle_it_goes_on_until_the_broker_is_shut_down() {
    let (broker, worker) = (Broker::new(), Worker::new());
    let pool = spawn(&broker, &worker, between(1, 4)).await;
    let mut looks = pool.looks();
    drop(pool);
    hold(&broker, members(&broker)[0], 0..20).await;
    looks.next().await.unwrap();
    assert_eq!(looks.next().await.unwrap().size, 4);
    worker.gate.let_all_go();
    assert_eq!(soon(broker.shutdown(HOUR)).await.aborted, 0);
    assert_eq!(tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn draining_ends_all_workers_and_waits_for_those_that_were_leaving() {
    let (broker, worker) = (Broker::new(), Worker::new());
    let pool = spawn(&broker, &worker, PoolOptions::fixed(3)).await;
    for id in members(&broker) {
        hold(&broker, id, [1, 2]).await;
    }
    assert_eq!(pool.resize(1).await, Ok(1));
    let mut looks = pool.looks();
    let mut draining = pin!(pool.drain());
    assert!(poll_once(draining.as_mut()).is_pending());
    assert_eq!(looks.next().await.map(|status| (status.size, status.leaving)), Some((0, 3)));
    assert_eq!(broker.try_send(&workers(), Job::Note(9)).unwrap_err().kind(), SendErrorKind::NoMembers);
    // All but the last message of the last.
    worker.gate.let_go(5);
    settle().await;
    assert!(poll_once(draining.as_mut()).is_pending());
    worker.gate.let_go(1);
    soon(draining).await;
    assert_eq!((tasks(), sorted(&worker.log)), (0, vec![1, 1, 1, 2, 2, 2]));
    while let Some(status) = looks.next().await {
        assert_eq!(status.size, 0);
    }
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 6)]);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_sizes_itself_is_resized_within_its_bounds() {
    let (broker, worker) = (Broker::new(), Worker::new());
    let pool = spawn(&broker, &worker, between(2, 6)).await;
    assert_eq!((pool.resize(5).await, pool.resize(99).await, pool.resize(1).await), (Ok(5), Ok(6), Ok(2)));
    assert_eq!((pool.resize(4).await, pool.size()), (Ok(4), 4));
    tokio::time::sleep(10 * LOOK).await;
    assert_eq!(pool.size(), 2, "it sizes itself from there");
}

/// A factory of which so many clones can be made.
struct Scarce(Worker, Arc<AtomicUsize>);

impl Clone for Scarce {
    fn clone(&self) -> Self {
        self.1.fetch_sub(1, Ordering::SeqCst).checked_sub(1).expect("no more clones");
        Self(self.0.clone(), Arc::clone(&self.1))
    }
}

impl HandlerFactory<Job> for Scarce {
    type Handler = Worker;

    fn build(&mut self) -> Option<Worker> {
        Some(self.0.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn a_factory_that_panics_ends_its_pool_whose_workers_finish() {
    let (broker, worker) = (Broker::new(), Worker::new());
    let factory = Scarce(worker.clone(), Arc::new(AtomicUsize::new(2)));
    let pool = WorkerPool::spawn(&broker, &workers(), PoolOptions::fixed(2), factory).await.unwrap();
    hold(&broker, members(&broker)[0], [1, 2]).await;
    assert_eq!(pool.resize(3).await, Err(PoolError::Ended));
    assert_eq!((members(&broker).len(), pool.size()), (0, 0));
    worker.gate.let_all_go();
    settle().await;
    assert_eq!((worker.log.numbers(), tasks()), (vec![1, 2], 0));
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_is_refused_and_leaves_no_worker_behind() {
    let (broker, worker) = (Broker::new(), Worker::new());
    let none = SpawnOptions::new().mailbox(MailboxOptions::bounded(0));
    let refused = [
        (workers(), PoolOptions::fixed(0), PoolError::NoWorkers),
        (workers(), PoolOptions::between(0, 3), PoolError::NoWorkers),
        (workers(), PoolOptions::between(4, 3), PoolError::Bounds { min: 4, max: 3 }),
        (named("desk"), PoolOptions::fixed(1), PoolError::NotAGroup { address: named("desk") }),
        (
            workers(),
            PoolOptions::fixed(1).workers(none),
            RegisterError::from(switchboard::mailbox::CapacityError).into(),
        ),
    ];
    for (address, options, expected) in refused {
        let worker = worker.clone();
        let error = WorkerPool::spawn(&broker, &address, options, move || worker.clone()).await.unwrap_err();
        assert_eq!(error, expected);
    }
    let pool = spawn(&broker, &worker, PoolOptions::fixed(1)).await;
    assert_eq!(pool.resize(0).await, Err(PoolError::NoWorkers));
    broker.shutdown(HOUR).await;
    let factory = move || worker.clone();
    let error = WorkerPool::spawn(&broker, &workers(), PoolOptions::fixed(1), factory).await.unwrap_err();
    assert_eq!(error, PoolError::Register(RegisterError::ShutDown));
    settle().await;
    assert_eq!(tasks(), 0);
}
