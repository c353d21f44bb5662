//! The faulty broker does what its plan says, notes it, and does the same again from the same seed.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Faulty, InMemory};
use parking_lot::Mutex;
use switchboard::actor::{OnPanic, SpawnOptions, StopCause};
use switchboard::broker::{RequestErrorKind, SendErrorKind};
use switchboard::topics::SubjectPattern;
use switchboard::{
    ActorAddress, Context, InMemoryMessageBroker, MailboxOptions, Message, MessageBroker, MessageEnvelope,
    MessageHandler, pattern, subject,
};
use switchboard_conformance::{Fault, FaultPlan, FaultyBroker, Job, Probe, run};
use tokio::time::Instant;

type Broker = FaultyBroker<InMemoryMessageBroker<Job>>;

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

fn named(name: &str) -> ActorAddress {
    ActorAddress::named(name).unwrap()
}

fn broker(plan: FaultPlan) -> Broker {
    FaultyBroker::new(InMemoryMessageBroker::new(), plan)
}

/// A broker in which this fault always strikes.
fn always(fault: Fault) -> Broker {
    broker(FaultPlan::new(1).rate(fault, 1.0))
}

/// Notes what it handles; echoes; passes notes under ten on.
#[derive(Clone, Default)]
struct Desk {
    next: Option<ActorAddress>,
    seen: Arc<Mutex<Vec<Job>>>,
}

impl MessageHandler<Job> for Desk {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        let job = envelope.into_message();
        self.seen.lock().push(job.clone());
        match (job, &self.next) {
            (Job::Echo(number), _) => context.reply(Job::Answer(number)).await.map_err(|error| error.to_string()),
            (Job::Panic(cause), _) => panic!("{cause}"),
            (job, Some(next)) => context.send(next, job).await.map_err(|error| error.to_string()),
            _ => Ok(()),
        }
    }
}

impl Desk {
    async fn spawn(&self, broker: &Broker, at: &ActorAddress) -> switchboard::ActorHandle<Job> {
        let (desk, options) = (self.clone(), SpawnOptions::new().on_panic(OnPanic::Rebuild));
        broker.spawn_with(at, options, move || desk.clone()).await.unwrap()
    }
}

