//! A member of a group whose handler keeps failing is passed over, and let back in by trial.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Wake, Waker};
use std::time::Duration;

use common::{Job, inbox, pool, settle};
use switchboard::actor::{ActorHandle, OnPanic, SpawnOptions};
use switchboard::address::ActorAddress;
use switchboard::balancing::Strategy;
use switchboard::broker::{Context, InMemoryMessageBroker, MessageBroker, MessageHandler, SendErrorKind};
use switchboard::health::HealthPolicy;
use switchboard::mailbox::MailboxOptions;
use switchboard::message::{Message, MessageEnvelope};
use switchboard::metrics::ActorMetrics;
use tokio::time::advance;

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

#[derive(Debug, Clone)]
enum Task {
    Do,
    /// One for a member that can be the only one for it.
    Keyed,
    Answer,
}

impl Message for Task {
    const MESSAGE_TYPE: &'static str = "tests.task";

    fn routing_key(&self) -> Option<&str> {
        matches!(self, Self::Keyed).then_some("key")
    }
}

type Tasks = InMemoryMessageBroker<Task>;

/// What a member does with what it gets, which the test may change.
#[derive(Clone, Default)]
struct Member {
    fails: Arc<AtomicBool>,
    rejects: Arc<AtomicBool>,
    panics: Arc<AtomicBool>,
    got: Arc<AtomicU64>,
}

impl Member {
    fn failing() -> Self {
        Self { fails: Arc::new(true.into()), ..Self::default() }
    }

    fn rejecting() -> Self {
        Self { rejects: Arc::new(true.into()), ..Self::failing() }
    }

    fn panicking() -> Self {
        Self { panics: Arc::new(true.into()), ..Self::failing() }
    }

    fn set_failing(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    /// How many it has been given since this was last asked.
    fn take_got(&self) -> u64 {
        self.got.swap(0, Ordering::SeqCst)
    }

    async fn join(&self, broker: &Tasks, options: SpawnOptions) -> ActorHandle<Task> {
        let member = self.clone();
        broker.spawn_with(&pool("desks"), options, move || member.clone()).await.unwrap()
    }
}

impl MessageHandler<Task> for Member {
    type Error = &'static str;

    async fn handle<B: MessageBroker<Task>>(
        &mut self,
        _: MessageEnvelope<Task>,
        context: &Context<Task, B>,
    ) -> Result<(), &'static str> {
        self.got.fetch_add(1, Ordering::SeqCst);
        assert!(!self.panics.load(Ordering::SeqCst), "as it was told to");
        if self.fails.load(Ordering::SeqCst) {
            let rejects = self.rejects.load(Ordering::SeqCst);
            return Err(if rejects { context.reject("poison") } else { "broken" });
        }
        if context.is_asked() {
            context.reply(Task::Answer).await.map_err(|_| "the caller is there")?;
        }
        Ok(())
    }
}

fn broker(strategy: Strategy) -> Tasks {
    Tasks::builder().default_strategy(strategy).build().unwrap()
}

/// A pool of which the first member is the given one, and three do their work.
async fn pool_with(broker: &Tasks, first: &Member) -> (ActorHandle<Task>, [Member; 3]) {
    let actor = first.join(broker, SpawnOptions::new()).await;
    let others = [(); 3].map(|()| Member::default());
    for other in &others {
        other.join(broker, SpawnOptions::new()).await;
    }
    (actor, others)
}

/// So many requests, one after the other, of which the failed ones are counted.
async fn ask(broker: &Tasks, times: usize) -> usize {
    let mut failed = 0;
    for _ in 0..times {
        failed += usize::from(broker.request(&pool("desks"), Task::Do).await.is_err());
    }
    failed
}

fn metrics(broker: &Tasks, actor: &ActorHandle<Task>) -> ActorMetrics {
    broker.metrics().actors.into_iter().find(|known| known.id == actor.id()).unwrap()
}

