//! Whatever a caller can make a broker keep has a bound that is never passed, and an error that names it.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Broker, Job, Worker, assert_at_rest, inbox, named, poll_once, pool, settle, take_letters};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::balancing::Strategy;
use switchboard::broker::{JoinError, MessageBroker, Ran, RegisterError, RequestErrorKind, SendErrorKind, WatchError};
use switchboard::dead_letters::{DeadLetterFilter, DeadLetterReason};
use switchboard::limits::{LimitError, Limits, Table};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;
use switchboard::retry::{Backoff, RetryPolicy};
use switchboard::services::MemberOptions;
use switchboard::topics::SubjectPattern;
use tokio::sync::Barrier;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);
const TASKS: usize = 8;

fn broker(limits: Limits) -> Broker {
    Broker::builder().limits(limits).build().unwrap()
}

fn limit(table: Table, limit: usize) -> LimitError {
    LimitError::new(table, limit)
}

fn anyone() -> ActorAddress {
    ActorId::next().into()
}

fn orders() -> SubjectPattern {
    SubjectPattern::new("orders.>").unwrap()
}

async fn register(broker: &Broker, address: &ActorAddress) -> Result<impl Sized + use<>, RegisterError> {
    broker.register(address, MailboxOptions::bounded(1)).await
}

