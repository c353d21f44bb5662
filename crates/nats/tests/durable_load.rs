//! At least once under load, while the server and a node are killed: what was confirmed is handled, and how much of it twice is
//! counted. `SWITCHBOARD_MESSAGES` says how many messages there are.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which fail where they panic")]

mod support;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use support::{Cluster, Server};
use switchboard::actor::ActorHandle;
use switchboard::address::ActorAddress;
use switchboard::broker::MessageBroker;
use switchboard::message::{Message, MessageEnvelope};
use switchboard::retry::{Backoff, RetryPolicy};
use switchboard_nats::{DurableOptions, NatsMessageBroker, NatsOptions};
use tokio::sync::oneshot;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    lane: usize,
    number: usize,
}

impl Message for Note {
    const MESSAGE_TYPE: &'static str = "note";
}

type Broker = NatsMessageBroker<Note>;

/// Names, each with a sender of its own, so that their order can be told.
const NAMES: usize = 8;
/// Senders to the pool.
const POOLED: usize = 24;
const LANES: usize = NAMES + POOLED;

fn messages() -> usize {
    std::env::var("SWITCHBOARD_MESSAGES").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000)
}

/// Where the messages of a lane go.
fn address(lane: usize) -> ActorAddress {
    if lane < NAMES { format!("named:desk.{lane}").parse().unwrap() } else { ActorAddress::pool("readers").unwrap() }
}

/// What was handled, of each lane, in order; and how much was confirmed.
#[derive(Clone)]
struct Book {
    handled: Arc<Vec<Mutex<Vec<usize>>>>,
    confirmed: Arc<AtomicUsize>,
}

impl Book {
    fn new() -> Self {
        Self { handled: Arc::new((0..LANES).map(|_| Mutex::default()).collect()), confirmed: Arc::default() }
    }

    async fn spawn(&self, broker: &Broker, to: &ActorAddress) -> Option<ActorHandle<Note>> {
        let handled = Arc::clone(&self.handled);
        let handler = move |envelope: MessageEnvelope<Note>| {
            let Note { lane, number } = envelope.into_message();
            handled[lane].lock().unwrap().push(number);
            async { Ok::<_, Infallible>(()) }
        };
        broker.spawn(to, handler).await.ok()
    }

    /// Waits until so many have been confirmed.
    async fn reaches(&self, count: usize) {
        let waiting = async {
            while self.confirmed.load(Ordering::Relaxed) < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(240), waiting).await.expect("messages are confirmed");
    }
}

async fn node(servers: &str, replicas: usize) -> Broker {
    let durable = DurableOptions::new().ack_wait(Duration::from_secs(3));
    let options = NatsOptions::new(servers).unwrap().lease(Duration::from_secs(3)).replicas(replicas).durable(durable);
    NatsMessageBroker::with_options(options.connect_timeout(Duration::from_secs(60))).await.unwrap()
}

/// Sends a lane's share, one after the other, and gives what was confirmed.
async fn send_lane(broker: Broker, lane: usize, share: usize, book: Book) -> Vec<usize> {
    let policy = RetryPolicy::attempts(10_000).backoff(Backoff::fixed(Duration::from_millis(50)));
    let mut confirmed = Vec::new();
    for number in 0..share {
        let envelope = MessageEnvelope::new(Note { lane, number }).at_least_once().with_retry(policy);
        // What is not known to be stored counts as not confirmed, and may be handled.
        if broker.send(&address(lane), envelope).await.is_ok() {
            confirmed.push(number);
        }
        book.confirmed.fetch_add(1, Ordering::Relaxed);
    }
    confirmed
}

/// A node of its own thread, which has half of the names and a member of the pool, and is killed.
fn doomed(servers: String, replicas: usize, book: Book) -> (oneshot::Sender<()>, std::thread::JoinHandle<()>) {
    let (kill, killed) = oneshot::channel::<()>();
    let (ready, is_ready) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let broker = node(&servers, replicas).await;
            let mut actors = Vec::new();
            for lane in (NAMES / 2)..=NAMES {
                actors.push(book.spawn(&broker, &address(lane)).await.unwrap());
            }
            ready.send(()).unwrap();
            drop(killed.await);
            // Nothing says goodbye: its tasks and connections end with the runtime.
            std::mem::forget((broker, actors));
        });
    });
    is_ready.recv().unwrap();
    (kill, thread)
}