/// Sends to the member alone, until it is set aside.
async fn set_aside(broker: &Tasks, actor: &ActorHandle<Task>) {
    for _ in 0..5 {
        assert!(broker.request(&actor.id().into(), Task::Do).await.is_err());
    }
    assert!(metrics(broker, actor).set_aside);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_fails_at_once_gets_its_first_few_and_the_trials_under_any_strategy() {
    for &strategy in Strategy::ALL {
        let (broker, bad) = (broker(strategy), Member::failing());
        let (actor, others) = pool_with(&broker, &bad).await;
        let failed = ask(&broker, 2_000).await;
        assert_eq!((failed, bad.take_got()), (5, 5), "{strategy}");
        // The trials after 1, 2 and 4 seconds, and no more however much is sent.
        for (wait, trials) in [(999, 0), (1, 1), (1_999, 0), (1, 1), (3_999, 0), (1, 1)] {
            advance(wait * MILLI).await;
            assert_eq!((ask(&broker, 500).await, bad.take_got()), (trials, trials as u64), "{strategy}");
        }
        // What it does not get, the others share.
        for other in others {
            assert!((1_300..2_100).contains(&other.take_got()), "{strategy}");
        }
        let metrics = metrics(&broker, &actor);
        assert_eq!((metrics.set_aside, metrics.times_set_aside), (true, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_policy_one_that_fails_at_once_draws_the_most() {
    let (broker, bad) = (broker(Strategy::LeastLoaded), Member::failing());
    let never = SpawnOptions::new().health(HealthPolicy::never());
    assert_eq!(never.health_policy(), Some(HealthPolicy::never()));
    let actor = bad.join(&broker, never).await;
    // Three that never get anything done.
    let mut busy = Vec::new();
    for _ in 0..3 {
        busy.push(broker.register(&pool("desks"), MailboxOptions::bounded(1_000)).await.unwrap());
    }
    for _ in 0..1_000 {
        broker.send(&pool("desks"), Task::Do).await.unwrap();
        settle().await;
    }
    assert!(bad.take_got() > 900);
    assert!(!metrics(&broker, &actor).set_aside);
}

#[tokio::test(start_paused = true)]
async fn one_whose_trial_succeeds_is_let_back_in_with_nothing_held_against_it() {
    let (broker, bad) = (broker(Strategy::RoundRobin), Member::failing());
    let (actor, _others) = pool_with(&broker, &bad).await;
    ask(&broker, 100).await;
    bad.set_failing(false);
    bad.take_got();
    advance(SECOND).await;
    assert_eq!(ask(&broker, 403).await, 0);
    assert!((99..=102).contains(&bad.take_got()));
    assert!(!metrics(&broker, &actor).set_aside);
    bad.set_failing(true);
    assert_eq!((ask(&broker, 100).await, metrics(&broker, &actor).times_set_aside), (5, 2));
    advance(SECOND).await;
    assert_eq!(ask(&broker, 100).await, 1, "the first hold again");
}

#[tokio::test(start_paused = true)]
async fn what_it_had_before_doubles_no_hold_and_lets_it_back_in_if_handled() {
    let (broker, bad) = (broker(Strategy::RoundRobin), Member::failing());
    let (actor, _others) = pool_with(&broker, &bad).await;
    let alone = ActorAddress::from(actor.id());
    (0..60).for_each(|_| broker.try_send(&alone, Task::Do).unwrap());
    settle().await;
    assert_eq!(bad.take_got(), 60);
    advance(SECOND).await;
    assert_eq!(ask(&broker, 100).await, 1);
    advance(SECOND).await;
    assert_eq!(ask(&broker, 100).await, 0, "the hold has doubled once");
    bad.set_failing(false);
    broker.request(&alone, Task::Do).await.unwrap();
    assert!(!metrics(&broker, &actor).set_aside);
}

#[tokio::test(start_paused = true)]
async fn if_all_are_set_aside_all_are_used_as_if_none_were() {
    for &strategy in Strategy::ALL {
        let (broker, members) = (broker(strategy), [(); 4].map(|()| Member::failing()));
        for member in &members {
            set_aside(&broker, &member.join(&broker, SpawnOptions::new()).await).await;
            member.take_got();
        }
        assert_eq!(ask(&broker, 1_000).await, 1_000);
        let shares = members.map(|member| member.take_got());
        assert!(shares.iter().all(|share| (150..350).contains(share)), "{strategy}: {shares:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_set_aside_is_no_way_round_those_that_are_full() {
    let (broker, bad) = (broker(Strategy::PowerOfTwo), Member::failing());
    set_aside(&broker, &bad.join(&broker, SpawnOptions::new()).await).await;
    let full = MailboxOptions::bounded(1).strategy(switchboard::BackpressureStrategy::Error);
    let _full = broker.register(&pool("desks"), full).await.unwrap();
    broker.try_send(&pool("desks"), Task::Do).unwrap();
    assert_eq!(broker.try_send(&pool("desks"), Task::Do).unwrap_err().kind(), SendErrorKind::Full);
}

#[tokio::test(start_paused = true)]
async fn what_is_rejected_counts_neither_way_and_a_panic_counts() {
    let (broker, bad) = (broker(Strategy::RoundRobin), Member::rejecting());
    let (actor, _others) = pool_with(&broker, &bad).await;
    assert_eq!((ask(&broker, 400).await, metrics(&broker, &actor).set_aside), (100, false));
    bad.rejects.store(false, Ordering::SeqCst);
    assert_eq!(ask(&broker, 16).await, 4);
    bad.rejects.store(true, Ordering::SeqCst);
    assert_eq!(ask(&broker, 400).await, 100);
    bad.rejects.store(false, Ordering::SeqCst);
    assert_eq!((ask(&broker, 400).await, metrics(&broker, &actor).set_aside), (1, true));

    let panicking = Member::panicking();
    let actor = panicking.join(&broker, SpawnOptions::new().on_panic(OnPanic::Rebuild)).await;
    set_aside(&broker, &actor).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_stays_with_its_member_though_it_is_set_aside() {
    let (broker, bad) = (broker(Strategy::ConsistentHash), Member::failing());
    let members = [(); 4].map(|()| bad.clone());
    let mut actors = Vec::new();
    for member in members {
        actors.push(member.join(&broker, SpawnOptions::new()).await);
    }
    let keeper = broker.registry().pick(&pool("desks"), &Task::Keyed.into()).unwrap();
    for _ in 0..100 {
        assert!(broker.request(&pool("desks"), Task::Keyed).await.is_err());
    }
    for actor in &actors {
        assert_eq!(metrics(&broker, actor).set_aside, actor.id() == keeper);
        let failed = metrics(&broker, actor).traffic.accepted;
        assert_eq!(failed, if actor.id() == keeper { 100 } else { 0 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_learns_of_the_failure_never_meets_it_again_at_once() {
    let broker = Tasks::builder().health(HealthPolicy::failures(1)).build().unwrap();
    let bad = Member::failing();
    let (_actor, _others) = pool_with(&broker, &bad).await;
    for hold in 0..30 {
        let failed = ask(&broker, 50).await;
        assert!(failed <= 1, "{failed} in hold {hold}");
        advance(30 * SECOND).await;
    }
    assert!(bad.take_got() > 20);
}

#[tokio::test(start_paused = true)]
async fn failures_by_hand_count_and_what_is_handled_by_hand_lets_it_back_in() {
    let (broker, group) = (common::in_turns(), pool("desks"));
    let (mut bad, good) = (inbox(&broker, &group, 100).await, inbox(&broker, &group, 100).await);
    for _ in 0..5 {
        broker.try_send(&bad.id().into(), Job::Note(1)).unwrap();
        bad.recv().await.unwrap().fail("broken");
    }
    (0..10).for_each(|_| broker.try_send(&group, Job::Note(1)).unwrap());
    assert_eq!((bad.depth(), good.depth()), (0, 10));
    broker.try_send(&bad.id().into(), Job::Note(1)).unwrap();
    drop(bad.recv().await.unwrap());
    (0..10).for_each(|_| broker.try_send(&group, Job::Note(1)).unwrap());
    assert_eq!((bad.depth(), good.depth()), (5, 15));
}

#[tokio::test(start_paused = true)]
async fn others_are_picked_by_their_load_though_one_that_is_set_aside_has_none() {
    let (broker, bad) = (broker(Strategy::LeastLoaded), Member::failing());
    set_aside(&broker, &bad.join(&broker, SpawnOptions::new()).await).await;
    let mut desks = Vec::new();
    for _ in 0..3 {
        desks.push(broker.register(&pool("desks"), MailboxOptions::bounded(1_000)).await.unwrap());
    }
    (0..300).for_each(|_| broker.try_send(&desks[0].id().into(), Task::Do).unwrap());
    (0..400).for_each(|_| broker.try_send(&pool("desks"), Task::Do).unwrap());
    assert_eq!([0, 1, 2].map(|desk: usize| desks[desk].depth()), [300, 200, 200]);
}

/// Looks, at the very moment at which a caller is told, whether anybody is set aside.
struct Look<M: Message> {
    broker: InMemoryMessageBroker<M>,
    seen: Mutex<Option<bool>>,
}

impl<M: Message> Wake for Look<M> {
    fn wake(self: Arc<Self>) {
        let aside = self.broker.metrics().actors.iter().any(|actor| actor.set_aside);
        self.seen.lock().unwrap().get_or_insert(aside);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_counted_before_its_caller_is_told() {
    let policy = HealthPolicy::failures(1);
    let broker: common::Broker = InMemoryMessageBroker::builder().health(policy).build().unwrap();
    let worker = common::Worker::new().spawn(&broker, &pool("workers"), 8).await;
    let mut desk = inbox(&broker, &pool("desks"), 8).await;
    let by_hand = common::Broker::clone(&broker);
    for (to, is_by_hand) in [(desk.id(), true), (worker.id(), false)] {
        let look = Arc::new(Look { broker: by_hand.clone(), seen: Mutex::default() });
        let waker = Waker::from(Arc::clone(&look));
        let to = ActorAddress::from(to);
        let mut asking = pin!(broker.request(&to, Job::Fail("broken")));
        assert!(asking.as_mut().poll(&mut TaskContext::from_waker(&waker)).is_pending());
        if is_by_hand {
            desk.recv().await.unwrap().fail("broken");
        }
        settle().await;
        assert_eq!(*look.seen.lock().unwrap(), Some(true), "by hand: {is_by_hand}");
        // Handled by hand, so that it is not this one that is seen to be set aside the next time.
        if is_by_hand {
            broker.try_send(&to, Job::Note(1)).unwrap();
            drop(desk.recv().await.unwrap());
        }
    }
}
