//! How actors begin and end: hooks in their order, each way to end as its table says, shutdown that drains and then
//! ends what is late.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{
    Broker, Gate, Job, Worker, assert_at_rest, assert_balanced, inbox, named, numbers_of, poll_once, settle,
    take_letters,
};
use switchboard::actor::{ActorHandle, StopCause};
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, MessageBroker, MessageHandler, RegisterError, RequestErrorKind, SendErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::mailbox::MailboxOptions;
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;

const SECOND: Duration = Duration::from_secs(1);

/// Notes its hooks and messages; holds at the gate in [`Job::Hold`], stops itself at [`Job::Echo`].
#[derive(Clone)]
struct Diarist {
    diary: Arc<Mutex<Vec<String>>>,
    gate: Gate,
}

impl Diarist {
    fn new() -> Self {
        Self { diary: Arc::default(), gate: Gate::new() }
    }

    fn note(&self, text: impl Into<String>) {
        self.diary.lock().unwrap().push(text.into());
    }

    fn diary(&self) -> Vec<String> {
        self.diary.lock().unwrap().clone()
    }
}

impl MessageHandler<Job> for Diarist {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        match envelope.into_message() {
            Job::Hold(_) => self.gate.hold().await,
            Job::Echo(_) => context.stop(),
            Job::Panic(cause) => panic!("{cause}"),
            _ => {}
        }
        self.note("message");
        Ok(())
    }

    async fn started<B: MessageBroker<Job>>(&mut self, context: &Context<Job, B>) -> Result<(), String> {
        assert_eq!(context.message_id(), None);
        self.note("started");
        Ok(())
    }

    async fn stopped<B: MessageBroker<Job>>(&mut self, _: &Context<Job, B>, cause: &StopCause) {
        self.note(format!("stopped: {cause}"));
    }
}

/// A diarist in the middle of its first message, with two more in its mailbox.
struct Busy {
    broker: Broker,
    desk: ActorAddress,
    diarist: Diarist,
    actor: ActorHandle<Job>,
}

async fn busy() -> Busy {
    let (broker, desk, diarist) = (Broker::new(), named("desk"), Diarist::new());
    let actor = broker.spawn(&desk, diarist.clone()).await.unwrap();
    broker.send(&desk, Job::Hold(0)).await.unwrap();
    diarist.gate.arrival().await;
    for number in 1..3 {
        broker.send(&desk, Job::Note(number)).await.unwrap();
    }
    Busy { broker, desk, diarist, actor }
}

impl Busy {
    /// Its name is free, and its mailbox takes nothing more.
    fn assert_closed(&self) {
        assert!(!self.broker.registry().contains(&self.desk));
        let by_name = self.broker.try_send(&self.desk, Job::Note(9)).unwrap_err();
        assert_eq!(by_name.kind(), SendErrorKind::NoSuchActor);
        let id = ActorAddress::from(self.actor.id());
        let by_id = self.broker.try_send(&id, Job::Note(9)).unwrap_err();
        assert_eq!(by_id.kind(), SendErrorKind::ActorStopped);
    }