/// Sends all, makes trouble at a third and two thirds, and checks.
async fn run(servers: String, replicas: usize, count: usize, mut trouble: impl AsyncFnMut()) {
    let (book, began) = (Book::new(), Instant::now());
    let (kill, thread) = {
        let (servers, book) = (servers.clone(), book.clone());
        tokio::task::spawn_blocking(move || doomed(servers, replicas, book)).await.unwrap()
    };
    let (stays, sender) = (node(&servers, replicas).await, node(&servers, replicas).await);
    let mut actors = Vec::new();
    for lane in (0..NAMES / 2).chain([NAMES]) {
        actors.push(book.spawn(&stays, &address(lane)).await.unwrap());
    }
    let share = count / LANES;
    let sending: Vec<_> =
        (0..LANES).map(|lane| tokio::spawn(send_lane(sender.clone(), lane, share, book.clone()))).collect();
    book.reaches(count / 4).await;
    trouble().await;
    book.reaches(count / 2).await;
    drop(kill);
    tokio::task::spawn_blocking(move || thread.join()).await.unwrap().unwrap();
    // Somebody else takes its names, when its lease has ended.
    for lane in (NAMES / 2)..NAMES {
        let taking = async {
            loop {
                if let Some(actor) = book.spawn(&stays, &address(lane)).await {
                    return actor;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        actors.push(tokio::time::timeout(Duration::from_secs(60), taking).await.expect("its lease ends"));
    }
    book.reaches(count * 3 / 4).await;
    trouble().await;
    let mut confirmed = Vec::new();
    for lane in sending {
        let lane = tokio::time::timeout(Duration::from_secs(240), lane).await.expect("the senders come to an end");
        confirmed.push(lane.unwrap());
    }
    let sent = began.elapsed();
    settle(&book, &confirmed).await;
    report(&book, &confirmed, count, (sent, began.elapsed()));
    assert!(stays.cluster_dead_letters().unwrap().list(0, 1).await.unwrap().is_empty());
    assert!(stays.audit().is_balanced() && sender.audit().is_balanced());
}

/// Waits until all that was confirmed has been handled.
async fn settle(book: &Book, confirmed: &[Vec<usize>]) {
    let all_handled = || {
        confirmed.iter().zip(book.handled.iter()).all(|(confirmed, handled)| {
            let handled: std::collections::BTreeSet<_> = handled.lock().unwrap().iter().copied().collect();
            confirmed.iter().all(|number| handled.contains(number))
        })
    };
    let settling = async {
        while !all_handled() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), settling).await.expect("nothing that was confirmed is lost");
}

fn report(book: &Book, confirmed: &[Vec<usize>], all: usize, (sent, handled_in): (Duration, Duration)) {
    let (mut handled, mut distinct) = (0, 0);
    for (lane, numbers) in book.handled.iter().enumerate() {
        let numbers = numbers.lock().unwrap();
        let mut times = BTreeMap::<_, usize>::new();
        let mut firsts = Vec::new();
        for number in numbers.iter() {
            let times = times.entry(*number).or_default();
            *times += 1;
            if *times == 1 {
                firsts.push(*number);
            }
        }
        (handled, distinct) = (handled + numbers.len(), distinct + times.len());
        assert!(lane >= NAMES || firsts.is_sorted(), "a name's messages are first handled in their order");
    }
    let count: usize = confirmed.iter().map(Vec::len).sum();
    let again = handled - distinct;
    println!("{count} confirmed in {sent:.1?}, {distinct} handled in {handled_in:.1?}, {again} of them again");
    assert!(count * 100 >= (all - LANES) * 99, "{count} were confirmed");
    // Those in hand, and those whose acknowledgement the server had not written when it was killed.
    assert!(again * 50 < all, "{again} were handled again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_confirmed_is_lost_when_the_server_and_a_node_are_killed() {
    let server = Mutex::new(Server::start());
    let url = server.lock().unwrap().url();
    run(url, 1, messages(), async || {
        let mut server = server.lock().unwrap();
        server.kill();
        server.restart();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_when_the_leader_of_a_cluster_is_killed() {
    let cluster = Mutex::new(Cluster::start());
    let urls = cluster.lock().unwrap().urls(0);
    // Fewer, as each takes longer.
    run(urls, 3, messages() / 4, async || {
        let urls = cluster.lock().unwrap().urls(0);
        let leader = leader(&urls).await;
        let mut cluster = cluster.lock().unwrap();
        cluster.servers[leader].kill();
        cluster.servers[leader].restart();
    })
    .await;
}

/// The place of the server that leads the stream.
async fn leader(urls: &str) -> usize {
    let servers: Vec<_> = urls.split(',').map(str::to_owned).collect();
    let context = async_nats::jetstream::new(async_nats::connect(servers).await.unwrap());
    loop {
        if let Ok(mut stream) = context.get_stream("switchboard-work").await
            && let Some(leader) =
                stream.info().await.unwrap().cluster.as_ref().and_then(|cluster| cluster.leader.clone())
        {
            return leader.trim_start_matches('s').parse().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
