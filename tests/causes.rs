//! Each way to end has its cause, and whoever asks learns the same: the handle, a watch, the stream of all ends, and
//! who asks when the actor is gone.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::time::Duration;

use common::{Broker, Job, Worker, inbox, named, poll_once, soon};
use switchboard::actor::{ActorHandle, HandlerFactory, OnPanic, SpawnOptions, StopCause};
use switchboard::broker::{Context, MessageBroker, MessageHandler};
use switchboard::message::MessageEnvelope;
use switchboard::watching::{Ends, Watch};

const REBUILD: SpawnOptions = SpawnOptions::new().on_panic(OnPanic::Rebuild);

/// Everybody who is to learn of one actor's end.
struct Witnesses {
    broker: Broker,
    ends: Ends,
    watch: Watch,
}

impl Witnesses {
    fn of(broker: &Broker, watch: Watch) -> Self {
        Self { broker: broker.clone(), ends: broker.ends(8), watch }
    }

    /// Asserts that all learn this cause, each once.
    async fn assert_cause(mut self, cause: StopCause) {
        let actor = self.watch.actor();
        let end = soon(self.watch).await;
        assert_eq!((end.actor, &end.cause), (actor, &cause));
        let followed = self.ends.try_next().unwrap();
        assert_eq!((&followed.end, followed.missed), (&end, 0));
        assert_eq!(self.ends.try_next(), None);
        for address in [actor.into(), end.address.clone()] {
            let late = self.broker.watch(&address).await.unwrap();
            assert_eq!(poll_once(pin!(late)), Poll::Ready(end.clone()));
        }
    }
}

/// An actor at a name, and who is to learn of its end.
async fn watched<F: HandlerFactory<Job>>(options: SpawnOptions, factory: F) -> (ActorHandle<Job>, Witnesses) {
    let broker = Broker::new();
    let actor = broker.spawn_with(&named("desk"), options, factory).await.unwrap();
    let witnesses = Witnesses::of(&broker, actor.watch());
    (actor, witnesses)
}

/// Ends one more such actor in the way of `end`, and asserts that everybody learns this cause.
async fn assert_cause(cause: StopCause, end: impl AsyncFnOnce(&Broker, &Worker, &ActorHandle<Job>)) {
    let worker = Worker::new();
    let building = worker.clone();
    let (actor, witnesses) = watched(SpawnOptions::new(), move || building.clone()).await;
    end(&witnesses.broker, &worker, &actor).await;
    assert_eq!(soon(actor.join()).await, cause);
    witnesses.assert_cause(cause).await;
}

