//! What goes while something is in hand costs nothing that was confirmed.

use std::collections::BTreeSet;
use std::time::Duration;

use switchboard::actor::Inbox;
use switchboard::broker::MessageBroker;
use switchboard::mailbox::MailboxOptions;
use switchboard::message::MessageEnvelope;
use switchboard::retry::{Backoff, RetryPolicy};
use switchboard_nats::{DurableOptions, NatsMessageBroker, NatsOptions};
use tokio::sync::{mpsc, oneshot};

use crate::fixture::{Broker, Clerk, Job, Log, desk, letters, node, options, soon, sure, until, waiting};
use crate::support::Server;

#[tokio::test]
async fn what_a_node_had_in_hand_when_it_was_killed_is_handled_by_the_names_next_owner_first() {
    let server = Server::start();
    // The lease ends before the server gives up on what was in hand: until then, nothing else is given out.
    let options = options(&server, DurableOptions::new().ack_wait(Duration::from_secs(3)));
    let sender: Broker = NatsMessageBroker::with_options(options.clone()).await.unwrap();
    let (begun, mut beginning) = mpsc::unbounded_channel();
    let doomed = Doomed::start(options, begun).await;
    for number in 0..5 {
        sender.send(&desk(), sure(Job::Note(number))).await.unwrap();
    }
    assert_eq!(soon(beginning.recv()).await.unwrap(), Job::Note(0));
    doomed.kill().await;
    let log = Log::default();
    // Its lease has to end first.
    let _clerk = soon(async {
        loop {
            match sender.spawn(&desk(), Clerk(log.clone())).await {
                Ok(clerk) => return clerk,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    })
    .await;
    log.has(5).await;
    assert_eq!(log.numbers(), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn a_handler_that_takes_longer_than_the_server_waits_keeps_its_message() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let mut desk_ = one.register(&desk(), MailboxOptions::bounded(8)).await.unwrap();
    other.send(&desk(), sure(Job::Note(1))).await.unwrap();
    let delivery = soon(desk_.recv()).await.unwrap();
    // The server waits 600 ms for a sign of life.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(desk_.try_recv().is_none());
    drop(delivery);
    until(async || waiting(&server).await == 0).await;
    assert!(desk_.try_recv().is_none() && one.audit().accepted == 1);
}

#[tokio::test]
async fn what_was_confirmed_is_there_after_the_server_was_killed() {
    let mut server = Server::start();
    let (one, sender) = (node(&server).await, node(&server).await);
    let log = Log::default();
    let _clerk = one.spawn(&desk(), Clerk(log.clone())).await.unwrap();
    let sending = tokio::spawn({
        let sender = sender.clone();
        async move {
            let mut confirmed = Vec::new();
            for number in 0..300 {
                let policy = RetryPolicy::attempts(50).backoff(Backoff::fixed(Duration::from_millis(100)));
                match sender.send(&desk(), sure(Job::Note(number)).with_retry(policy)).await {
                    Ok(()) => confirmed.push(number),
                    Err(error) => println!("{number}: {error}"),
                }
            }
            confirmed
        }
    });
    log.has(100).await;
    server.kill();
    server.restart();
    let confirmed = soon(sending).await.unwrap();
    log.has(confirmed.len()).await;
    until(async || waiting(&server).await == 0).await;
    let handled = log.numbers();
    let distinct: BTreeSet<_> = handled.iter().copied().collect();
    assert!(confirmed.iter().all(|number| distinct.contains(number)), "{confirmed:?} {handled:?}");
    println!(
        "{} confirmed, {} handled, {} more than once",
        confirmed.len(),
        distinct.len(),
        handled.len() - distinct.len()
    );
    assert!(confirmed.len() > 200, "{}", confirmed.len());
}

#[tokio::test]
async fn a_node_that_leaves_gives_back_what_it_has_not_begun() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let mut first: Inbox<Job, Broker> = one.register(&desk(), MailboxOptions::bounded(8)).await.unwrap();
    for number in 0..3 {
        other.send(&desk(), sure(Job::Note(number))).await.unwrap();
    }
    let delivery = soon(first.recv()).await.unwrap();
    let leaving = tokio::spawn({
        let one = one.clone();
        async move { one.shutdown(Duration::from_secs(5)).await }
    });
    assert_eq!(delivery.into_message(), Job::Note(0));
    drop(first);
    soon(leaving).await.unwrap();
    let mut second = other.register(&desk(), MailboxOptions::bounded(8)).await.unwrap();
    for number in 1..3 {
        assert_eq!(soon(second.recv()).await.unwrap().into_message(), Job::Note(number));
    }
    assert!(letters(&other).await.is_empty());
}

#[tokio::test]
async fn an_actor_that_stops_leaves_what_it_has_not_begun_to_the_names_next_owner() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let first = one.register(&desk(), MailboxOptions::bounded(8)).await.unwrap();
    for number in 0..2 {
        other.send(&desk(), sure(Job::Note(number))).await.unwrap();
    }
    until(async || one.audit().queued == 1).await;
    drop(first);
    let mut second = soon(async {
        loop {
            match other.register(&desk(), MailboxOptions::bounded(8)).await {
                Ok(inbox) => return inbox,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    })
    .await;
    for number in 0..2 {
        assert_eq!(soon(second.recv()).await.unwrap().into_message(), Job::Note(number));
    }
    assert!(letters(&other).await.is_empty() && one.dead_letters().is_empty());
}

/// A node of its own thread, that ends as a process does that is killed.
struct Doomed {
    kill: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Doomed {
    /// With an actor that says what it has begun with, and never ends.
    async fn start(options: NatsOptions, begun: mpsc::UnboundedSender<Job>) -> Self {
        let (kill, killed) = oneshot::channel::<()>();
        let (ready, is_ready) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let broker: Broker = NatsMessageBroker::with_options(options).await.unwrap();
                let handler = move |envelope: MessageEnvelope<Job>| {
                    begun.send(envelope.into_message()).unwrap();
                    async { std::future::pending::<Result<(), &'static str>>().await }
                };
                let actor = broker.spawn(&desk(), handler).await.unwrap();
                ready.send(()).unwrap();
                drop(killed.await);
                // Nothing says goodbye.
                std::mem::forget((broker, actor));
            });
        });
        soon(is_ready).await.unwrap();
        Self { kill: Some(kill), thread: Some(thread) }
    }

    async fn kill(mut self) {
        drop(self.kill.take());
        let thread = self.thread.take().unwrap();
        tokio::task::spawn_blocking(move || thread.join()).await.unwrap().unwrap();
    }
}
