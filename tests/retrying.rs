//! A message that never ran is tried again as its retry policy says, by the sender's own call, which gives it back in the end
//! if nobody takes it.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::pin;
use std::time::Duration;

use common::{Broker, Job, Worker, assert_at_rest, inbox, named, poll_once, pool, settle, soon};
use switchboard::address::ActorAddress;
use switchboard::broker::{MessageBroker, RequestErrorKind, SendErrorKind};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;
use switchboard::retry::{Backoff, Failure, Failures, Jitter, RetryPolicy};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

fn every_second(attempts: u32) -> RetryPolicy {
    RetryPolicy::attempts(attempts).backoff(Backoff::fixed(SECOND))
}

fn note(number: u64, policy: RetryPolicy) -> MessageEnvelope<Job> {
    MessageEnvelope::new(Job::Note(number)).with_retry(policy)
}

#[tokio::test(start_paused = true)]
async fn nobody_there_is_tried_again_until_somebody_is() {
    for (to, empty) in [(named("desk"), SendErrorKind::NoSuchActor), (pool("desks"), SendErrorKind::NoMembers)] {
        let broker = Broker::new();
        let start = Instant::now();
        let mut sending = pin!(broker.send(&to, note(1, every_second(5))));
        assert!(poll_once(sending.as_mut()).is_pending());
        tokio::time::advance(SECOND * 3 / 2).await;
        assert!(poll_once(sending.as_mut()).is_pending());
        let mut inbox = inbox(&broker, &to, 8).await;
        soon(sending).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 2);
        assert_eq!(inbox.recv().await.unwrap().into_message(), Job::Note(1));
        assert_eq!(broker.metrics().total.retries, 2);
        assert_eq!(
            broker.send(&ActorAddress::named("other").unwrap(), Job::Note(2)).await.unwrap_err().kind(),
            SendErrorKind::NoSuchActor,
            "{empty}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_attempts_are_used_up_it_comes_back_with_the_last_reason() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let start = Instant::now();
    let error = broker.send(&desk, note(1, every_second(3))).await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed().as_secs()), (SendErrorKind::NoSuchActor, 2));
    assert_eq!(error.into_inner(), Job::Note(1));
    assert_eq!((broker.metrics().total.retries, broker.metrics().total.accepted), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_refuses_is_tried_again_and_the_message_behind_goes_ahead() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mailbox = MailboxOptions::bounded(1).strategy(BackpressureStrategy::Error);
    let mut inbox = broker.register(&desk, mailbox).await.unwrap();
    broker.send(&desk, Job::Note(1)).await.unwrap();
    let mut retrying = pin!(broker.send(&desk, note(2, every_second(5))));
    assert!(poll_once(retrying.as_mut()).is_pending());
    assert_eq!(inbox.recv().await.unwrap().into_message(), Job::Note(1));
    // Its wait blocks nobody.
    broker.send(&desk, Job::Note(3)).await.unwrap();
    assert_eq!(inbox.recv().await.unwrap().into_message(), Job::Note(3));
    soon(retrying).await.unwrap();
    assert_eq!(inbox.recv().await.unwrap().into_message(), Job::Note(2));
}

#[tokio::test(start_paused = true)]
async fn each_retry_is_counted_with_the_actor_that_it_is_for_and_each_in_the_total() {
    let (broker, desk, other) = (Broker::new(), named("desk"), named("other"));
    let of = |broker: &Broker, address: &ActorAddress| {
        let actors = broker.metrics().actors;
        actors.iter().find(|actor| actor.address == *address).map(|actor| actor.traffic.retries)
    };
    let mailbox = MailboxOptions::bounded(1).strategy(BackpressureStrategy::Error);
    let inbox = broker.register(&desk, mailbox).await.unwrap();
    let _other = broker.register(&other, mailbox).await.unwrap();
    broker.send(&desk, Job::Note(1)).await.unwrap();
    broker.send(&desk, note(2, every_second(4))).await.unwrap_err();
    assert_eq!((of(&broker, &desk), of(&broker, &other)), (Some(3), Some(0)));
    // An account that is closed is not lost, and nobody's retries are nobody's.
    drop(inbox);
    broker.send(&desk, note(3, every_second(3))).await.unwrap_err();
    let total = broker.metrics().total.retries;
    assert_eq!((of(&broker, &desk), of(&broker, &other), total), (None, Some(0), 5));
    // A message of the broker's own, refused once when it is due and then taken.
    broker.send(&other, Job::Note(4)).await.unwrap();
    broker.send_after(SECOND, &other, note(5, every_second(2))).await.unwrap();
    tokio::time::sleep(SECOND * 5).await;
    assert_eq!((of(&broker, &other), broker.metrics().total.retries), (Some(1), 6));
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_stopped_is_tried_again_by_its_name_and_not_by_its_route() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Worker::new();
    let first = worker.spawn(&broker, &desk, 8).await;
    let route = broker.route(&desk).unwrap();
    first.drain().await;
    let by_route = route.send(note(1, every_second(2))).await.unwrap_err();
    assert_eq!(by_route.kind(), SendErrorKind::ActorStopped);
    let mut sending = pin!(broker.send(&desk, note(2, every_second(2))));
    assert!(poll_once(sending.as_mut()).is_pending());
    let second = worker.spawn(&broker, &desk, 8).await;
    soon(sending).await.unwrap();
    second.drain().await;
    assert_eq!(worker.log.numbers(), [2]);
}