    /// Lets the handler go on; asserts how the actor ends, what its diary says and how its messages ended.
    async fn assert_end(self, cause: StopCause, diary: &[&str], outcomes: &[(Outcome, u64)]) {
        self.assert_closed();
        self.diarist.gate.let_all_go();
        assert_eq!(self.actor.join().await, cause);
        assert_eq!(self.diarist.diary(), diary);
        assert_at_rest(&self.broker.metrics().total, outcomes);
        let letters = take_letters(&self.broker);
        let stopped = numbers_of(&letters, DeadLetterReason::ActorStopped);
        let handled_all = outcomes.contains(&(Outcome::Handled, 3));
        assert_eq!(stopped.is_empty(), handled_all, "{stopped:?}");
        assert!(handled_all || stopped == [1, 2], "{stopped:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn draining_handles_what_waits() {
    let mut busy = busy().await;
    let rest = busy.broker.spawn(&named("other"), Diarist::new()).await;
    let actor = std::mem::replace(&mut busy.actor, rest.unwrap());
    let mut drained = pin!(actor.drain());
    assert!(poll_once(drained.as_mut()).is_pending());
    assert!(!busy.broker.registry().contains(&busy.desk));
    busy.diarist.gate.let_all_go();
    assert_eq!(drained.await, StopCause::Drained);
    let diary = ["started", "message", "message", "message", "stopped: drained"];
    assert_eq!(busy.diarist.diary(), diary);
    assert_at_rest(&busy.broker.metrics().total, &[(Outcome::Handled, 3)]);
}

#[tokio::test(start_paused = true)]
async fn unregistering_handles_what_waits() {
    let busy = busy().await;
    let registration = busy.actor.registration();
    assert!(busy.broker.unregister(&registration).await);
    let diary = ["started", "message", "message", "message", "stopped: unregistered"];
    busy.assert_end(StopCause::Unregistered, &diary, &[(Outcome::Handled, 3)]).await;
}

#[tokio::test(start_paused = true)]
async fn stopping_handles_the_message_in_hand_and_no_more() {
    let busy = busy().await;
    busy.actor.stop();
    let diary = ["started", "message", "stopped: stopped"];
    let outcomes = [(Outcome::Handled, 1), (Outcome::Abandoned, 2)];
    busy.assert_end(StopCause::Stopped, &diary, &outcomes).await;
}

#[tokio::test(start_paused = true)]
async fn aborting_drops_the_message_in_hand_and_calls_no_hook() {
    let busy = busy().await;
    busy.actor.abort();
    let outcomes = [(Outcome::Abandoned, 3)];
    busy.assert_end(StopCause::Aborted, &["started"], &outcomes).await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_stops_itself_is_done_with_the_message_in_hand() {
    let (broker, desk, diarist) = (Broker::new(), named("desk"), Diarist::new());
    let actor = broker.spawn(&desk, diarist.clone()).await.unwrap();
    for job in [Job::Note(0), Job::Echo(1), Job::Note(2)] {
        broker.send(&desk, job).await.unwrap();
    }
    assert_eq!(actor.join().await, StopCause::Stopped);
    let diary = ["started", "message", "message", "stopped: stopped"];
    assert_eq!(diarist.diary(), diary);
    let outcomes = [(Outcome::Handled, 2), (Outcome::Abandoned, 1)];
    assert_at_rest(&broker.metrics().total, &outcomes);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panicked_is_not_told_that_it_stopped() {
    let (broker, desk, diarist) = (Broker::new(), named("desk"), Diarist::new());
    let actor = broker.spawn(&desk, diarist.clone()).await.unwrap();
    broker.send(&desk, Job::Panic("boom")).await.unwrap();
    actor.join().await;
    assert_eq!(diarist.diary(), ["started"]);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_handle_changes_nothing() {
    let (broker, desk) = (Broker::new(), named("desk"));
    drop(Worker::new().spawn(&broker, &desk, 8).await);
    settle().await;
    let reply = broker.request(&desk, Job::Echo(1)).await;
    assert_eq!(reply.unwrap(), Job::Answer(1));
}

#[tokio::test(start_paused = true)]
async fn dropping_a_drain_half_way_still_drains() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let actor = worker.spawn_held(&broker, &desk, 8).await;
    broker.send(&desk, Job::Note(1)).await.unwrap();
    {
        let mut drain = pin!(actor.drain());
        assert!(poll_once(drain.as_mut()).is_pending());
    }
    worker.gate.let_all_go();
    settle().await;
    assert_eq!(worker.log.numbers(), [0, 1]);
    assert!(broker.registry().is_empty());
}

#[tokio::test(start_paused = true)]
async fn after_shutdown_everything_is_refused_with_the_message_inside() {
    let (broker, desk) = (Broker::new(), named("desk"));
    Worker::new().spawn(&broker, &desk, 8).await;
    let route = broker.route(&desk).unwrap();
    broker.shutdown(SECOND).await;

    for error in [
        broker.send(&desk, Job::Note(1)).await.unwrap_err(),
        broker.try_send(&desk, Job::Note(1)).unwrap_err(),
        broker.try_send(&common::pool("any"), Job::Note(1)).unwrap_err(),
        route.send(Job::Note(1)).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), SendErrorKind::ShutDown);
        assert!(!error.is_retryable());
        assert_eq!(error.into_inner(), Job::Note(1));
    }
    let asked = broker.request(&desk, Job::Echo(2)).await.unwrap_err();
    let shut = RequestErrorKind::NotSent(SendErrorKind::ShutDown);
    assert_eq!(asked.kind(), &shut);
    assert_eq!(asked.into_inner(), Some(Job::Echo(2)));
    let registered = broker.register(&desk, MailboxOptions::default()).await;
    assert_eq!(registered.unwrap_err(), RegisterError::ShutDown);
    let spawned = broker.spawn(&desk, Worker::new()).await;
    assert_eq!(spawned.unwrap_err(), RegisterError::ShutDown);
}

#[tokio::test(start_paused = true)]
async fn shutdown_drains_those_in_time_and_ends_those_that_are_late() {
    let broker = Broker::new();
    let (quick, slow) = (Worker::new(), Worker::new());
    let first = quick.spawn_held(&broker, &named("quick"), 8).await;
    let second = slow.spawn_held(&broker, &named("slow"), 8).await;
    for name in ["quick", "slow"] {
        broker.send(&named(name), Job::Note(1)).await.unwrap();
    }
    quick.gate.let_all_go();
    let start = tokio::time::Instant::now();
    let report = common::soon(broker.shutdown(SECOND)).await;

    assert_eq!((report.drained, report.aborted), (1, 1));
    assert_eq!(start.elapsed().as_secs(), 1);
    assert!(first.is_finished() && second.is_finished());
    assert_eq!(first.join().await, StopCause::Drained);
    assert_eq!(second.join().await, StopCause::Aborted);
    assert_eq!(quick.log.numbers(), [0, 1]);
    let outcomes = [(Outcome::Handled, 2), (Outcome::Abandoned, 2)];
    assert_at_rest(&broker.metrics().total, &outcomes);
    let letters = take_letters(&broker);
    assert_eq!(numbers_of(&letters, DeadLetterReason::ShutDown), [1]);
    assert_eq!(report.abandoned, 2);
    assert!(broker.registry().is_empty());
}

#[tokio::test(start_paused = true)]
async fn shutdown_gives_senders_that_wait_for_room_their_messages_back() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    worker.spawn_held(&broker, &desk, 1).await;
    broker.send(&desk, Job::Note(1)).await.unwrap();
    let mut blocked = pin!(broker.send(&desk, Job::Note(2)));
    assert!(poll_once(blocked.as_mut()).is_pending());
    worker.gate.let_all_go();
    let (_, refused) = tokio::join!(broker.shutdown(SECOND), blocked);
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), SendErrorKind::ShutDown);
    assert_eq!(error.into_inner(), Job::Note(2));
    assert_eq!(worker.log.numbers(), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn shutting_down_twice_and_at_once_waits_for_the_same_actors() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let actor = worker.spawn_held(&broker, &desk, 8).await;
    let mut first = pin!(broker.shutdown(Duration::MAX));
    let mut second = pin!(broker.shutdown(9 * SECOND));
    assert!(poll_once(first.as_mut()).is_pending());
    assert!(poll_once(second.as_mut()).is_pending());
    worker.gate.let_all_go();
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first.drained, second.drained), (1, 1));
    assert!(actor.is_finished());
    let third = broker.shutdown(SECOND).await;
    assert_eq!((third.drained, third.aborted), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_that_was_dropped_can_be_called_again() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    worker.spawn_held(&broker, &desk, 8).await;
    assert!(poll_once(pin!(broker.shutdown(SECOND))).is_pending());
    let late = broker.try_send(&desk, Job::Note(1)).unwrap_err();
    assert_eq!(late.kind(), SendErrorKind::ShutDown);
    assert_eq!(common::soon(broker.shutdown(Duration::ZERO)).await.aborted, 1);
    assert_balanced(&broker.metrics().total);
}

