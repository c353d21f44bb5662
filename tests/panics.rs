//! A panic stays in its handler: its cause is in the outcome, and the actor stops or goes on as its options say.

mod common;

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Wake, Waker};

use common::{Broker, Gate, Job, Log, Worker, assert_at_rest, named, numbers_of, poll_once, settle, take_letters};
use switchboard::actor::{OnPanic, SpawnOptions, StopCause, once};
use switchboard::broker::{Context, MessageBroker, MessageHandler, RequestErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;

const REBUILD: SpawnOptions = SpawnOptions::new().on_panic(OnPanic::Rebuild);

/// Where a [`Fragile`] handler panics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Breaks {
    started: bool,
    stopped: bool,
    drop: bool,
    display: bool,
    error_drop: bool,
}

/// Notes numbers, panics at [`Job::Panic`], fails at [`Job::Fail`], and breaks where it is told to.
struct Fragile {
    breaks: Breaks,
    log: Log,
}

impl Fragile {
    fn new(breaks: Breaks) -> Self {
        Self { breaks, log: Log::default() }
    }
}

impl MessageHandler<Job> for Fragile {
    type Error = FragileError;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        _: &Context<Job, B>,
    ) -> Result<(), FragileError> {
        match envelope.into_message() {
            Job::Note(number) => self.log.add(number),
            Job::Panic(cause) => panic!("{cause}"),
            _ => return Err(FragileError(self.breaks)),
        }
        Ok(())
    }

    async fn started<B: MessageBroker<Job>>(&mut self, _: &Context<Job, B>) -> Result<(), FragileError> {
        assert!(!self.breaks.started, "in started");
        Ok(())
    }

    async fn stopped<B: MessageBroker<Job>>(&mut self, _: &Context<Job, B>, _: &StopCause) {
        assert!(!self.breaks.stopped, "in stopped");
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        assert!(!self.breaks.drop, "in drop");
    }
}

struct FragileError(Breaks);

impl fmt::Display for FragileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        assert!(!self.0.display, "in display");
        f.write_str("failed")
    }
}

