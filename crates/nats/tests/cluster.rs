//! A cluster of three servers, of which some go, while nodes send to each other.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which fail where they panic")]

mod support;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use support::Cluster;
use switchboard::address::ActorAddress;
use switchboard::broker::{MessageBroker, Ran, SendErrorKind};
use switchboard::message::{Message, MessageEnvelope};
use switchboard_nats::{NatsMessageBroker, NatsOptions};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    sender: usize,
    number: u64,
}

impl Message for Note {
    const MESSAGE_TYPE: &'static str = "note";
}

const NOTES: u64 = 2_000;

/// What one sender knows of its messages.
#[derive(Default)]
struct Sent {
    accepted: Vec<u64>,
    in_doubt: Vec<u64>,
    refused: Vec<u64>,
}

async fn node(cluster: &Cluster, first: usize) -> NatsMessageBroker<Note> {
    let options = NatsOptions::new(cluster.urls(first)).unwrap().replicas(3).connect_timeout(Duration::from_secs(60));
    NatsMessageBroker::with_options(options.lease(Duration::from_secs(20))).await.unwrap()
}

fn desk() -> ActorAddress {
    ActorAddress::named("desk").unwrap()
}

/// Sends all notes, whatever comes of each, and says when it has got that far.
async fn send_all(broker: NatsMessageBroker<Note>, sender: usize, reached: tokio::sync::watch::Sender<u64>) -> Sent {
    let mut sent = Sent::default();
    for number in 0..NOTES {
        match broker.send(&desk(), Note { sender, number }).await {
            Ok(()) => sent.accepted.push(number),
            Err(error) if error.ran() == Ran::Maybe => sent.in_doubt.push(number),
            Err(error) => {
                assert!(matches!(error.kind(), SendErrorKind::Disconnected | SendErrorKind::NoSuchActor), "{error}");
                sent.refused.push(number);
                // Nothing tells when another attempt is worth while but an attempt.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        reached.send_replace(number);
    }
    let counts = broker.sent_counts();
    assert_eq!(counts.in_doubt, sent.in_doubt.len() as u64);
    assert!(counts.sent >= (sent.accepted.len() + sent.in_doubt.len()) as u64);
    // It sends one after the other, so each event costs one at most: two at the server, and two of the owner's connection.
    assert!(counts.in_doubt <= 4, "{counts:?}");
    sent
}

/// The audit over all nodes: what was accepted was handled once, what was refused never, and all in order.
fn check(sent: &[Sent], handled: &[Note]) {
    for (sender, sent) in sent.iter().enumerate() {
        let mine: Vec<_> = handled.iter().filter(|note| note.sender == sender).map(|note| note.number).collect();
        assert!(mine.is_sorted_by(|one, next| one < next), "handled twice, or out of order");
        let is_handled = |number: &u64| mine.binary_search(number).is_ok();
        let lost: Vec<_> = sent.accepted.iter().filter(|number| !is_handled(number)).collect();
        assert!(lost.is_empty(), "accepted and lost: {lost:?}");
        let ghosts: Vec<_> = sent.refused.iter().filter(|number| is_handled(number)).collect();
        assert!(ghosts.is_empty(), "refused and handled: {ghosts:?}");
        println!(
            "sender {sender}: {} accepted, {} in doubt, of which {} were handled, {} refused",
            sent.accepted.len(),
            sent.in_doubt.len(),
            sent.in_doubt.iter().filter(|number| is_handled(number)).count(),
            sent.refused.len()
        );
    }
}

/// Two nodes send to an actor of a third while `trouble` is made, which is told when half of it is done.
async fn send_through(trouble: impl AsyncFnOnce(&mut Cluster)) {
    let mut cluster = Cluster::start();
    let owner = node(&cluster, 0).await;
    let handled = Arc::new(Mutex::new(Vec::new()));
    let handler = {
        let handled = Arc::clone(&handled);
        move |envelope: MessageEnvelope<Note>| {
            handled.lock().unwrap().push(envelope.into_message());
            async { Ok::<_, Infallible>(()) }
        }
    };
    let actor = owner.spawn(&desk(), handler).await.unwrap();
    let (reached, mut half) = tokio::sync::watch::channel(0);
    let senders: Vec<_> = [1, 2].map(|first| (first, reached.clone())).into();
    let mut sending = Vec::new();
    for (sender, (first, reached)) in senders.into_iter().enumerate() {
        let broker = node(&cluster, first).await;
        sending.push(tokio::spawn(send_all(broker, sender, reached)));
    }
    half.wait_for(|number| *number >= NOTES / 2).await.unwrap();
    trouble(&mut cluster).await;
    let mut sent = Vec::new();
    for sender in sending {
        let all = tokio::time::timeout(Duration::from_secs(120), sender).await.expect("the senders come to an end");
        sent.push(all.unwrap());
    }
    // The last ones are in the mailbox, if they are not handled yet.
    tokio::time::timeout(Duration::from_secs(20), actor.drain()).await.expect("it handles what it has");
    check(&sent, &handled.lock().unwrap());
    // Most got through: the trouble was short.
    let accepted: usize = sent.iter().map(|sent| sent.accepted.len()).sum();
    assert!(accepted as u64 > NOTES, "{accepted}");
    assert!(owner.audit().is_balanced());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_under_load_costs_no_message_that_was_accepted() {
    send_through(async |cluster| {
        cluster.servers[1].kill();
        cluster.servers[1].restart();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_of_the_owner_may_be_killed_too() {
    send_through(async |cluster| {
        cluster.servers[0].kill();
        cluster.servers[0].restart();
    })
    .await;
}