/// Has the actor begin with a message at which it is held.
async fn hold(broker: &Broker, worker: &Worker) {
    broker.send(&named("desk"), Job::Hold(0)).await.unwrap();
    worker.gate.arrival().await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_is_stopped_has_stopped() {
    assert_cause(StopCause::Stopped, async |_, _, actor| actor.stop()).await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_is_drained_has_drained() {
    let (actor, witnesses) = watched(SpawnOptions::new(), Worker::new).await;
    assert_eq!(soon(actor.drain()).await, StopCause::Drained);
    witnesses.assert_cause(StopCause::Drained).await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_is_unregistered_and_handles_the_rest_was_unregistered() {
    assert_cause(StopCause::Unregistered, async |broker, worker, actor| {
        hold(broker, worker).await;
        assert!(broker.unregister(&actor.registration()).await);
        assert!(!broker.unregister(&actor.registration()).await);
        worker.gate.let_all_go();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_closed_the_mailbox_first_is_the_cause() {
    let worker = Worker::new();
    let building = worker.clone();
    let (actor, witnesses) = watched(SpawnOptions::new(), move || building.clone()).await;
    hold(&witnesses.broker, &worker).await;
    let registration = actor.registration();
    let mut drain = pin!(actor.drain());
    assert!(poll_once(drain.as_mut()).is_pending());
    assert!(!witnesses.broker.unregister(&registration).await);
    worker.gate.let_all_go();
    assert_eq!(soon(drain).await, StopCause::Drained);
    witnesses.assert_cause(StopCause::Drained).await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_is_unregistered_and_then_stopped_has_stopped() {
    assert_cause(StopCause::Stopped, async |broker, worker, actor| {
        hold(broker, worker).await;
        assert!(broker.unregister(&actor.registration()).await);
        actor.stop();
        worker.gate.let_all_go();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_is_aborted_was_aborted_at_work_or_idle() {
    assert_cause(StopCause::Aborted, async |broker, worker, actor| {
        hold(broker, worker).await;
        actor.abort();
    })
    .await;
    assert_cause(StopCause::Aborted, async |broker, _, actor| {
        broker.request(&named("desk"), Job::Echo(1)).await.unwrap();
        actor.abort();
    })
    .await;
    assert_cause(StopCause::Aborted, async |_, _, actor| actor.abort()).await;
}

/// Aborts itself, and is done with its message before its next `await`.
#[derive(Clone)]
struct Quitter(Arc<Mutex<Option<ActorHandle<Job>>>>);

impl MessageHandler<Job> for Quitter {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        _: MessageEnvelope<Job>,
        _: &Context<Job, B>,
    ) -> Result<(), String> {
        let actor = self.0.lock().unwrap();
        actor.as_ref().unwrap().abort();
        Ok(())
    }

    async fn stopped<B: MessageBroker<Job>>(&mut self, _: &Context<Job, B>, cause: &StopCause) {
        panic!("{cause}, and not aborted");
    }
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_is_aborted_in_its_last_message_was_aborted() {
    let (quitter, broker) = (Quitter(Arc::default()), Broker::new());
    let actor = broker.spawn(&named("desk"), quitter.clone()).await.unwrap();
    let witnesses = Witnesses::of(&broker, actor.watch());
    *quitter.0.lock().unwrap() = Some(actor);
    broker.send(&named("desk"), Job::Note(1)).await.unwrap();
    witnesses.assert_cause(StopCause::Aborted).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_that_stops_the_actor_is_its_cause() {
    assert_cause(StopCause::Panicked("boom".into()), async |broker, _, _| {
        broker.send(&named("desk"), Job::Panic("boom")).await.unwrap();
    })
    .await;
}

/// Fails to start if it is told to, and panics at each message.
struct Starter {
    starts: Result<(), &'static str>,
}

impl MessageHandler<Job> for Starter {
    type Error = &'static str;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        _: MessageEnvelope<Job>,
        _: &Context<Job, B>,
    ) -> Result<(), &'static str> {
        panic!("boom");
    }

    async fn started<B: MessageBroker<Job>>(&mut self, _: &Context<Job, B>) -> Result<(), &'static str> {
        assert_ne!(self.starts, Err("panic"), "in started");
        self.starts
    }
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_does_not_start_failed_to() {
    let (actor, witnesses) = watched(REBUILD, || Starter { starts: Err("no ink") }).await;
    let failed = StopCause::StartFailed("no ink".into());
    assert_eq!(soon(actor.join()).await, failed);
    witnesses.assert_cause(failed).await;

    let (actor, witnesses) = watched(REBUILD, || Starter { starts: Err("panic") }).await;
    let StopCause::StartFailed(cause) = soon(actor.join()).await else { panic!("it started") };
    assert!(cause.contains("in started"), "{cause}");
    witnesses.assert_cause(StopCause::StartFailed(cause)).await;
}

/// An error that panics when it is dropped.
struct Sour(Brittle);

impl std::fmt::Display for Sour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no ink")
    }
}

struct SourStarter;

impl MessageHandler<Job> for SourStarter {
    type Error = Sour;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        _: MessageEnvelope<Job>,
        _: &Context<Job, B>,
    ) -> Result<(), Sour> {
        Ok(())
    }

    async fn started<B: MessageBroker<Job>>(&mut self, _: &Context<Job, B>) -> Result<(), Sour> {
        Err(Sour(Brittle))
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_what_kept_an_actor_from_starting_does_not_hide_that() {
    let (actor, witnesses) = watched(REBUILD, || SourStarter).await;
    let failed = StopCause::StartFailed("no ink".into());
    assert_eq!(soon(actor.join()).await, failed);
    witnesses.assert_cause(failed).await;
}

/// The waker of a caller who can't be woken.
struct Sleeper;

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        panic!("do not disturb");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_outside_the_handler_is_a_cause_too() {
    let (actor, witnesses) = watched(REBUILD, Worker::new).await;
    let desk = named("desk");
    let mut request = pin!(witnesses.broker.request(&desk, Job::Panic("boom")));
    let waker = Waker::from(Arc::new(Sleeper));
    assert!(request.as_mut().poll(&mut TaskContext::from_waker(&waker)).is_pending());
    let panicked = StopCause::Panicked("do not disturb".into());
    assert_eq!(soon(actor.join()).await, panicked);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_does_not_start_again_failed_to() {
    let mut starts = [Ok(()), Err("no ink")].into_iter();
    let (actor, witnesses) = watched(REBUILD, move || Starter { starts: starts.next().unwrap() }).await;
    witnesses.broker.send(&named("desk"), Job::Note(1)).await.unwrap();
    let failed = StopCause::StartFailed("no ink".into());
    assert_eq!(soon(actor.join()).await, failed);
    witnesses.assert_cause(failed).await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_has_no_other_handler_panicked() {
    let (actor, witnesses) = watched(REBUILD, switchboard::actor::once(Worker::new())).await;
    witnesses.broker.send(&named("desk"), Job::Panic("boom")).await.unwrap();
    let panicked = StopCause::Panicked("boom".into());
    assert_eq!(soon(actor.join()).await, panicked);
    witnesses.assert_cause(panicked).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_drains_in_time_and_aborts_when_it_is_late() {
    assert_cause(StopCause::Drained, async |broker, _, _| {
        broker.shutdown(Duration::from_secs(1)).await;
    })
    .await;
    assert_cause(StopCause::Aborted, async |broker, worker, _| {
        hold(broker, worker).await;
        broker.shutdown(Duration::from_secs(1)).await;
    })
    .await;
}

#[test]
fn an_actor_whose_runtime_ends_was_aborted() {
    let build = || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let (first, second) = (build(), build());
    let (actor, witnesses) = first.block_on(watched(SpawnOptions::new(), Worker::new));
    drop(first);
    assert_eq!(second.block_on(actor.join()), StopCause::Aborted);
    second.block_on(witnesses.assert_cause(StopCause::Aborted));
}

/// Panics when it is dropped.
struct Brittle;

impl Drop for Brittle {
    fn drop(&mut self) {
        panic!("in drop");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_what_the_actor_owned_changes_nothing_about_how_it_ended() {
    let brittle = Brittle;
    let factory = move || {
        let _ = &brittle;
        Worker::new()
    };
    let (actor, witnesses) = watched(SpawnOptions::new(), factory).await;
    assert_eq!(soon(actor.drain()).await, StopCause::Drained);
    witnesses.assert_cause(StopCause::Drained).await;
}

#[tokio::test(start_paused = true)]
async fn an_inbox_that_is_dropped_or_closed_is_unregistered_when_it_is_dropped() {
    let (broker, desk) = (Broker::new(), named("desk"));
    for close in [false, true] {
        let mut inbox = inbox(&broker, &desk, 8).await;
        let mut witnesses = Witnesses::of(&broker, inbox.watch());
        broker.send(&desk, Job::Note(1)).await.unwrap();
        if close {
            inbox.close();
            assert!(poll_once(pin!(&mut witnesses.watch)).is_pending());
        }
        drop(inbox);
        witnesses.assert_cause(StopCause::Unregistered).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_inbox_whose_registration_is_ended_is_unregistered() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let inbox = inbox(&broker, &desk, 8).await;
    let witnesses = Witnesses::of(&broker, inbox.watch());
    assert!(broker.unregister(&inbox.registration()).await);
    broker.shutdown(Duration::from_secs(1)).await;
    drop(inbox);
    witnesses.assert_cause(StopCause::Unregistered).await;
}

#[tokio::test(start_paused = true)]
async fn an_inbox_that_a_shutdown_closed_has_drained() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    let witnesses = Witnesses::of(&broker, inbox.watch());
    broker.shutdown(Duration::from_secs(1)).await;
    assert!(inbox.recv().await.is_none());
    drop(inbox);
    witnesses.assert_cause(StopCause::Drained).await;
}