impl Drop for FragileError {
    fn drop(&mut self) {
        assert!(!self.0.error_drop, "in the error's drop");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_stops_its_actor_with_the_cause_and_abandons_what_waits() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let actor = Worker::new().spawn(&broker, &desk, 8).await;
    broker.send(&desk, Job::Panic("boom")).await.unwrap();
    broker.send(&desk, Job::Note(1)).await.unwrap();
    assert_eq!(actor.join().await, StopCause::Panicked("boom".into()));

    let letters = take_letters(&broker);
    assert_eq!(numbers_of(&letters, DeadLetterReason::ActorStopped), [1]);
    let expected = [(Outcome::Failed, 1), (Outcome::Abandoned, 1)];
    assert_at_rest(&broker.metrics().total, &expected);
    assert_eq!(broker.metrics().total.panics, 1);
    assert!(!broker.registry().contains(&desk));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_one_actor_leaves_the_others_alone() {
    let (broker, left, right) = (Broker::new(), named("left"), named("right"));
    let broken = Worker::new().spawn(&broker, &left, 8).await;
    Worker::new().spawn(&broker, &right, 8).await;
    broker.send(&left, Job::Panic("boom")).await.unwrap();
    broken.join().await;
    let reply = broker.request(&right, Job::Echo(1)).await;
    assert_eq!(reply.unwrap(), Job::Answer(1));
}

#[tokio::test(start_paused = true)]
async fn rebuilding_keeps_the_mailbox_and_its_order() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let building = {
        let worker = worker.clone();
        move || worker.clone()
    };
    let actor = broker.spawn_with(&desk, REBUILD, building).await.unwrap();
    for number in 0..3 {
        broker.send(&desk, Job::Note(number)).await.unwrap();
        broker.send(&desk, Job::Panic("boom")).await.unwrap();
    }
    broker.send(&desk, Job::Note(3)).await.unwrap();
    assert_eq!(actor.drain().await, StopCause::Drained);
    assert_eq!(worker.log.numbers(), [0, 1, 2, 3]);

    let total = broker.metrics().total;
    assert_at_rest(&total, &[(Outcome::Handled, 4), (Outcome::Failed, 3)]);
    assert_eq!((total.panics, total.rebuilds), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_rebuilt_handler_starts_anew() {
    let (broker, desk, log) = (Broker::new(), named("desk"), Log::default());
    let counting = log.clone();
    let mut built = 0;
    let factory = move || {
        built += 1;
        counting.add(built);
        Fragile::new(Breaks::default())
    };
    let actor = broker.spawn_with(&desk, REBUILD, factory).await.unwrap();
    let request = broker.request(&desk, Job::Panic("boom")).await;
    let panicked = RequestErrorKind::HandlerPanicked("boom".into());
    assert_eq!(request.unwrap_err().kind(), &panicked);
    actor.drain().await;
    assert_eq!(log.numbers(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_factory_that_has_no_other_handler_stops_the_actor() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let actor = Worker::new().spawn_with(&broker, &desk, REBUILD).await;
    broker.send(&desk, Job::Panic("boom")).await.unwrap();
    broker.send(&desk, Job::Note(1)).await.unwrap();
    let cause = actor.join().await;
    assert!(!matches!(cause, StopCause::Drained | StopCause::Stopped));
    let total = broker.metrics().total;
    assert_at_rest(&total, &[(Outcome::Failed, 1), (Outcome::Abandoned, 1)]);
    assert_eq!((total.panics, total.rebuilds), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_could_not_be_rebuilt_names_the_panic_as_its_cause() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let actor = Worker::new().spawn_with(&broker, &desk, REBUILD).await;
    broker.send(&desk, Job::Panic("boom")).await.unwrap();
    assert_eq!(actor.join().await, StopCause::Panicked("boom".into()));
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_factory_is_a_failed_start() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let factory = || -> Worker { panic!("no parts") };
    let actor = broker.spawn_with(&desk, REBUILD, factory).await.unwrap();
    broker.try_send(&desk, Job::Note(1)).unwrap();
    let failed = StopCause::StartFailed("no parts".into());
    assert_eq!(actor.join().await, failed);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Abandoned, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_started_is_a_failed_start() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let fragile = Fragile::new(Breaks { started: true, ..Breaks::default() });
    let actor = broker.spawn(&desk, fragile).await.unwrap();
    let mut request = pin!(broker.request(&desk, Job::Note(1)));
    assert!(poll_once(request.as_mut()).is_pending());
    let failed = StopCause::StartFailed("in started".into());
    assert_eq!(actor.join().await, failed);
    let ended = request.await.unwrap_err();
    assert_eq!(ended.kind(), &RequestErrorKind::ActorStopped);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Abandoned, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_stopped_changes_nothing_about_how_the_actor_ended() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let fragile = Fragile::new(Breaks { stopped: true, ..Breaks::default() });
    let log = fragile.log.clone();
    let actor = broker.spawn(&desk, fragile).await.unwrap();
    broker.send(&desk, Job::Note(1)).await.unwrap();
    assert_eq!(actor.drain().await, StopCause::Drained);
    assert_eq!(log.numbers(), [1]);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_handlers_drop_stays_there_at_its_end_and_when_it_is_rebuilt() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let factory = || Fragile::new(Breaks { drop: true, ..Breaks::default() });
    let actor = broker.spawn_with(&desk, REBUILD, factory).await.unwrap();
    broker.send(&desk, Job::Panic("boom")).await.unwrap();
    broker.send(&desk, Job::Note(1)).await.unwrap();
    assert_eq!(actor.drain().await, StopCause::Drained);
    let expected = [(Outcome::Failed, 1), (Outcome::Handled, 1)];
    assert_at_rest(&broker.metrics().total, &expected);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_an_errors_display_becomes_its_text() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let fragile = Fragile::new(Breaks { display: true, ..Breaks::default() });
    let actor = broker.spawn(&desk, fragile).await.unwrap();
    let error = broker.request(&desk, Job::Fail("")).await.unwrap_err();
    let failed = RequestErrorKind::HandlerFailed("in display".into());
    assert_eq!(error.kind(), &failed);
    broker.send(&desk, Job::Note(1)).await.unwrap();
    assert_eq!(actor.drain().await, StopCause::Drained);
    let expected = [(Outcome::Failed, 1), (Outcome::Handled, 1)];
    assert_at_rest(&broker.metrics().total, &expected);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_an_errors_drop_stays_in_the_handler() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let fragile = Fragile::new(Breaks { error_drop: true, ..Breaks::default() });
    let actor = broker.spawn(&desk, fragile).await.unwrap();
    broker.send(&desk, Job::Fail("")).await.unwrap();
    broker.send(&desk, Job::Note(1)).await.unwrap();
    actor.drain().await;
    let total = broker.metrics().total;
    assert_eq!(total.outcomes[Outcome::Failed], 1);
    assert_eq!(total.unaccounted(), 0, "{total:?}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_closure_before_its_future_is_made_stays_in_the_handler() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let closure = |envelope: MessageEnvelope<Job>| {
        assert_ne!(envelope.message(), &Job::Note(1), "too early");
        async { Ok::<_, String>(()) }
    };
    let factory = move || closure;
    let actor = broker.spawn_with(&desk, REBUILD, factory).await.unwrap();
    let error = broker.request(&desk, Job::Note(1)).await.unwrap_err();
    let RequestErrorKind::HandlerPanicked(cause) = error.kind() else {
        panic!("{error}");
    };
    assert!(cause.contains("too early"), "{cause}");
    broker.send(&desk, Job::Note(2)).await.unwrap();
    assert_eq!(actor.drain().await, StopCause::Drained);
    let expected = [(Outcome::Failed, 1), (Outcome::Handled, 1)];
    assert_at_rest(&broker.metrics().total, &expected);
}

#[tokio::test(start_paused = true)]
async fn a_cause_that_is_not_text_is_named_as_such() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let closure = |_: MessageEnvelope<Job>| async {
        std::panic::panic_any(7);
        #[expect(unreachable_code, reason = "it names the closure's error type")]
        Ok::<_, String>(())
    };
    let actor = broker.spawn(&desk, closure).await.unwrap();
    broker.send(&desk, Job::Note(1)).await.unwrap();
    let unnamed = StopCause::Panicked("a panic whose cause is not text".into());
    assert_eq!(actor.join().await, unnamed);
}

/// Panics after the test has let it go, in the middle of its message.
struct LateBreaking(Gate);

impl MessageHandler<Job> for LateBreaking {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        _: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        self.0.hold().await;
        let _ = context.reply(Job::Answer(1)).await;
        panic!("after the reply");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_after_the_reply_is_a_failure_whose_caller_has_its_reply() {
    let (broker, desk, gate) = (Broker::new(), named("desk"), Gate::new());
    let handler = once(LateBreaking(gate.clone()));
    let actor = broker.spawn_with(&desk, SpawnOptions::new(), handler);
    let actor = actor.await.unwrap();
    gate.let_all_go();
    let reply = broker.request(&desk, Job::Echo(1)).await;
    assert_eq!(reply.unwrap(), Job::Answer(1));
    let panicked = StopCause::Panicked("after the reply".into());
    assert_eq!(actor.join().await, panicked);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Failed, 1)]);
    assert_eq!(broker.metrics().late_replies, 0);
}

/// The waker of a task that can't be woken.
struct Broken;

impl Wake for Broken {
    fn wake(self: Arc<Self>) {
        panic!("no such task");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_between_two_messages_is_no_messages_failure() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let log = Log::default();
    let make = {
        let log = log.clone();
        move || Fragile { breaks: Breaks::default(), log: log.clone() }
    };
    let _actor = broker.spawn_with(&desk, REBUILD.duplicate_window(8), make).await.unwrap();
    let first = MessageEnvelope::new(Job::Note(1));
    broker.send(&desk, first.clone()).await.unwrap();
    settle().await;
    // Its caller is told that it was handled before.
    let mut again = pin!(broker.request(&desk, first));
    let waker = Waker::from(Arc::new(Broken));
    assert!(again.as_mut().poll(&mut TaskContext::from_waker(&waker)).is_pending());
    broker.send(&desk, Job::Note(2)).await.unwrap();
    settle().await;
    assert_eq!(log.numbers(), [1, 2]);
    let total = broker.metrics().total;
    assert_at_rest(&total, &[(Outcome::Handled, 2), (Outcome::Duplicate, 1)]);
    assert_eq!((total.panics, total.rebuilds), (1, 1));
}