#[tokio::test(start_paused = true)]
async fn only_the_failures_of_the_policy_are_followed_by_another_attempt() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let only_full = every_second(5).on(Failures::of(&[Failure::Full]));
    let start = Instant::now();
    assert_eq!(broker.send(&desk, note(1, only_full)).await.unwrap_err().kind(), SendErrorKind::NoSuchActor);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_limit_on_the_whole_and_the_messages_deadline_end_it_without_a_wait_in_vain() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let policy = RetryPolicy::unlimited().backoff(Backoff::fixed(SECOND));
    let start = Instant::now();
    let error = broker.send(&desk, note(1, policy.within(SECOND * 5 / 2))).await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed().as_secs()), (SendErrorKind::NoSuchActor, 2));
    let start = Instant::now();
    let error = broker.send(&desk, note(1, policy).within(SECOND * 7 / 2)).await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed().as_secs()), (SendErrorKind::NoSuchActor, 3));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_tried_again_that_has_no_policy_or_is_not_to_wait() {
    let (broker, desk) = (Broker::new(), named("desk"));
    assert_eq!(broker.send(&desk, Job::Note(1)).await.unwrap_err().kind(), SendErrorKind::NoSuchActor);
    let refused = broker.try_send(&desk, note(2, every_second(5))).unwrap_err();
    assert_eq!(refused.kind(), SendErrorKind::NoSuchActor);
    assert_eq!(broker.metrics().total.retries, 0);
}

#[tokio::test(start_paused = true)]
async fn the_policy_of_the_address_or_the_broker_holds_where_the_message_has_none() {
    let broker = Broker::builder().retry(every_second(2)).build().unwrap();
    broker.set_retry(&named("desk"), every_second(4)).unwrap();
    for (to, seconds) in [(named("desk"), 3), (named("other"), 1)] {
        let start = Instant::now();
        broker.send(&to, Job::Note(1)).await.unwrap_err();
        assert_eq!(start.elapsed().as_secs(), seconds);
    }
    broker.set_retry(&named("desk"), None).unwrap();
    let start = Instant::now();
    broker.send(&named("desk"), Job::Note(1)).await.unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_shut_down_broker_is_not_tried_again() {
    let (broker, desk) = (Broker::new(), named("desk"));
    broker.shutdown(SECOND).await;
    let start = Instant::now();
    let error = broker.send(&desk, note(1, every_second(5))).await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed()), (SendErrorKind::ShutDown, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_dropped_was_not_accepted() {
    let (broker, desk) = (Broker::new(), named("desk"));
    {
        let mut sending = pin!(broker.send(&desk, note(1, every_second(5))));
        assert!(poll_once(sending.as_mut()).is_pending());
    }
    let mut inbox = inbox(&broker, &desk, 8).await;
    tokio::time::sleep(10 * SECOND).await;
    assert!(inbox.try_recv().is_none());
    assert_at_rest(&broker.metrics().total, &[]);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_tried_again_within_its_deadline() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let request = || MessageEnvelope::new(Job::Echo(7)).with_retry(every_second(10));
    let mut asking = pin!(broker.request(&desk, request()));
    assert!(poll_once(asking.as_mut()).is_pending());
    assert_eq!(broker.metrics().requests_in_flight, 0, "nobody has it yet");
    tokio::time::advance(SECOND / 2).await;
    worker.spawn(&broker, &desk, 8).await;
    assert_eq!(soon(asking).await.unwrap(), Job::Answer(7));

    let start = Instant::now();
    let error = broker.request(&named("nobody"), request().within(SECOND * 5 / 2)).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::NotSent(SendErrorKind::NoSuchActor));
    assert_eq!((start.elapsed().as_secs(), error.into_inner()), (2, Some(Job::Echo(7))));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_for_its_next_attempt_is_not_ended_by_an_actor_that_refused_it() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mailbox = MailboxOptions::bounded(1).strategy(BackpressureStrategy::Error);
    let first = broker.register(&desk, mailbox).await.unwrap();
    broker.send(&desk, Job::Note(1)).await.unwrap();
    let envelope = MessageEnvelope::new(Job::Echo(7)).with_retry(every_second(3));
    let mut asking = pin!(broker.request(&desk, envelope));
    assert!(poll_once(asking.as_mut()).is_pending());
    drop(first);
    let worker = Worker::new();
    let second = worker.spawn(&broker, &desk, 8).await;
    assert_eq!(soon(asking).await.unwrap(), Job::Answer(7));
    second.drain().await;
    assert_at_rest(&broker.metrics().total, &[(Outcome::Abandoned, 1), (Outcome::Handled, 1)]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_stops_while_a_request_in_it_was_retried_ends_that_request() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let envelope = MessageEnvelope::new(Job::Echo(7)).with_retry(every_second(3));
    let mut asking = pin!(broker.request(&desk, envelope));
    assert!(poll_once(asking.as_mut()).is_pending());
    let worker = Worker::new();
    let actor = worker.spawn_held(&broker, &desk, 8).await;
    tokio::time::advance(SECOND).await;
    assert!(poll_once(asking.as_mut()).is_pending());
    assert_eq!(actor.depth(), 1);
    actor.stop();
    let error = soon(asking).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::ActorStopped);
}

#[tokio::test(start_paused = true)]
async fn a_seeded_source_gives_the_same_delays_each_time() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let broker = Broker::builder().jitter(Jitter::seeded(7)).build().unwrap();
        let start = Instant::now();
        broker.send(&named("desk"), note(1, RetryPolicy::attempts(6))).await.unwrap_err();
        runs.push(start.elapsed());
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0] > Duration::ZERO && runs[0] < 4 * SECOND, "{runs:?}");
    settle().await;
}
