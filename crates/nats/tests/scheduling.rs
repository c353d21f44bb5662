//! What is to go to another node later, and what becomes of it when nobody is there then.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which fail where they panic")]

mod support;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use support::Server;
use switchboard::actor::Inbox;
use switchboard::address::ActorAddress;
use switchboard::broker::{MessageBroker, Ran, SendErrorKind};
use switchboard::dead_letters::{DeadLetterFilter, DeadLetterReason};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::{Message, MessageEnvelope};
use switchboard::metrics::Outcome;
use switchboard::retry::{Backoff, RetryPolicy};
use switchboard::{pattern, subject};
use switchboard_nats::{NatsMessageBroker, NatsOptions};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Note(u32);

impl Message for Note {
    const MESSAGE_TYPE: &'static str = "note";
}

type Broker = NatsMessageBroker<Note>;

async fn node(server: &Server) -> Broker {
    let options = NatsOptions::new(server.url()).unwrap().lease(Duration::from_millis(900));
    NatsMessageBroker::with_options(options).await.unwrap()
}

fn named(name: &str) -> ActorAddress {
    ActorAddress::named(name).unwrap()
}

fn room() -> MailboxOptions {
    MailboxOptions::bounded(64)
}

/// Long enough for whatever must happen, however busy the machine is.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it happens soon")
}

async fn until(is_so: impl Fn() -> bool) {
    soon(async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

async fn next(inbox: &mut Inbox<Note, Broker>) -> u32 {
    soon(inbox.recv()).await.expect("it is open").into_message().0
}

const SOON: Duration = Duration::from_millis(30);
const NEVER: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn what_is_sent_later_gets_to_an_actor_of_another_node_and_its_account() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let mut desk = other.register(&named("desk"), room()).await.unwrap();
    let by_id = ActorAddress::Id(desk.id());
    for (number, to) in [(1, named("desk")), (2, by_id)] {
        one.send_after(SOON, &to, Note(number)).await.unwrap();
        assert_eq!(next(&mut desk).await, number);
    }
    until(|| one.audit().accepted == 0).await;
    assert_eq!((one.audit().waiting, other.audit().accepted), (0, 2));
}

#[tokio::test]
async fn what_is_cancelled_in_time_is_never_sent() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let mut desk = other.register(&named("desk"), room()).await.unwrap();
    let scheduled = one.send_after(NEVER, &named("desk"), Note(1)).await.unwrap();
    assert_eq!(scheduled.cancel().map(MessageEnvelope::into_message), Some(Note(1)));
    one.send_after(Duration::ZERO, &named("desk"), Note(2)).await.unwrap();
    assert_eq!(next(&mut desk).await, 2);
    assert_eq!(one.audit().outcomes[Outcome::Cancelled], 1);
}

#[tokio::test]
async fn what_is_due_together_arrives_in_order() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let mut desk = other.register(&named("desk"), room()).await.unwrap();
    let at = tokio::time::Instant::now() + SOON;
    for number in 0..200 {
        one.send_at(at, &named("desk"), Note(number)).await.unwrap();
    }
    for number in 0..200 {
        assert_eq!(next(&mut desk).await, number);
    }
}

#[tokio::test]
async fn what_is_sent_at_an_interval_gets_there_and_counts_those_that_did_not() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let mut desk = other.register(&named("desk"), room()).await.unwrap();
    let recurring = one.send_every(Duration::from_millis(5), &named("desk"), Note(7)).await.unwrap();
    for _ in 0..3 {
        assert_eq!(next(&mut desk).await, 7);
    }
    until(|| recurring.sent() >= 3).await;
    drop(desk);
    let missed = recurring.missed();
    until(|| recurring.missed() > missed + 2).await;
    recurring.cancel();
    assert_eq!(one.dead_letters().read(&DeadLetterFilter::all()).len(), 0);
}

