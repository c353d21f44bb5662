//! At least once, across nodes: what the server has confirmed is handled to its end by somebody, or is a dead letter that every
//! node sees.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which fail where they panic")]

mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::consumer::pull;
use serde::{Deserialize, Serialize};
use support::Server;
use switchboard::actor::Inbox;
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, MessageBroker, MessageHandler, SendErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::mailbox::MailboxOptions;
use switchboard::message::{Message, MessageEnvelope};
use switchboard::retry::{Backoff, RetryPolicy};
use switchboard_nats::{
    ClusterDeadLetter, ClusterDeadLettersError, ClusterReason, DurableOptions, NatsMessageBroker, NatsOptions,
};
use tokio::sync::{mpsc, oneshot};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Job {
    Note(u64),
    /// Fails the first so many times.
    Fails(u64, u32),
    Reject,
}

impl Message for Job {
    const MESSAGE_TYPE: &'static str = "job";
}

type Broker = NatsMessageBroker<Job>;

fn options(server: &Server, durable: DurableOptions) -> NatsOptions {
    NatsOptions::new(server.url()).unwrap().lease(Duration::from_millis(900)).durable(durable)
}

fn quick() -> DurableOptions {
    DurableOptions::new().ack_wait(Duration::from_millis(600))
}

async fn node(server: &Server) -> Broker {
    NatsMessageBroker::with_options(options(server, quick())).await.unwrap()
}

fn desk() -> ActorAddress {
    ActorAddress::named("desk").unwrap()
}

fn pool() -> ActorAddress {
    ActorAddress::pool("readers").unwrap()
}

fn sure(job: Job) -> MessageEnvelope<Job> {
    MessageEnvelope::new(job).at_least_once()
}

/// Long enough for whatever must happen, however busy the machine is.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what).await.expect("it happens soon")
}

async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    soon(async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// What actors have handled, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u64>>>);

impl Log {
    fn numbers(&self) -> Vec<u64> {
        self.0.lock().unwrap().clone()
    }

    async fn has(&self, count: usize) {
        until(async || self.numbers().len() >= count).await;
    }
}

struct Clerk(Log);

impl MessageHandler<Job> for Clerk {
    type Error = &'static str;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), &'static str> {
        let number = match *envelope.message() {
            Job::Note(number) => number,
            Job::Fails(_, times) if envelope.attempt() <= times => return Err("no ink"),
            Job::Fails(number, _) => number,
            Job::Reject => return Err(context.reject("never")),
        };
        self.0.0.lock().unwrap().push(number);
        Ok(())
    }
}

/// What waits in the stream.
async fn waiting(server: &Server) -> u64 {
    let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let mut work = context.get_stream("switchboard-work").await.unwrap();
    work.info().await.unwrap().state.messages
}

async fn letters(broker: &Broker) -> Vec<ClusterDeadLetter<Job>> {
    broker.cluster_dead_letters().unwrap().list(0, 100).await.unwrap()
}

async fn one_letter(broker: &Broker) -> ClusterDeadLetter<Job> {
    until(async || letters(broker).await.len() == 1).await;
    letters(broker).await.remove(0)
}

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
