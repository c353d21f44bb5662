//! Asking a group: who answered, who failed and who was late are told apart, losers are given up, and one deadline
//! covers the whole.

#[path = "../common/mod.rs"]
mod common;
mod handlers;

use std::pin::pin;
use std::time::Duration;

use common::{Broker, Echoed, Job, Worker, in_turns, named, poll_once, pool, settle, soon};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::balancing::Strategy;
use switchboard::broker::{AskError, InMemoryMessageBroker, MessageBroker, Ran, RequestErrorKind, SendErrorKind};
use switchboard::calls::{CallError, GroupCalls};
use switchboard::message::{Message, MessageEnvelope, Request};
use switchboard::metrics::Outcome;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// Logged by a [`Worker`], which answers it when its gate is open.
#[derive(Clone, Debug, PartialEq)]
struct Question(u64);

impl From<Question> for Job {
    fn from(question: Question) -> Self {
        Self::Hold(question.0)
    }
}

impl Request<Job> for Question {
    type Reply = Echoed;
}

/// A member that answers at once if it is `quick`, or else never.
async fn member(broker: &Broker, group: &ActorAddress, quick: bool) -> (ActorId, Worker) {
    let worker = Worker::new();
    if quick {
        worker.gate.let_all_go();
    }
    (worker.spawn(broker, group, 8).await.id(), worker)
}

/// A member that fails after working for so long.
async fn failing(broker: &Broker, group: &ActorAddress, after: Duration) -> ActorId {
    let fails = move |_: MessageEnvelope<Job>| async move {
        sleep(after).await;
        Err::<(), _>("out of ink")
    };
    broker.spawn(group, fails).await.expect("the broker runs").id()
}

fn kinds(failures: &[(ActorId, AskError<Job>)]) -> Vec<(ActorId, RequestErrorKind)> {
    failures.iter().map(|(member, error)| (*member, error.kind().expect("no reply").clone())).collect()
}

fn every(error: CallError<Job>) -> Vec<(ActorId, RequestErrorKind)> {
    match error {
        CallError::Every(failures) => kinds(&failures),
        CallError::Single(error) => panic!("one was asked: {error}"),
    }
}

fn out_of_ink() -> RequestErrorKind {
    RequestErrorKind::HandlerFailed("out of ink".into())
}