/// A day at two desks, with all that networks and machines do: what the second saw, and the log.
async fn day(seed: u64) -> (Vec<Job>, String) {
    let plan = FaultPlan::new(seed)
        .rate(Fault::Drop, 0.1)
        .rate(Fault::Delay, 0.3)
        .rate(Fault::Duplicate, 0.1)
        .rate(Fault::Reorder, 0.1)
        .rate(Fault::Crash, 0.05)
        .rate(Fault::LoseReply, 0.1)
        .rate(Fault::Partition, 0.2)
        .group([named("back")]);
    let broker = broker(plan);
    let back = Desk::default();
    let front = Desk { next: Some(named("back")), ..Desk::default() };
    let (at_back, at_front) = (back.spawn(&broker, &named("back")).await, front.spawn(&broker, &named("front")).await);
    let by_id = ActorAddress::from(at_back.id());
    for number in 0..60 {
        let _ = broker.send(&named("front"), Job::Note(number)).await;
        let _ = broker.try_send(&by_id, Job::Note(100 + number));
        let _ = broker.request(&named("back"), Job::Echo(number).within(SECOND)).await;
    }
    at_front.drain().await;
    at_back.drain().await;
    tokio::time::sleep(SECOND).await;
    let audit = broker.inner().audit();
    assert!(audit.is_balanced() && audit.is_at_rest(), "{audit}");
    assert_eq!(broker.inner().metrics().requests_in_flight, 0);
    let seen = back.seen.lock().clone();
    (seen, broker.log_text())
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_run_byte_for_byte_and_another_seed_another() {
    let (seen, log) = day(7).await;
    assert_eq!(day(7).await, (seen.clone(), log.clone()));
    let (other_seen, other_log) = day(8).await;
    assert!(other_seen != seen && other_log != log);
    for fault in ["drop", "delay", "duplicate", "reorder", "partition", "crash", "lose reply", "passed"] {
        assert!(log.lines().any(|line| line.contains(&format!(": {fault}"))), "no {fault} in\n{log}");
    }
}

#[test]
fn without_faults_it_passes_the_suite_as_the_broker_inside_does() {
    let (report, inside) = (run(&Faulty(FaultPlan::new(1))), run(&InMemory));
    assert!(report.is_passed(), "{report}");
    assert_eq!(report.passed(), inside.passed());
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_was_accepted_for_all_that_its_sender_knows() {
    let broker = always(Fault::Drop);
    let mut probe = Probe::register(&broker, &named("desk")).await.unwrap();
    broker.send(&named("desk"), Job::Note(1)).await.unwrap();
    broker.try_send(&named("desk"), Job::Note(2)).unwrap();
    let scheduled = broker.send_after(SECOND, &named("desk"), Job::Note(3)).await.unwrap();
    assert_eq!(scheduled.due(), None);
    let start = Instant::now();
    let error = broker.request(&named("desk"), Job::Echo(4).within(SECOND)).await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed()), (&RequestErrorKind::TimedOut, SECOND));
    probe.expect_none_for(SECOND).await.unwrap();
    assert_eq!(broker.struck(Fault::Drop), 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_delayed_keeps_its_sender_waiting_for_as_long_as_the_log_says() {
    let plan = FaultPlan::new(1).rate(Fault::Delay, 1.0).delays(MILLISECOND * 5..=MILLISECOND * 9);
    let broker = broker(plan);
    let mut probe = Probe::register(&broker, &named("desk")).await.unwrap();
    let start = Instant::now();
    broker.send(&named("desk"), Job::Note(1)).await.unwrap();
    let delay = broker.log()[0].delay.unwrap();
    assert!((5..=9).contains(&delay.as_millis()));
    assert_eq!(start.elapsed(), delay);
    probe.expect_within(Duration::ZERO).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_duplicated_comes_twice_under_one_id() {
    let broker = always(Fault::Duplicate);
    let mut probe = Probe::register(&broker, &named("desk")).await.unwrap();
    broker.send(&named("desk"), Job::Note(1)).await.unwrap();
    let first = probe.expect_within(SECOND).await.unwrap().envelope().id();
    assert_eq!(probe.expect_within(SECOND).await.unwrap().envelope().id(), first);
    probe.expect_none_for(SECOND).await.unwrap();

    let mut subscription = broker.subscribe(on_all(), MailboxOptions::bounded(8)).await.unwrap();
    broker.publish(&subject!("news"), Job::Note(2)).await;
    assert!(subscription.try_recv().is_some() && subscription.try_recv().is_some());
    assert!(subscription.try_recv().is_none());
    assert_eq!(broker.broadcast(&named("desk"), Job::Note(3)).await.delivered, 1);
    assert_eq!(probe.expect_within(SECOND).await.unwrap().message(), &Job::Note(3));
    assert_eq!(probe.expect_within(SECOND).await.unwrap().message(), &Job::Note(3));
}

fn on_all() -> SubjectPattern {
    pattern!("news")
}

#[tokio::test(start_paused = true)]
async fn what_is_held_back_comes_after_the_next_or_after_a_while() {
    // From this seed, the first of two is held back and the second is not.
    let plan = FaultPlan::new(first_of_two()).rate(Fault::Reorder, 0.5).held_for(SECOND);
    let broker = broker(plan);
    let mut probe = Probe::register(&broker, &named("desk")).await.unwrap();
    let start = Instant::now();
    broker.send(&named("desk"), Job::Note(1)).await.unwrap();
    broker.send(&named("desk"), Job::Note(2)).await.unwrap();
    for number in [2, 1] {
        assert_eq!(probe.expect_within(SECOND).await.unwrap().message(), &Job::Note(number));
    }
    assert_eq!(start.elapsed(), Duration::ZERO);

    let alone = always(Fault::Reorder);
    let mut probe = Probe::register(&alone, &named("desk")).await.unwrap();
    alone.send(&named("desk"), Job::Note(1)).await.unwrap();
    probe.expect_none_for(MILLISECOND * 19).await.unwrap();
    probe.expect_within(MILLISECOND * 2).await.unwrap();
}

fn first_of_two() -> u64 {
    let is_so = |seed: &u64| {
        let mut rng = fastrand::Rng::with_seed(*seed);
        rng.f64() < 0.5 && rng.f64() >= 0.5
    };
    (0..100).find(is_so).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_cut_off_is_reached_from_within_only_and_refusals_have_the_message_inside() {
    let plan = FaultPlan::new(1).rate(Fault::Partition, 1.0).group([named("inside"), named("next")]);
    let broker = broker(plan);
    let desk = Desk { next: Some(named("next")), ..Desk::default() };
    let inside = desk.spawn(&broker, &named("inside")).await;
    let mut next = Probe::register(&broker, &named("next")).await.unwrap();
    let mut outside = Probe::register(&broker, &named("outside")).await.unwrap();

    let refused = broker.send(&named("inside"), Job::Note(1)).await.unwrap_err();
    assert_eq!((refused.kind(), refused.into_inner()), (SendErrorKind::NoSuchActor, Job::Note(1)));
    let refused = broker.try_send(&ActorAddress::from(inside.id()), Job::Note(2)).unwrap_err();
    assert_eq!(refused.kind(), SendErrorKind::NoSuchActor);
    let error = broker.request(&named("inside"), Job::Echo(3)).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::NotSent(SendErrorKind::NoSuchActor));
    assert_eq!(error.into_inner(), Some(Job::Echo(3)));

    broker.inner().send(&named("inside"), Job::Note(4)).await.unwrap();
    assert_eq!(next.expect_within(SECOND).await.unwrap().message(), &Job::Note(4));
    broker.send(&named("outside"), Job::Note(5)).await.unwrap();
    outside.expect_within(SECOND).await.unwrap();
    let from_inside = MessageEnvelope::new(Job::Note(6)).with_sender(inside.id());
    assert!(broker.send(&named("outside"), from_inside).await.is_err());
    assert_eq!(broker.struck(Fault::Partition), 4);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_cut_off_is_reached_again_when_the_time_is_up() {
    let plan = FaultPlan::new(3).rate(Fault::Partition, 0.5).group([named("desk")]).partition_window(SECOND);
    let broker = broker(plan);
    let _probe = Probe::register(&broker, &named("desk")).await.unwrap();
    let mut reached = Vec::new();
    for _ in 0..20 {
        reached.push(broker.send(&named("desk"), Job::Note(1)).await.is_ok());
        tokio::time::sleep(SECOND).await;
    }
    assert!(reached.contains(&true) && reached.contains(&false), "{reached:?}");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_crashes_does_so_before_or_after_its_message_and_is_rebuilt() {
    let broker = always(Fault::Crash);
    let desk = Desk::default();
    let actor = desk.spawn(&broker, &named("desk")).await;
    let mut ends = Vec::new();
    for number in 0..20 {
        ends.push(broker.request(&named("desk"), Job::Echo(number)).await);
    }
    let answered = ends.iter().filter(|ended| ended.is_ok()).count();
    assert_eq!(desk.seen.lock().len(), answered);
    assert!((1..20).contains(&answered), "{answered}");
    let crashed = |kind: &RequestErrorKind| matches!(kind, RequestErrorKind::HandlerPanicked(cause) if cause.starts_with("injected: a crash before"));
    assert!(ends.iter().filter_map(|ended| ended.as_ref().err()).all(|error| crashed(error.kind())), "{ends:?}");
    assert_eq!(broker.struck(Fault::Crash), 20);
    assert_eq!(actor.drain().await, StopCause::Drained);
    assert_eq!(broker.inner().metrics().total.rebuilds, 20);
}

#[tokio::test(start_paused = true)]
async fn what_handlers_send_and_answer_is_struck_too() {
    let broker = always(Fault::Drop);
    let desk = Desk { next: Some(named("next")), ..Desk::default() };
    desk.spawn(&broker, &named("desk")).await;
    let mut next = Probe::register(&broker, &named("next")).await.unwrap();
    broker.inner().send(&named("desk"), Job::Note(1)).await.unwrap();
    next.expect_none_for(SECOND).await.unwrap();
    assert_eq!(broker.struck(Fault::Drop), 1);

    let silent = always(Fault::LoseReply);
    Desk::default().spawn(&silent, &named("desk")).await;
    let error = silent.inner().request(&named("desk"), Job::Echo(1).within(SECOND)).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::TimedOut);
    let mut probe = Probe::register(&silent, &named("probe")).await.unwrap();
    let letting_go = async { drop(probe.expect_within(SECOND).await.unwrap()) };
    let asking = async { silent.request(&named("probe"), Job::Echo(2).within(SECOND)).await };
    let (ended, ()) = tokio::join!(asking, letting_go);
    assert_eq!(ended.unwrap_err().kind(), &RequestErrorKind::TimedOut);
    assert_eq!(silent.struck(Fault::LoseReply), 2);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_handler_inside_keeps_its_cause() {
    let broker = broker(FaultPlan::new(1));
    Desk::default().spawn(&broker, &named("desk")).await;
    let error = broker.request(&named("desk"), Job::Panic("boom".into())).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::HandlerPanicked("boom".into()));
}