/// Has many tasks take places at the same moment, over and over, and gives the most that any of them had at once.
async fn most_at_once<T, F>(limits: Limits, take: impl Fn(Broker) -> F + Copy + Send + 'static) -> usize
where
    F: Future<Output = Option<T>> + Send,
    T: Send + 'static,
{
    let broker = broker(limits);
    let (held, most, start) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(TASKS)));
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (broker, held, most, start) =
                (broker.clone(), Arc::clone(&held), Arc::clone(&most), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                for _ in 0..200 {
                    let Some(place) = take(broker.clone()).await else { continue };
                    most.fetch_max(held.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    held.fetch_sub(1, Ordering::SeqCst);
                    drop(place);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    most.load(Ordering::SeqCst)
}

#[tokio::test]
async fn one_actor_too_many_is_refused_until_another_has_ended() {
    let broker = broker(Limits::new().actors(2));
    let worker = Worker::new();
    let spawned = worker.spawn(&broker, &named("desk"), 1).await;
    let first = register(&broker, &anyone()).await.unwrap();
    let refused = register(&broker, &anyone()).await.err().unwrap();
    assert_eq!(refused, RegisterError::TooMany(limit(Table::Actors, 2)));
    assert_eq!(refused.to_string(), "too many actors (limit 2): let some end, or raise `Limits::actors`");
    assert_eq!(broker.spawn(&anyone(), worker.clone()).await.err(), Some(refused.clone()));
    assert_eq!(broker.subscribe(orders(), MailboxOptions::bounded(1)).await.err(), Some(refused));
    drop(first);
    let _second = register(&broker, &anyone()).await.unwrap();
    spawned.drain().await;
    let _third = register(&broker, &anyone()).await.unwrap();
    assert_eq!((broker.metrics().refused_at_limits, broker.limits().of(Table::Actors)), (3, 2));
}

#[tokio::test]
async fn one_name_too_many_is_refused_until_another_is_free() {
    let broker = broker(Limits::new().names(1));
    let first = register(&broker, &named("a")).await.unwrap();
    let refused = register(&broker, &named("b")).await.err().unwrap();
    assert_eq!(refused.limit(), Some(limit(Table::Names, 1)));
    assert_eq!(broker.metrics().actors.len(), 1, "nothing is left of it");
    let _nameless = register(&broker, &anyone()).await.unwrap();
    drop(first);
    let _second = register(&broker, &named("b")).await.unwrap();
}

#[tokio::test]
async fn one_group_or_member_too_many_is_refused_until_another_has_left() {
    let broker = broker(Limits::new().groups(1).members(2));
    let first = register(&broker, &pool("a")).await.unwrap();
    let second = register(&broker, &pool("a")).await.unwrap();
    assert_eq!(register(&broker, &pool("a")).await.err().unwrap().limit(), Some(limit(Table::Members, 2)));
    assert_eq!(register(&broker, &pool("b")).await.err().unwrap().limit(), Some(limit(Table::Groups, 1)));
    assert_eq!(broker.set_strategy(&pool("b"), Strategy::Random), Err(limit(Table::Groups, 1)));
    assert_eq!(broker.set_strategy(&pool("a"), Strategy::Random), Ok(()));

    let joins = inbox(&broker, &named("desk"), 1).await;
    let join = async |group: &str| broker.join(&pool(group), &joins.registration(), MemberOptions::new()).await;
    assert_eq!(join("a").await.err(), Some(JoinError::TooMany(limit(Table::Members, 2))));
    assert_eq!(join("b").await.err(), Some(JoinError::TooMany(limit(Table::Groups, 1))));
    drop(first);
    let membership = join("a").await.unwrap();
    drop((second, membership, joins));
    broker.set_strategy(&pool("a"), None).unwrap();
    let _other = register(&broker, &pool("b")).await.unwrap();
}

#[tokio::test]
async fn one_request_too_many_is_refused_with_its_message_until_another_has_its_reply() {
    let broker = broker(Limits::new().requests(2));
    let worker = Worker::new();
    let _desk = worker.spawn(&broker, &named("desk"), 8).await;
    let mut held: Vec<_> = [1, 2].map(|number| Box::pin(broker.request(&DESK, Job::Hold(number)))).into();
    held.iter_mut().for_each(|request| assert!(poll_once(request.as_mut()).is_pending()));
    let refused = broker.request(&DESK, Job::Echo(3)).await.unwrap_err();
    assert_eq!(refused.kind(), &RequestErrorKind::TooMany(limit(Table::Requests, 2)));
    assert_eq!(
        (refused.ran(), refused.is_retryable(), refused.limit()),
        (Ran::Never, true, Some(limit(Table::Requests, 2)))
    );
    assert_eq!(
        refused.to_string(),
        "no reply from `named:desk` (never ran): too many pending requests (limit 2): wait for replies, or raise \
         `Limits::requests`"
    );
    assert_eq!(refused.into_inner(), Some(Job::Echo(3)));
    worker.gate.let_all_go();
    assert_eq!(held.remove(0).await.unwrap(), Job::Answer(1));
    assert_eq!(broker.request(&DESK, Job::Echo(4)).await.unwrap(), Job::Answer(4));
}

/// Where requests of this file go, for as long as the file.
static DESK: std::sync::LazyLock<ActorAddress> = std::sync::LazyLock::new(|| named("desk"));

#[tokio::test]
async fn one_subscription_too_many_is_refused_until_another_is_dropped() {
    let broker = broker(Limits::new().subscriptions(2));
    let mut ends = broker.ends(8);
    let by_hand = broker.subscribe(orders(), MailboxOptions::bounded(1)).await.unwrap();
    let to_desk = broker.subscribe_actor(orders(), &DESK).await.unwrap();
    let full = Some(RegisterError::TooMany(limit(Table::Subscriptions, 2)));
    assert_eq!(broker.subscribe(orders(), MailboxOptions::bounded(1)).await.err(), full);
    assert_eq!(broker.subscribe_actor(orders(), &DESK).await.err(), full);
    assert!(ends.try_next().is_none(), "what was refused was never there");
    drop(to_desk);
    let mut another = broker.subscribe(orders(), MailboxOptions::bounded(1)).await.unwrap();
    assert!(broker.subscribe_actor(orders(), &DESK).await.is_err());
    another.close();
    assert!(broker.subscribe_actor(orders(), &DESK).await.is_ok());
    drop(by_hand);
    assert_eq!(broker.metrics().publishing.subscriptions, 0);
}

#[tokio::test(start_paused = true)]
async fn one_scheduled_message_too_many_is_refused_and_comes_back_until_another_is_due_or_cancelled() {
    let broker = broker(Limits::new().scheduled(2));
    let mut inbox = inbox(&broker, &DESK, 8).await;
    let later = |number| broker.send_after(SECOND, &DESK, Job::Note(number));
    let _first = later(1).await.unwrap();
    let recurring = broker.send_every(SECOND, &DESK, Job::Note(2)).await.unwrap();
    let refused = later(3).await.unwrap_err();
    assert_eq!(refused.kind(), SendErrorKind::TooMany(limit(Table::Scheduled, 2)));
    assert!(refused.is_retryable() && !refused.is_full() && refused.ran() == Ran::Never);
    assert_eq!(refused.into_inner(), Job::Note(3));
    assert_eq!(broker.send_every(SECOND, &DESK, Job::Note(3)).await.unwrap_err().into_inner(), Job::Note(3));
    recurring.cancel();
    let second = later(4).await.unwrap();
    assert_eq!(second.cancel().unwrap().into_message(), Job::Note(4));
    let _third = later(5).await.unwrap();
    assert_eq!(inbox.recv().await.unwrap().into_message(), Job::Note(1));
    assert_eq!(inbox.recv().await.unwrap().into_message(), Job::Note(5));
    for number in 6..8 {
        drop(later(number).await.unwrap());
    }
    assert!(later(8).await.is_err());
    assert_eq!(broker.metrics().refused_at_limits, 3);
}

#[tokio::test(start_paused = true)]
async fn one_message_too_many_to_be_handled_again_is_a_dead_letter_at_once() {
    let broker = broker(Limits::new().retries(1));
    let worker = Worker::new();
    let _actor = worker.spawn(&broker, &DESK, 8).await;
    let policy = RetryPolicy::attempts(2).backoff(Backoff::fixed(SECOND));
    let send =
        async |job| broker.send(&DESK, MessageEnvelope::new(job).at_least_once().with_retry(policy)).await.unwrap();
    send(Job::Fail("first")).await;
    send(Job::Fail("second")).await;
    settle().await;
    let full = SendErrorKind::TooMany(limit(Table::Retries, 1));
    let letters = take_letters(&broker);
    assert!(matches!(&letters[..], [letter] if letter.reason == DeadLetterReason::Undeliverable(full)), "{letters:?}");
    assert_eq!((letters[0].envelope.message(), letters[0].attempts), (&Job::Fail("second"), 1));
    let audit = broker.audit();
    assert!(audit.is_balanced() && audit.waiting == 1, "{audit}");

    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(take_letters(&broker)[0].reason, DeadLetterReason::Failed);
    send(Job::Fail("third")).await;
    settle().await;
    assert!(take_letters(&broker).is_empty() && broker.audit().waiting == 1, "there is a place again");
    tokio::time::sleep(2 * SECOND).await;
    assert_at_rest(&broker.metrics().total, &[(Outcome::Failed, 2), (Outcome::Abandoned, 1)]);
}

#[tokio::test(start_paused = true)]
async fn what_was_redriven_and_refused_waits_only_if_there_is_a_place_and_else_stays_a_dead_letter() {
    let broker = broker(Limits::new().retries(1));
    broker.set_retry(&DESK, RetryPolicy::attempts(3).backoff(Backoff::fixed(SECOND))).unwrap();
    let desk = inbox(&broker, &DESK, 8).await;
    for number in 1..=2 {
        broker.send(&DESK, Job::Note(number)).await.unwrap();
    }
    drop(desk);
    let redriven = broker.dead_letters().redrive(&DeadLetterFilter::all());
    assert_eq!((redriven.waiting, redriven.refused[0].1.limit()), (1, Some(limit(Table::Retries, 1))));
    assert_eq!(broker.dead_letters().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_sender_too_many_does_not_stand_in_line_for_room() {
    let broker = broker(Limits::new().senders(1));
    let mut desk = inbox(&broker, &DESK, 1).await;
    broker.send(&DESK, Job::Note(1)).await.unwrap();
    let mut second = pin!(broker.send(&DESK, Job::Note(2)));
    assert!(poll_once(second.as_mut()).is_pending());
    let refused = broker.send(&DESK, Job::Note(3)).await.unwrap_err();
    assert_eq!(refused.kind(), SendErrorKind::TooMany(limit(Table::Senders, 1)));
    assert!(refused.is_full() && refused.is_retryable());
    assert_eq!(refused.into_inner(), Job::Note(3));
    let refused = broker.request(&DESK, Job::Note(3)).await.unwrap_err();
    assert_eq!((refused.limit(), refused.is_full()), (Some(limit(Table::Senders, 1)), true));

    // Nor does what is due, which nobody waits with.
    let due = broker.send_at(Instant::now(), &DESK, Job::Note(4)).await.unwrap();
    settle().await;
    assert!(due.due().is_none());
    let full = DeadLetterReason::Undeliverable(SendErrorKind::TooMany(limit(Table::Senders, 1)));
    assert_eq!(take_letters(&broker)[0].reason, full);

    assert_eq!(desk.recv().await.unwrap().into_message(), Job::Note(1));
    second.await.unwrap();
    let mut third = pin!(broker.send(&DESK, Job::Note(5)));
    assert!(poll_once(third.as_mut()).is_pending());
    assert_eq!(desk.recv().await.unwrap().into_message(), Job::Note(2));
    third.await.unwrap();
    assert_eq!(desk.recv().await.unwrap().into_message(), Job::Note(5));
}

#[tokio::test]
async fn one_watch_too_many_is_refused_until_another_is_dropped() {
    let broker = broker(Limits::new().watches(1));
    let desk = inbox(&broker, &DESK, 1).await;
    let first = broker.watch(&DESK).await.unwrap();
    assert_eq!(broker.watch(&DESK).await.err(), Some(WatchError::TooMany(limit(Table::Watches, 1))));
    let own = desk.watch();
    drop(first);
    let again = broker.watch(&DESK).await.unwrap();
    drop(desk);
    assert_eq!(own.await, again.await);
    assert!(broker.watch(&DESK).await.is_ok(), "what is over has no place any more");
}

#[tokio::test]
async fn one_follower_too_many_hears_nothing_and_is_told_why() {
    let broker = broker(Limits::new().followers(1));
    let first = broker.ends(1);
    assert_eq!(first.refusal(), None);
    let full = Some(limit(Table::Followers, 1));
    let mut ends = broker.ends(1);
    assert_eq!((ends.refusal(), ends.next().await), (full, None));
    let mut letters = broker.dead_letters().follow(1);
    assert_eq!((letters.refusal(), letters.next().await), (full, None));
    let mut changes = broker.follow_service(&pool("desks"), 1);
    assert_eq!((changes.refusal(), changes.next().await), (full, None));
    drop(first);
    let mut changes = broker.follow_service(&pool("desks"), 1);
    assert!(changes.refusal().is_none() && changes.try_next().is_some());
}

#[tokio::test]
async fn one_retry_policy_too_many_is_refused_until_another_is_unset() {
    let broker = broker(Limits::new().policies(1));
    broker.set_retry(&named("a"), RetryPolicy::never()).unwrap();
    broker.set_retry(&named("a"), RetryPolicy::attempts(2)).unwrap();
    assert_eq!(broker.set_retry(&named("b"), RetryPolicy::never()), Err(limit(Table::Policies, 1)));
    broker.set_retry(&named("b"), None).unwrap();
    broker.set_retry(&named("a"), None).unwrap();
    broker.set_retry(&named("b"), RetryPolicy::never()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_bound_is_passed_by_tasks_that_come_at_the_same_time() {
    let limits = Limits::new().actors(3).names(3).members(3).subscriptions(3).scheduled(3).watches(3).requests(3);
    let actors = most_at_once(limits, async |broker: Broker| register(&broker, &anyone()).await.ok());
    assert!((1..=3).contains(&actors.await));
    let names = most_at_once(limits.actors(99), async |broker: Broker| {
        register(&broker, &named(&format!("desk{}", fastrand::u32(..)))).await.ok()
    });
    assert!((1..=3).contains(&names.await));
    let members = most_at_once(limits.actors(99), async |broker: Broker| register(&broker, &pool("desks")).await.ok());
    assert!((1..=3).contains(&members.await));
    let subscriptions = most_at_once(limits, async |broker: Broker| broker.subscribe_actor(orders(), &DESK).await.ok());
    assert!((1..=3).contains(&subscriptions.await));
    let scheduled = most_at_once(limits, async |broker: Broker| {
        let scheduled = broker.send_after(1_000 * SECOND, &DESK, Job::Note(1)).await.ok()?;
        Some(Cancels(scheduled))
    });
    assert!((1..=3).contains(&scheduled.await));
}

struct Cancels(switchboard::schedule::Scheduled<Job>);

impl Drop for Cancels {
    fn drop(&mut self) {
        assert!(self.0.cancel().is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_ask_at_the_same_time_are_each_answered_or_refused_and_leave_nothing_behind() {
    const REQUESTS: usize = 3;
    let broker = broker(Limits::new().requests(REQUESTS));
    let mailbox = MailboxOptions::bounded(1).strategy(BackpressureStrategy::Block);
    let _actor = Worker::new().spawn_with(&broker, &DESK, switchboard::SpawnOptions::new().mailbox(mailbox)).await;
    let asks = (0..TASKS).map(|_| {
        let broker = broker.clone();
        tokio::spawn(async move {
            let (mut answered, mut refused) = (0, 0);
            while answered < 100 {
                match broker.request(&DESK, Job::Echo(1)).await {
                    Ok(_) => answered += 1,
                    Err(error) if error.limit().is_some() => {
                        refused += 1;
                        tokio::task::yield_now().await;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            refused
        })
    });
    let asks: Vec<_> = asks.collect();
    let mut refused = 0;
    for ask in asks {
        refused += ask.await.unwrap();
    }
    assert_eq!((broker.metrics().refused_at_limits, broker.metrics().requests_in_flight), (refused, 0));
    assert_eq!(broker.metrics().total.outcomes[Outcome::Handled], 100 * TASKS as u64);
}
