//! Hibernation: an actor that has been idle for a while has no task, and nobody can tell by what it does.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Broker, Job, Worker, assert_at_rest, named, settle, soon, take_letters};
use switchboard::actor::{ActorHandle, OnPanic, SpawnOptions, StopCause};
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, InMemoryMessageBroker, MessageBroker, MessageHandler};
use switchboard::mailbox::MailboxOptions;
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;
use switchboard::retry::{Backoff, RetryPolicy};
use tokio::runtime::{Builder, Handle};
use tokio::time::{advance, sleep};

const AFTER: Duration = Duration::from_secs(5);

fn broker() -> Broker {
    InMemoryMessageBroker::builder().hibernate_after(AFTER).build().unwrap()
}

/// How many of the broker's actors hibernate.
fn dormant(broker: &Broker) -> usize {
    broker.metrics().actors.iter().filter(|actor| actor.hibernates).count()
}

/// Lets so much time go by that whoever has nothing to do hibernates.
async fn rest() {
    for _ in 0..3 {
        settle().await;
        advance(AFTER).await;
    }
    settle().await;
}

/// An actor that has handled number 1 and hibernates.
async fn dormant_actor(broker: &Broker, worker: &Worker) -> (ActorAddress, ActorHandle<Job>) {
    let desk = named("desk");
    let actor = worker.spawn(broker, &desk, 8).await;
    broker.send(&desk, Job::Note(1)).await.unwrap();
    rest().await;
    assert_eq!(dormant(broker), 1);
    (desk, actor)
}

