//! Races: an actor that ends while it is watched, looked for and stopped from other threads.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::{Pin, pin};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use common::{Broker, Gate, Worker, named, poll_once};
use switchboard::actor::{SpawnOptions, StopCause};
use switchboard::address::ActorAddress;
use switchboard::broker::{InMemoryMessageBroker, MessageBroker, WatchError};
use switchboard::message::{Message, MessageEnvelope};
use switchboard::watching::Watch;

fn watched(broker: &Broker, address: &ActorAddress) -> Result<Watch, WatchError> {
    let Poll::Ready(watch) = poll_once(pin!(broker.watch(address))) else { panic!("it waits") };
    watch
}

/// Looks for its actor when it is dropped, which is when the actor has no mailbox any more and has not ended.
struct LastLook(Broker, Arc<Mutex<Vec<bool>>>);

impl Drop for LastLook {
    fn drop(&mut self) {
        let mut watch = watched(&self.0, &named("desk")).unwrap();
        let by_id = watched(&self.0, &watch.actor().into());
        let ended = poll_once(Pin::new(&mut watch)).is_ready();
        self.1.lock().unwrap().extend([by_id.is_ok(), ended]);
    }
}

#[tokio::test(start_paused = true)]
async fn there_is_no_moment_in_which_an_actor_is_neither_there_nor_remembered() {
    let (broker, seen) = (Broker::new(), Arc::default());
    let last = LastLook(broker.clone(), Arc::clone(&seen));
    let factory = move || {
        let _ = &last;
        Worker::new()
    };
    let actor = broker.spawn_with(&named("desk"), SpawnOptions::new(), factory).await.unwrap();
    actor.drain().await;
    assert_eq!(*seen.lock().unwrap(), [true, false]);
}

/// A message of which the one with an ending has the actor end while it is dropped.
#[derive(Debug)]
struct Letter(Option<Ending>);

#[derive(Debug)]
struct Ending {
    gate: Gate,
    left: Receiver<()>,
    watch: Watch,
    tell: Sender<bool>,
}

impl Message for Letter {
    const MESSAGE_TYPE: &'static str = "tests.letter";
}

impl Drop for Letter {
    fn drop(&mut self) {
        let Some(mut ending) = self.0.take() else { return };
        ending.gate.let_all_go();
        assert!(ending.left.recv().is_err());
        // The actor has let go of its factory, and has nothing left to do but to end.
        (0..1_000).for_each(|_| std::thread::yield_now());
        ending.tell.send(poll_once(Pin::new(&mut ending.watch)).is_ready()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_end_is_not_told_while_another_thread_still_makes_dead_letters_of_what_waited() {
    let builder =
        InMemoryMessageBroker::builder().dead_letters(switchboard::dead_letters::DeadLetterOptions::new().capacity(0));
    let (broker, desk, gate) = (builder.build().unwrap(), named("desk"), Gate::new());
    let (leaving, left) = channel();
    let held = gate.clone();
    let factory = move || {
        let _ = &leaving;
        let gate = held.clone();
        move |_: MessageEnvelope<Letter>| {
            let gate = gate.clone();
            async move {
                gate.hold().await;
                Ok::<_, String>(())
            }
        }
    };
    let actor = broker.spawn_with(&desk, SpawnOptions::new(), factory).await.unwrap();
    broker.send(&desk, Letter(None)).await.unwrap();
    gate.arrival().await;
    let (tell, told) = channel();
    let ending = Ending { gate, left, watch: actor.watch(), tell };
    broker.send(&desk, Letter(Some(ending))).await.unwrap();
    // It is dropped as a dead letter, of which none is kept.
    tokio::task::spawn_blocking(move || actor.stop()).await.unwrap();
    assert!(!told.recv().unwrap());
}

/// Watches actors by id and by name while they end in another thread.
async fn watch_all(broker: Broker, ids: Receiver<ActorAddress>) -> usize {
    let mut seen = 0;
    for id in ids {
        let (by_id, by_name) = (broker.watch(&id).await.unwrap(), broker.watch(&named("desk")).await.unwrap());
        assert_eq!((by_id.await.cause, by_name.await.cause), (StopCause::Stopped, StopCause::Stopped));
        seen += 1;
    }
    seen
}

#[test]
fn actors_that_end_while_they_are_watched_from_another_thread_are_never_missed() {
    const ACTORS: usize = 2_000;
    let broker = InMemoryMessageBroker::builder().remembered_ends(ACTORS).build().unwrap();
    let mut ends = broker.ends(ACTORS);
    let (tell, told) = channel();
    let build = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let watching = std::thread::spawn({
        let broker = broker.clone();
        move || build().block_on(watch_all(broker, told))
    });
    build().block_on(async {
        for number in 0..ACTORS {
            let actor = Worker::new().spawn(&broker, &named("desk"), 8).await;
            tell.send(actor.id().into()).unwrap();
            (0..number % 8).for_each(|_| std::thread::yield_now());
            actor.stop();
            assert_eq!(actor.join().await, StopCause::Stopped);
        }
    });
    drop(tell);
    assert_eq!(watching.join().unwrap(), ACTORS);
    let mut heard: Vec<_> = std::iter::from_fn(|| ends.try_next()).map(|followed| followed.end.actor).collect();
    heard.dedup();
    assert_eq!(heard.len(), ACTORS);
}
