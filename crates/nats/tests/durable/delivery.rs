//! What is kept is handled to its end, by whichever node, in order and once.

use std::collections::BTreeSet;
use std::time::Duration;

use switchboard::broker::{MessageBroker, SendErrorKind};
use switchboard::mailbox::MailboxOptions;
use switchboard::retry::{Backoff, RetryPolicy};
use switchboard_nats::NatsMessageBroker;

use crate::fixture::{Clerk, Job, Log, desk, letters, node, options, pool, quick, soon, sure, until, waiting};
use crate::support::Server;

#[tokio::test]
async fn what_is_sent_from_any_node_is_handled_once_and_leaves_the_stream() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let log = Log::default();
    let _clerk = one.spawn(&desk(), Clerk(log.clone())).await.unwrap();
    for number in 0..20 {
        let from = [&one, &other][number as usize % 2];
        from.send(&desk(), sure(Job::Note(number))).await.unwrap();
    }
    log.has(20).await;
    assert_eq!(log.numbers(), (0..20).collect::<Vec<_>>());
    until(async || waiting(&server).await == 0).await;
    assert!(one.audit().is_at_rest() && letters(&other).await.is_empty());
}

#[tokio::test]
async fn to_nobody_it_is_refused_at_once_and_to_an_id_it_is_for_this_process() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    for (to, kind) in [(desk(), SendErrorKind::NoSuchActor), (pool(), SendErrorKind::NoMembers)] {
        let error = one.send(&to, sure(Job::Note(1))).await.unwrap_err();
        assert_eq!((error.kind(), error.into_inner()), (kind, Job::Note(1)));
    }
    let log = Log::default();
    let clerk = one.spawn(&desk(), Clerk(log.clone())).await.unwrap();
    one.send(&clerk.id().into(), sure(Job::Fails(2, 1)).with_retry(RetryPolicy::attempts(2))).await.unwrap();
    log.has(1).await;
    let error = other.send(&clerk.id().into(), sure(Job::Note(3))).await.unwrap_err();
    assert_eq!(error.kind(), SendErrorKind::NotOffered);
}

#[tokio::test]
async fn retries_go_by_the_senders_policy_and_hold_back_what_comes_after() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let log = Log::default();
    let _clerk = one.spawn(&desk(), Clerk(log.clone())).await.unwrap();
    let policy = RetryPolicy::attempts(5).backoff(Backoff::fixed(Duration::from_millis(50)));
    other.send(&desk(), sure(Job::Fails(1, 3)).with_retry(policy)).await.unwrap();
    for number in 2..6 {
        other.send(&desk(), sure(Job::Note(number))).await.unwrap();
    }
    log.has(5).await;
    assert_eq!(log.numbers(), [1, 2, 3, 4, 5]);
    assert_eq!(one.metrics().total.redeliveries, 3);
}

#[tokio::test]
async fn a_message_that_is_sent_again_with_its_id_is_stored_once() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let log = Log::default();
    let _clerk = one.spawn(&desk(), Clerk(log.clone())).await.unwrap();
    let envelope = sure(Job::Note(1));
    other.send(&desk(), envelope.clone()).await.unwrap();
    one.send(&desk(), envelope).await.unwrap();
    other.send(&desk(), sure(Job::Note(2))).await.unwrap();
    log.has(2).await;
    assert_eq!(log.numbers(), [1, 2]);
}

#[tokio::test]
async fn a_full_stream_refuses_and_gives_the_message_back() {
    let server = Server::start();
    let broker = NatsMessageBroker::with_options(options(&server, quick().max_messages(2))).await.unwrap();
    // It takes one in hand and no more.
    let mut desk_ = broker.register(&desk(), MailboxOptions::bounded(1)).await.unwrap();
    broker.send(&desk(), sure(Job::Note(0))).await.unwrap();
    broker.send(&desk(), sure(Job::Note(1))).await.unwrap();
    let error = broker.send(&desk(), sure(Job::Note(2))).await.unwrap_err();
    assert_eq!((error.kind(), error.into_inner()), (SendErrorKind::Full, Job::Note(2)));
    for number in 0..2 {
        assert_eq!(soon(desk_.recv()).await.unwrap().into_message(), Job::Note(number));
    }
    until(async || waiting(&server).await == 0).await;
    broker.send(&desk(), sure(Job::Note(3))).await.unwrap();
}

#[tokio::test]
async fn the_members_of_a_pool_share_what_waits_for_it_whichever_node_they_are_on() {
    let server = Server::start();
    let (one, other, sender) = (node(&server).await, node(&server).await, node(&server).await);
    let logs = [Log::default(), Log::default()];
    let _members = [
        one.spawn(&pool(), Clerk(logs[0].clone())).await.unwrap(),
        other.spawn(&pool(), Clerk(logs[1].clone())).await.unwrap(),
    ];
    for number in 0..200 {
        sender.send(&pool(), sure(Job::Note(number))).await.unwrap();
    }
    until(async || logs.iter().map(|log| log.numbers().len()).sum::<usize>() == 200).await;
    let all: BTreeSet<_> = logs.iter().flat_map(Log::numbers).collect();
    assert_eq!(all.len(), 200);
    assert!(logs.iter().all(|log| !log.numbers().is_empty()), "{:?}", logs.each_ref().map(|log| log.numbers().len()));
}