#[tokio::test(start_paused = true)]
async fn an_idle_actor_gives_up_its_task_and_the_next_message_finds_its_state() {
    let (broker, worker) = (broker(), Worker::new());
    let tasks = Handle::current().metrics().num_alive_tasks();
    let (desk, _actor) = dormant_actor(&broker, &worker).await;
    // One task is the broker's own, that keeps the time.
    assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks + 1);
    for number in 2..5 {
        assert_eq!(soon(broker.request(&desk, Job::Echo(number))).await.unwrap(), Job::Answer(number));
        assert_eq!(dormant(&broker), 0, "it stays awake for a while");
        rest().await;
        assert_eq!(dormant(&broker), 1);
    }
    broker.send(&desk, Job::Note(5)).await.unwrap();
    settle().await;
    assert_eq!(worker.log.numbers(), [1, 5]);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 5)]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_has_a_message_now_and_then_stays_awake() {
    let (broker, worker, desk) = (broker(), Worker::new(), named("desk"));
    let _actor = worker.spawn(&broker, &desk, 8).await;
    for number in 0..20 {
        broker.send(&desk, Job::Note(number)).await.unwrap();
        settle().await;
        advance(AFTER / 2).await;
        settle().await;
        assert_eq!(dormant(&broker), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_actor_in_the_middle_of_a_message_stays_awake() {
    let (broker, worker, desk) = (broker(), Worker::new(), named("desk"));
    let _actor = worker.spawn_held(&broker, &desk, 8).await;
    rest().await;
    assert_eq!(dormant(&broker), 0);
    worker.gate.let_all_go();
    rest().await;
    assert_eq!(dormant(&broker), 1);
}

#[tokio::test(start_paused = true)]
async fn by_default_nobody_hibernates() {
    let (broker, worker) = (Broker::new(), Worker::new());
    let _actor = worker.spawn(&broker, &named("desk"), 8).await;
    rest().await;
    assert_eq!(dormant(&broker), 0);
}

/// Counts its hooks and its drop.
struct Counted(Arc<Counts>);

#[derive(Default)]
struct Counts {
    started: AtomicUsize,
    stopped: AtomicUsize,
    dropped: AtomicUsize,
}

impl Counts {
    fn all(&self) -> [usize; 3] {
        [&self.started, &self.stopped, &self.dropped].map(|count| count.load(Ordering::SeqCst))
    }
}

impl MessageHandler<Job> for Counted {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        _: &Context<Job, B>,
    ) -> Result<(), String> {
        if let Job::Panic(cause) = envelope.into_message() { panic!("{cause}") } else { Ok(()) }
    }

    async fn started<B: MessageBroker<Job>>(&mut self, _: &Context<Job, B>) -> Result<(), String> {
        self.0.started.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn stopped<B: MessageBroker<Job>>(&mut self, _: &Context<Job, B>, _: &StopCause) {
        self.0.stopped.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// What ends an actor.
#[derive(Clone, Copy)]
enum End {
    Stop,
    Abort,
    Unregister,
}

impl End {
    async fn apply(self, broker: &Broker, actor: &ActorHandle<Job>) -> StopCause {
        match self {
            Self::Stop => {
                actor.stop();
                StopCause::Stopped
            }
            Self::Abort => {
                actor.abort();
                StopCause::Aborted
            }
            Self::Unregister => {
                assert!(broker.unregister(&actor.registration()).await);
                StopCause::Unregistered
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_ends_an_actor_ends_one_that_hibernates() {
    for end in [End::Stop, End::Abort, End::Unregister] {
        let (broker, counts) = (broker(), Arc::<Counts>::default());
        let actor = broker.spawn(&named("desk"), Counted(Arc::clone(&counts))).await.unwrap();
        rest().await;
        assert_eq!((dormant(&broker), counts.all()), (1, [1, 0, 0]));
        let cause = end.apply(&broker, &actor).await;
        assert_eq!(soon(actor.join()).await, cause);
        let hooks = usize::from(cause != StopCause::Aborted);
        assert_eq!(counts.all(), [1, hooks, 1], "{cause}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_drains_those_that_hibernate() {
    let (broker, counts) = (broker(), Arc::<Counts>::default());
    for _ in 0..3 {
        broker
            .spawn(&ActorAddress::from(switchboard::address::ActorId::next()), Counted(Arc::clone(&counts)))
            .await
            .unwrap();
    }
    rest().await;
    assert_eq!(dormant(&broker), 3);
    soon(broker.shutdown(AFTER)).await;
    assert_eq!(counts.all(), [3, 3, 3]);
}

#[tokio::test(start_paused = true)]
async fn one_that_panics_after_a_rest_is_rebuilt() {
    let (broker, counts, desk) = (broker(), Arc::<Counts>::default(), named("desk"));
    let built = Arc::clone(&counts);
    let options = SpawnOptions::new().on_panic(OnPanic::Rebuild);
    let _actor = broker.spawn_with(&desk, options, move || Counted(Arc::clone(&built))).await.unwrap();
    rest().await;
    broker.send(&desk, Job::Panic("out of ink")).await.unwrap();
    settle().await;
    assert_eq!(counts.all(), [2, 0, 1]);
    rest().await;
    assert_eq!(dormant(&broker), 1);
    broker.send(&desk, Job::Note(1)).await.unwrap();
    settle().await;
    assert_at_rest(&broker.metrics().total, &[(Outcome::Failed, 1), (Outcome::Handled, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_to_come_again_finds_its_actor() {
    let (broker, worker) = (broker(), Worker::new());
    let (desk, _actor) = dormant_actor(&broker, &worker).await;
    let policy = RetryPolicy::attempts(2).backoff(Backoff::fixed(AFTER * 10).without_jitter());
    broker.send(&desk, MessageEnvelope::new(Job::Fail("not yet")).at_least_once().with_retry(policy)).await.unwrap();
    rest().await;
    assert_eq!(dormant(&broker), 1, "nothing waits with it");
    sleep(AFTER * 10).await;
    settle().await;
    assert_eq!(broker.metrics().total.redeliveries, 1);
    assert_eq!(take_letters(&broker).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_drained_rests_while_a_message_is_to_come_again() {
    let (broker, worker) = (broker(), Worker::new());
    let (desk, actor) = dormant_actor(&broker, &worker).await;
    let policy = RetryPolicy::attempts(2).backoff(Backoff::fixed(AFTER * 10).without_jitter());
    broker.send(&desk, MessageEnvelope::new(Job::Fail("not yet")).at_least_once().with_retry(policy)).await.unwrap();
    settle().await;
    let end = tokio::spawn(actor.drain());
    rest().await;
    assert_eq!(dormant(&broker), 1);
    assert_eq!(soon(end).await.unwrap(), StopCause::Drained);
    assert_eq!(broker.metrics().total.redeliveries, 1);
}

#[test]
fn one_that_hibernates_ends_with_its_runtime() {
    let counts = Arc::<Counts>::default();
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let broker = runtime.block_on(async {
        let broker = broker();
        broker.spawn(&named("desk"), Counted(Arc::clone(&counts))).await.unwrap();
        rest().await;
        assert_eq!(dormant(&broker), 1);
        broker
    });
    assert_eq!(counts.all(), [1, 0, 0]);
    drop(runtime);
    assert_eq!(counts.all(), [1, 0, 1]);
    assert!(broker.try_send(&named("desk"), Job::Note(1)).is_err(), "it is gone");
}

/// Of a message that comes just when the actor falls asleep and the actor, one finds the other.
#[test]
fn no_message_is_lost_to_an_actor_that_falls_asleep() {
    const ROUNDS: u64 = 300;
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let (handled, slept) = runtime.block_on(async {
        let broker = InMemoryMessageBroker::<Job>::builder().hibernate_after(Duration::ZERO).build().unwrap();
        let (worker, desk) = (Worker::new(), named("desk"));
        let mailbox = MailboxOptions::bounded(2);
        let _actor = worker.spawn_with(&broker, &desk, SpawnOptions::new().mailbox(mailbox)).await;
        let mut slept = 0;
        for round in 0..ROUNDS {
            // Now it sleeps, now it is about to.
            let looks = round % 7 * 200;
            for _ in 0..looks {
                tokio::task::yield_now().await;
                if dormant(&broker) > 0 {
                    slept += 1;
                    break;
                }
            }
            for number in 0..3 {
                broker.send(&desk, Job::Note(number)).await.unwrap();
            }
            assert_eq!(broker.request(&desk, Job::Echo(round)).await.unwrap(), Job::Answer(round));
        }
        (broker.metrics().total.outcomes[Outcome::Handled], slept)
    });
    assert_eq!(handled, ROUNDS * 4);
    println!("{slept} times asleep");
}