#[tokio::test(start_paused = true)]
async fn an_inbox_has_until_the_deadline_for_what_it_accepted() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    broker.send(&desk, Job::Note(1)).await.unwrap();
    let start = tokio::time::Instant::now();
    let mut shutdown = pin!(broker.shutdown(SECOND));
    assert!(poll_once(shutdown.as_mut()).is_pending());
    assert_eq!(inbox.recv().await.unwrap().into_message(), Job::Note(1));
    let report = shutdown.await;
    assert_eq!((report.drained, report.aborted, report.abandoned), (0, 0, 0));
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(inbox.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_an_inbox_leaves_by_the_deadline_is_dead_and_it_receives_nothing_more() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    for number in 0..3 {
        broker.send(&desk, Job::Note(number)).await.unwrap();
    }
    // The first has the others fetched along with it.
    assert_eq!(inbox.recv().await.unwrap().into_message(), Job::Note(0));
    broker.send(&desk, Job::Note(3)).await.unwrap();
    let start = tokio::time::Instant::now();
    let report = broker.shutdown(SECOND).await;
    assert_eq!((start.elapsed().as_secs(), report.abandoned), (1, 1));
    assert!(inbox.recv().await.is_none());
    let letters = take_letters(&broker);
    assert_eq!(numbers_of(&letters, DeadLetterReason::ShutDown), [3, 1, 2]);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1), (Outcome::Abandoned, 3)]);
}

#[tokio::test(start_paused = true)]
async fn deliveries_that_outlive_their_inbox_keep_the_accounts_balanced() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    broker.send(&desk, Job::Note(1)).await.unwrap();
    broker.send(&desk, Job::Note(2)).await.unwrap();
    let one = inbox.recv().await.unwrap();
    let two = inbox.recv().await.unwrap();
    drop(inbox);
    drop(one);
    let total = broker.metrics().total;
    assert_eq!((total.in_handlers, total.unaccounted()), (1, 0));
    assert!(!broker.registry().contains(&desk));
    drop(two);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 2)]);
    assert!(broker.registry().is_empty());
}