/// Asserts that no request is left, and once the `workers` are let go, that each message is accounted for.
async fn assert_nothing_left(broker: &Broker, workers: &[&Worker]) {
    assert_eq!(broker.metrics().requests_in_flight, 0);
    workers.iter().for_each(|worker| worker.gate.let_all_go());
    settle().await;
    assert!(broker.audit().is_balanced(), "{}", broker.audit());
    common::assert_balanced(&broker.metrics().total);
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_replies_failures_and_the_unanswered_are_told_apart() {
    let (broker, group) = (Broker::new(), pool("desks"));
    let (quick, _) = member(&broker, &group, true).await;
    let failed = failing(&broker, &group, Duration::ZERO).await;
    let (stops, busy) = (Worker::new(), Worker::new());
    let stopped = stops.spawn_held(&broker, &group, 8).await;
    let (slow, working) = member(&broker, &group, false).await;
    let never_begun = busy.spawn_held(&broker, &group, 8).await.id();

    let start = Instant::now();
    let stopping = async {
        settle().await;
        stopped.stop();
    };
    let (gathered, ()) = tokio::join!(broker.ask_all(&group, Question(1), SECOND), stopping);
    let mut gathered = gathered.unwrap();
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(gathered.replies, [(quick, Echoed(1))]);
    assert_eq!(kinds(&gathered.failures), [(failed, out_of_ink()), (stopped.id(), RequestErrorKind::ActorStopped)]);
    let mut late = [slow, never_begun];
    late.sort();
    gathered.unanswered.sort();
    assert_eq!(gathered.unanswered, late);
    assert!(!gathered.is_complete());
    assert_eq!(gathered.asked(), 5);

    assert_nothing_left(&broker, &[&stops, &working, &busy]).await;
    assert_eq!((working.log.numbers(), busy.log.numbers()), (vec![1], vec![0]));
}

#[tokio::test(start_paused = true)]
async fn when_all_have_answered_nobody_waits_for_the_deadline() {
    let (broker, group) = (Broker::new(), pool("desks"));
    for _ in 0..100 {
        member(&broker, &group, true).await;
    }
    let start = Instant::now();
    let gathered = broker.ask_all(&group, Question(1), SECOND).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(gathered.is_complete());
    assert_eq!(gathered.into_replies().map(|Echoed(number)| number).sum::<u64>(), 100);
    assert_nothing_left(&broker, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_the_request_comes_back() {
    let broker = Broker::new();
    for (to, kind) in [(pool("none"), SendErrorKind::NoMembers), (named("none"), SendErrorKind::NoSuchActor)] {
        let kind = RequestErrorKind::NotSent(kind);
        let error = broker.ask_all(&to, Question(7), SECOND).await.unwrap_err();
        assert_eq!((error.kind(), error.ran(), error.address()), (&kind, Ran::Never, &to));
        assert_eq!(error.into_inner(), Some(Job::Hold(7)));
        for error in [
            broker.ask_first(&to, Question(7), SECOND).await.unwrap_err(),
            broker.ask_hedged(&to, Question(7), SECOND).await.unwrap_err(),
        ] {
            assert!(error.is_retryable());
            let CallError::Single(error) = error else { panic!("{error}") };
            assert_eq!(error.kind(), Some(&kind));
            assert_eq!(error.into_inner(), Some(Job::Hold(7)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_good_answer_wins_and_what_has_not_begun_never_will() {
    let (broker, group) = (Broker::new(), pool("desks"));
    failing(&broker, &group, Duration::ZERO).await;
    let busy = [Worker::new(), Worker::new()];
    for worker in &busy {
        worker.spawn_held(&broker, &group, 8).await;
    }
    let quick = member(&broker, &group, true).await.1;
    let start = Instant::now();
    assert_eq!(broker.ask_first(&group, Question(1), SECOND).await.unwrap(), Echoed(1));
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_nothing_left(&broker, &[&busy[0], &busy[1]]).await;
    assert_eq!(quick.log.numbers(), [1]);
    assert_eq!(busy.map(|worker| worker.log.numbers()), [[0], [0]]);
}

#[tokio::test(start_paused = true)]
async fn if_all_fail_the_error_has_every_failure() {
    let (broker, group) = (Broker::new(), pool("desks"));
    let later = failing(&broker, &group, SECOND / 2).await;
    let sooner = failing(&broker, &group, SECOND / 4).await;
    let (slow, working) = member(&broker, &group, false).await;
    let error = broker.ask_first(&group, Question(1), SECOND).await.unwrap_err();
    assert!(error.is_timeout() && !error.is_retryable() && error.ran() == Ran::Maybe);
    let text = error.to_string();
    assert!(text.starts_with("none of 3 members gave a good answer: no reply from "), "{text}");
    assert_eq!(every(error), [(sooner, out_of_ink()), (later, out_of_ink()), (slow, RequestErrorKind::TimedOut)]);
    assert_nothing_left(&broker, &[&working]).await;
}

#[tokio::test(start_paused = true)]
async fn giving_up_the_call_gives_up_all_that_was_asked() {
    let (broker, group) = (Broker::new(), pool("desks"));
    let busy = [Worker::new(), Worker::new()];
    for worker in &busy {
        worker.spawn_held(&broker, &group, 8).await;
    }
    {
        let mut asking = pin!(broker.ask_all(&group, Question(1), SECOND));
        assert!(poll_once(asking.as_mut()).is_pending());
        assert_eq!(broker.metrics().requests_in_flight, 2);
    }
    assert_nothing_left(&broker, &[&busy[0], &busy[1]]).await;
    assert_eq!(busy.map(|worker| worker.log.numbers()), [[0], [0]]);
}

#[tokio::test(start_paused = true)]
async fn a_quick_answer_is_asked_for_once() {
    let (broker, group) = (in_turns(), pool("desks"));
    let workers = [member(&broker, &group, true).await.1, member(&broker, &group, true).await.1];
    for number in 1..=4 {
        assert_eq!(broker.ask_hedged(&group, Question(number), SECOND).await.unwrap(), Echoed(number));
    }
    let mut asked = workers.map(|worker| worker.log.numbers()).concat();
    asked.sort_unstable();
    assert_eq!(asked, [1, 2, 3, 4]);
    assert_nothing_left(&broker, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn after_the_delay_another_member_is_asked_as_well() {
    for turn in 0..10 {
        let (broker, group) = (Broker::new(), pool("desks"));
        let workers = [member(&broker, &group, false).await.1, member(&broker, &group, false).await.1];
        let mut asking = pin!(broker.ask_hedged(&group, Question(1), SECOND));
        assert!(poll_once(asking.as_mut()).is_pending());
        settle().await;
        let begun = |worker: &Worker| worker.log.numbers().len();
        assert_eq!(begun(&workers[0]) + begun(&workers[1]), 1, "one is asked at first");
        let first = usize::from(begun(&workers[1]) == 1);

        tokio::time::advance(SECOND).await;
        assert!(poll_once(asking.as_mut()).is_pending());
        settle().await;
        assert_eq!((begun(&workers[0]), begun(&workers[1])), (1, 1), "each once");
        let winner = if turn % 2 == 0 { first } else { 1 - first };
        workers[winner].gate.let_go(1);
        assert_eq!(soon(asking).await.unwrap(), Echoed(1));
        assert_nothing_left(&broker, &[&workers[0], &workers[1]]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn if_the_first_fails_the_second_is_asked_at_once() {
    let (broker, group) = (in_turns(), pool("desks"));
    failing(&broker, &group, Duration::ZERO).await;
    let quick = member(&broker, &group, true).await.1;
    let start = Instant::now();
    for number in 1..=4 {
        assert_eq!(broker.ask_hedged(&group, Question(number), SECOND).await.unwrap(), Echoed(number));
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(quick.log.numbers(), [1, 2, 3, 4]);
    assert_eq!(broker.metrics().total.outcomes[Outcome::Failed], 2, "it was its turn every other time");
    assert_nothing_left(&broker, &[]).await;
}

fn patient(timeout: Duration) -> Broker {
    InMemoryMessageBroker::builder()
        .default_strategy(Strategy::RoundRobin)
        .request_timeout(timeout)
        .build()
        .expect("the default mailbox has room")
}

#[tokio::test(start_paused = true)]
async fn one_deadline_covers_both() {
    let (broker, group) = (patient(SECOND), pool("desks"));
    let workers = [member(&broker, &group, false).await.1, member(&broker, &group, false).await.1];
    let start = Instant::now();
    let error = broker.ask_hedged(&group, Question(1), SECOND / 2).await.unwrap_err();
    assert_eq!(start.elapsed(), SECOND);
    let ended = every(error).into_iter().map(|(_, kind)| kind).collect::<Vec<_>>();
    assert_eq!(ended, [RequestErrorKind::TimedOut, RequestErrorKind::TimedOut]);
    assert_nothing_left(&broker, &[&workers[0], &workers[1]]).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_that_is_asked_early_is_given_no_more_time() {
    let (broker, group) = (patient(SECOND), pool("desks"));
    let failed = failing(&broker, &group, SECOND / 4).await;
    let (slow, working) = member(&broker, &group, false).await;
    // Whoever's turn it is.
    if broker.registry().pick(&group, &Job::Hold(0).into()) == Some(failed) {
        broker.registry().pick(&group, &Job::Hold(0).into());
    }
    let start = Instant::now();
    let error = broker.ask_hedged(&group, Question(1), SECOND / 2).await.unwrap_err();
    assert_eq!(every(error), [(failed, out_of_ink()), (slow, RequestErrorKind::TimedOut)]);
    assert_eq!(start.elapsed(), SECOND);
    assert_nothing_left(&broker, &[&working]).await;
}

#[tokio::test(start_paused = true)]
async fn when_the_time_is_up_no_second_is_asked() {
    let (broker, group) = (patient(SECOND), pool("desks"));
    let workers = [member(&broker, &group, false).await.1, member(&broker, &group, false).await.1];
    let error = broker.ask_hedged(&group, Question(1), SECOND * 2).await.unwrap_err();
    assert_eq!(every(error).len(), 1);
    assert_nothing_left(&broker, &[&workers[0], &workers[1]]).await;
    assert_eq!(workers.map(|worker| worker.log.numbers()).concat(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_single_member_is_asked_at_the_address_of_the_group() {
    let (broker, group) = (Broker::new(), pool("desks"));
    failing(&broker, &group, Duration::ZERO).await;
    for error in [
        broker.ask_first(&group, Question(1), SECOND).await.unwrap_err(),
        broker.ask_hedged(&group, Question(1), SECOND).await.unwrap_err(),
    ] {
        let CallError::Single(AskError::Request(error)) = error else { panic!("{error}") };
        assert_eq!((error.kind(), error.address()), (&out_of_ink(), &group));
    }
    assert_nothing_left(&broker, &[]).await;
}

/// A message that may not be shared between threads.
#[derive(Debug)]
struct Unshared(#[expect(dead_code, reason = "for its type")] std::cell::Cell<u8>);

impl Message for Unshared {
    const MESSAGE_TYPE: &'static str = "tests.unshared";
}

#[derive(Clone)]
struct Inquiry;

struct Anything;

impl From<Inquiry> for Unshared {
    fn from(_: Inquiry) -> Self {
        Self(std::cell::Cell::new(0))
    }
}

impl TryFrom<Unshared> for Anything {
    type Error = Unshared;

    fn try_from(_: Unshared) -> Result<Self, Unshared> {
        Ok(Self)
    }
}

impl Request<Unshared> for Inquiry {
    type Reply = Anything;
}

#[tokio::test]
async fn a_call_can_be_made_in_a_task_of_its_own_whatever_the_message() {
    let broker = InMemoryMessageBroker::<Unshared>::new();
    let call = async move {
        let nobody = pool("none");
        let all = broker.ask_all(&nobody, Inquiry, SECOND).await.is_err();
        let first = broker.ask_first(&nobody, Inquiry, SECOND).await.is_err();
        all && first && broker.ask_hedged(&nobody, Inquiry, SECOND).await.is_err()
    };
    assert!(tokio::spawn(call).await.unwrap());
}