#[tokio::test]
async fn what_nobody_takes_in_the_end_is_a_dead_letter_at_its_address_and_can_be_redriven_to_another_node() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    one.send_after(Duration::ZERO, &named("desk"), Note(1)).await.unwrap();
    until(|| one.dead_letters().read(&DeadLetterFilter::all()).len() == 1).await;
    let letters = one.dead_letters().read(&DeadLetterFilter::all());
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].address, named("desk"));
    assert_eq!(letters[0].reason, DeadLetterReason::Undeliverable(SendErrorKind::NoSuchActor));
    let mut desk = other.register(&named("desk"), room()).await.unwrap();
    let redriven = one.dead_letters().redrive(&DeadLetterFilter::all());
    assert_eq!((redriven.waiting, redriven.refused.len()), (1, 0));
    assert_eq!(next(&mut desk).await, 1);
    assert_eq!(one.dead_letters().read(&DeadLetterFilter::all()).len(), 0);
}

#[tokio::test]
async fn a_retry_policy_holds_for_what_another_node_refuses() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let small = MailboxOptions::bounded(1).strategy(BackpressureStrategy::Error);
    let mut desk = other.register(&named("desk"), small).await.unwrap();
    let policy = RetryPolicy::attempts(10_000).backoff(Backoff::fixed(Duration::from_millis(2)));
    let patient = |number| MessageEnvelope::new(Note(number)).with_retry(policy);
    one.send(&named("desk"), Note(1)).await.unwrap();
    assert!(one.send(&named("desk"), Note(2)).await.unwrap_err().is_full());
    one.send_after(Duration::ZERO, &named("desk"), patient(3)).await.unwrap();
    let sending = {
        let one = one.clone();
        let envelope = patient(3);
        tokio::spawn(async move { one.send(&named("desk"), envelope).await })
    };
    for number in [1, 3, 3] {
        // Time to be refused in: it passes without, and shows less.
        tokio::time::sleep(SOON).await;
        assert_eq!(next(&mut desk).await, number);
    }
    soon(sending).await.unwrap().unwrap();
    assert_eq!(one.dead_letters().read(&DeadLetterFilter::all()).len(), 0);
}

#[tokio::test]
async fn a_retry_policy_holds_for_a_request_that_another_node_refuses_until_its_deadline() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let small = MailboxOptions::bounded(1).strategy(BackpressureStrategy::Error);
    let mut desk = other.register(&named("desk"), small).await.unwrap();
    one.send(&named("desk"), Note(1)).await.unwrap();
    let policy = RetryPolicy::attempts(10_000).backoff(Backoff::fixed(Duration::from_millis(2)));
    let ask = |within| MessageEnvelope::new(Note(2)).with_retry(policy).within(within);
    // Nobody makes room before the time is up.
    let late = one.request(&named("desk"), ask(SOON)).await.unwrap_err();
    assert_eq!(late.ran(), Ran::Never, "{late}");
    let asking = {
        let one = one.clone();
        let envelope = ask(NEVER);
        tokio::spawn(async move { one.request(&named("desk"), envelope).await })
    };
    tokio::time::sleep(SOON).await;
    assert_eq!(next(&mut desk).await, 1);
    soon(desk.recv()).await.unwrap().reply(Note(3)).await.unwrap();
    assert_eq!(soon(asking).await.unwrap().unwrap(), Note(3));
}

#[tokio::test]
async fn what_is_published_to_the_address_of_another_nodes_actor_gets_there() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let mut desk = other.register(&named("desk"), room()).await.unwrap();
    let subscribed = one.subscribe_actor(pattern!("a.*"), &named("desk")).await.unwrap();
    for broker in [&one, &other] {
        broker.publish(&subject!("a.b"), Note(5)).await;
        assert_eq!(next(&mut desk).await, 5);
    }
    assert_eq!(subscribed.lost(), 0);
    drop(desk);
    one.publish(&subject!("a.b"), Note(6)).await;
    until(|| subscribed.lost() == 1).await;
}
