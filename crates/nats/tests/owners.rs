//! A name never has two owners that both accept messages: nodes that want it are held up longer than their leases, and the server
//! is killed, while others send to it all the time.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which fail where they panic")]

mod support;

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use support::Server;
use switchboard::actor::StopCause;
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, MessageBroker, MessageHandler};
use switchboard::message::{Message, MessageEnvelope};
use switchboard_nats::{NatsMessageBroker, NatsOptions};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Note(u64);

impl Message for Note {
    const MESSAGE_TYPE: &'static str = "note";
}

type Broker = NatsMessageBroker<Note>;

const LEASE: Duration = Duration::from_millis(600);
const NODES: usize = 3;
const SENDERS: usize = 16;
/// How often a node is held up.
const TROUBLES: usize = 12;

fn desk() -> ActorAddress {
    ActorAddress::named("desk").unwrap()
}

async fn node(server: String) -> Broker {
    let options = NatsOptions::new(server).unwrap().lease(LEASE).connect_timeout(Duration::from_secs(30));
    NatsMessageBroker::with_options(options).await.unwrap()
}

/// Which owner had which message, in the order in which they were handled. Owners are numbered in the order in which they came to own the name.
#[derive(Default)]
struct Ledger {
    owners: AtomicU64,
    taken: Mutex<Vec<(u64, u64)>>,
}

/// An owner of the name: it enters what it gets.
struct Owner {
    number: u64,
    ledger: Arc<Ledger>,
}

impl MessageHandler<Note> for Owner {
    type Error = Infallible;

    async fn started<B: MessageBroker<Note>>(&mut self, _: &Context<Note, B>) -> Result<(), Infallible> {
        self.number = self.ledger.owners.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn handle<B: MessageBroker<Note>>(
        &mut self,
        envelope: MessageEnvelope<Note>,
        _: &Context<Note, B>,
    ) -> Result<(), Infallible> {
        self.ledger.taken.lock().unwrap().push((envelope.message().0, self.number));
        Ok(())
    }

    async fn stopped<B: MessageBroker<Note>>(&mut self, _: &Context<Note, B>, _: &StopCause) {}
}

/// A node of its own thread that wants the name whenever nobody has it, and can be held up as a whole.
struct Contender {
    hold_up: mpsc::Sender<Duration>,
    owns: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Contender {
    fn start(server: String, ledger: Arc<Ledger>) -> Self {
        let (hold_up, held_up) = mpsc::channel::<Duration>();
        let (owns, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (owns, over) = (Arc::clone(&owns), Arc::clone(&over));
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(contend(&server, &ledger, &held_up, (&owns, &over)));
            })
        };
        Self { hold_up, owns, over, thread }
    }
}

async fn contend(
    server: &str,
    ledger: &Arc<Ledger>,
    held_up: &mpsc::Receiver<Duration>,
    (owns, over): (&AtomicBool, &AtomicBool),
) {
    let broker = node(server.to_owned()).await;
    let mut actor = None;
    while !over.load(Ordering::SeqCst) {
        if let Ok(time) = held_up.try_recv() {
            // Nothing that was accepted before is left, so that what is handled afterwards was accepted then.
            while !broker.audit().is_at_rest() {
                tokio::task::yield_now().await;
            }
            // With all that this thread would do, as when the process is stopped.
            std::thread::sleep(time);
        }
        if actor.as_ref().is_none_or(switchboard::actor::ActorHandle::is_finished) {
            let owner = Owner { number: 0, ledger: Arc::clone(ledger) };
            actor = broker.spawn(&desk(), owner).await.ok();
        }
        owns.store(actor.is_some(), Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Sends until it is over, and says how many were accepted.
async fn send(broker: Broker, numbers: Arc<AtomicU64>, over: Arc<AtomicBool>) -> usize {
    let mut accepted = 0;
    while !over.load(Ordering::SeqCst) {
        match broker.send(&desk(), Note(numbers.fetch_add(1, Ordering::SeqCst))).await {
            Ok(()) => accepted += 1,
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
    accepted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_never_has_two_owners_that_both_accept() {
    let mut server = Server::start();
    let ledger = Arc::<Ledger>::default();
    let contenders: Vec<_> = (0..NODES).map(|_| Contender::start(server.url(), Arc::clone(&ledger))).collect();
    let (numbers, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut sending = Vec::new();
    for _ in 0..SENDERS {
        sending.push(tokio::spawn(send(node(server.url()).await, Arc::clone(&numbers), Arc::clone(&over))));
    }
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for trouble in 0..TROUBLES {
        tokio::time::sleep(Duration::from_millis(random.u64(100..500))).await;
        if trouble % 4 == 3 {
            server.kill();
            tokio::time::sleep(Duration::from_millis(random.u64(0..900))).await;
            server.restart();
        } else if let Some(owner) = contenders.iter().find(|contender| contender.owns.load(Ordering::SeqCst)) {
            // Around the length of a lease, which is where it is close.
            owner.hold_up.send(Duration::from_millis(random.u64(400..1_500))).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(random.u64(300..900))).await;
    }
    over.store(true, Ordering::SeqCst);
    let mut accepted = 0;
    for sender in sending {
        accepted += tokio::time::timeout(Duration::from_secs(60), sender).await.unwrap().unwrap();
    }
    for contender in contenders {
        contender.over.store(true, Ordering::SeqCst);
        tokio::task::spawn_blocking(move || contender.thread.join()).await.unwrap().unwrap();
    }
    let (taken, owners) = (ledger.taken.lock().unwrap().clone(), ledger.owners.load(Ordering::SeqCst));
    println!("{owners} owners, {accepted} accepted, {} handled", taken.len());
    assert!(owners > 2 && accepted > 500, "{owners} owners, {accepted} accepted");
    let late = taken.windows(2).find(|pair| pair[0].1 > pair[1].1);
    assert!(late.is_none(), "an owner accepted something after a later one had: {late:?}");
}
