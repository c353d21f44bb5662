//! What is not handled to its end is a dead letter that every node sees.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::consumer::pull;
use switchboard::broker::{MessageBroker, SendErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::mailbox::MailboxOptions;
use switchboard::retry::{Backoff, RetryPolicy};
use switchboard_nats::{ClusterDeadLettersError, ClusterReason, DurableOptions, NatsMessageBroker};

use crate::fixture::{
    Broker, Clerk, Job, Log, desk, letters, node, one_letter, options, quick, soon, sure, until, waiting,
};
use crate::support::Server;

#[tokio::test]
async fn what_fails_in_the_end_is_a_dead_letter_that_every_node_sees_and_can_redrive_or_remove() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let log = Log::default();
    let _clerk = one.spawn(&desk(), Clerk(log.clone())).await.unwrap();
    let dead = other.cluster_dead_letters().unwrap();
    let mut followed = dead.follow().await.unwrap();
    let policy = RetryPolicy::attempts(2).backoff(Backoff::fixed(Duration::from_millis(5)));
    let envelope = sure(Job::Fails(7, 2)).with_retry(policy).with_metadata("tenant", "blue");
    let id = envelope.id();
    other.send(&desk(), envelope).await.unwrap();
    let letter = soon(followed.next()).await.unwrap().unwrap();
    assert_eq!(letter.reason, ClusterReason::Unhandled(DeadLetterReason::Failed));
    assert_eq!((letter.to.clone(), letter.cause.as_deref(), letter.attempts), (Some(desk()), Some("no ink"), 2));
    let envelope = letter.envelope.as_ref().unwrap();
    assert_eq!((envelope.id(), envelope.message(), envelope.metadata("tenant")), (id, &Job::Fails(7, 2), Some("blue")));
    let listed = letters(&one).await;
    assert_eq!((listed.len(), listed[0].number), (1, letter.number));
    assert!(one.dead_letters().is_empty(), "it is the cluster's");
    until(async || waiting(&server).await == 0).await;
    // Again it fails, and is another letter.
    assert!(dead.redrive(letter.number).await.unwrap());
    let second = soon(followed.next()).await.unwrap().unwrap();
    assert!(second.number > letter.number);
    assert!(!dead.redrive(letter.number).await.unwrap(), "it is not there any more");
    assert!(one.cluster_dead_letters().unwrap().remove(second.number).await.unwrap());
    assert!(!dead.remove(second.number).await.unwrap());
    assert!(letters(&other).await.is_empty());
    // What is rejected is dead at once.
    other.send(&desk(), sure(Job::Reject).with_retry(policy)).await.unwrap();
    let rejected = one_letter(&other).await;
    assert_eq!((rejected.reason, rejected.attempts), (ClusterReason::Unhandled(DeadLetterReason::Rejected), 1));
}

#[tokio::test]
async fn a_dead_letter_stays_until_somebody_is_there_to_take_it() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let clerk = one.spawn(&desk(), Clerk(Log::default())).await.unwrap();
    other.send(&desk(), sure(Job::Fails(3, 1)).with_retry(RetryPolicy::attempts(1))).await.unwrap();
    let letter = one_letter(&other).await;
    clerk.stop();
    clerk.drain().await;
    let dead = other.cluster_dead_letters().unwrap();
    until(async || {
        other.send(&desk(), Job::Note(0)).await.is_err_and(|error| error.kind() == SendErrorKind::NoSuchActor)
    })
    .await;
    let refused = dead.redrive(letter.number).await.unwrap_err();
    assert!(matches!(refused, ClusterDeadLettersError::Refused { kind: SendErrorKind::NoSuchActor, .. }), "{refused}");
    assert_eq!((letters(&one).await.len(), dead.redrive_all(9).await.unwrap()), (1, 0));
    let mut desk = other.register(&desk(), MailboxOptions::bounded(8)).await.unwrap();
    assert_eq!(dead.redrive_all(9).await.unwrap(), 1);
    assert_eq!(soon(desk.recv()).await.unwrap().into_message(), Job::Fails(3, 1));
    assert!(letters(&one).await.is_empty());
}

#[tokio::test]
async fn what_can_not_be_read_is_a_dead_letter_with_its_bytes() {
    let server = Server::start();
    let broker = node(&server).await;
    let log = Log::default();
    let _clerk = broker.spawn(&desk(), Clerk(log.clone())).await.unwrap();
    let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    for payload in [&b"\x01rubbish"[..], b"\x07", b""] {
        context.publish("switchboard.work.named.desk", payload.into()).await.unwrap().await.unwrap();
    }
    broker.send(&desk(), sure(Job::Note(1))).await.unwrap();
    log.has(1).await;
    let letters = letters(&broker).await;
    let raw: Vec<_> = letters.iter().map(|letter| &letter.raw[..]).collect();
    assert_eq!(raw, [&b"\x01rubbish"[..], b"\x07", b""]);
    assert!(letters.iter().all(|letter| matches!(letter.reason, ClusterReason::Unreadable(_))));
    let error = broker.cluster_dead_letters().unwrap().redrive(letters[0].number).await.unwrap_err();
    assert_eq!(error, ClusterDeadLettersError::Unreadable(letters[0].number));
}

#[tokio::test]
async fn a_message_that_nobody_says_anything_of_is_given_up_after_so_many_deliveries() {
    let server = Server::start();
    let durable = DurableOptions::new().ack_wait(Duration::from_millis(200)).most_deliveries(2);
    let broker: Broker = NatsMessageBroker::with_options(options(&server, durable)).await.unwrap();
    let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    // As two nodes that end when they have it.
    let mut first = broker.register(&desk(), MailboxOptions::bounded(8)).await.unwrap();
    broker.send(&desk(), sure(Job::Note(1))).await.unwrap();
    assert_eq!(soon(first.recv()).await.unwrap().into_message(), Job::Note(1));
    until(async || waiting(&server).await == 0).await;
    drop(first);
    let work = context.get_stream("switchboard-work").await.unwrap();
    context.publish("switchboard.work.named.desk", stored(&server).await.into()).await.unwrap().await.unwrap();
    for _ in 0..2 {
        let consumer = work.get_consumer::<pull::Config>("named-desk").await.unwrap();
        let mut fetched = consumer.fetch().max_messages(1).expires(Duration::from_secs(5)).messages().await.unwrap();
        soon(futures_util::StreamExt::next(&mut fetched)).await.unwrap().unwrap();
    }
    let _second = broker.register(&desk(), MailboxOptions::bounded(8)).await.unwrap();
    assert_eq!(one_letter(&broker).await.reason, ClusterReason::GivenUp);
}

/// The bytes of a message as it is stored.
async fn stored(server: &Server) -> Vec<u8> {
    let options = options(server, quick()).namespace("elsewhere").unwrap();
    let broker: Broker = NatsMessageBroker::with_options(options).await.unwrap();
    // It takes none: its one place is taken by what waits already.
    let _desk = broker.register(&desk(), MailboxOptions::bounded(1)).await.unwrap();
    broker.send(&desk(), sure(Job::Note(1))).await.unwrap();
    let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let work = context.get_stream("elsewhere-work").await.unwrap();
    work.get_raw_message(1).await.unwrap().payload.to_vec()
}
