//! A pool whose members join, fail, panic, drain, stop and leave under load: no message is lost, none goes to a member that
//! has left, and each key's messages are handled in order, by one member at a time.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::pool;
use fastrand::Rng;
use switchboard::actor::{ActorHandle, Inbox, OnPanic, SpawnOptions};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::balancing::Strategy;
use switchboard::broker::{Context, InMemoryMessageBroker, MessageBroker, MessageHandler};
use switchboard::mailbox::MailboxOptions;
use switchboard::message::{Message, MessageEnvelope};
use switchboard::metrics::Outcome;
use tokio::task::JoinSet;

const CHANGES: u32 = 4_000;
const SENDERS: u64 = 4;
const KEYS_OF_EACH: u64 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    Well,
    Fails,
    Panics,
}

/// The so-manieth step of what goes by a key, or something that goes by none.
#[derive(Debug)]
struct Step {
    key: Option<String>,
    number: u64,
    course: Course,
}

impl Message for Step {
    const MESSAGE_TYPE: &'static str = "tests.step";

    fn routing_key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

type Steps = InMemoryMessageBroker<Step>;

/// What was seen of each key, by whoever handled it.
#[derive(Default)]
struct Book {
    pages: Mutex<HashMap<String, Page>>,
    accepted: AtomicU64,
    handled: AtomicU64,
    over: AtomicBool,
}

#[derive(Default)]
struct Page {
    last: u64,
    with: Option<ActorId>,
    moves: u64,
    is_open: bool,
}

impl Book {
    /// A member begins with a step, and holds the key until what is returned is dropped.
    fn open(&self, step: &Step, member: ActorId) -> Option<Open<'_>> {
        let key = step.key.clone()?;
        let mut pages = self.pages.lock().unwrap();
        let page = pages.entry(key.clone()).or_default();
        assert!(!page.is_open, "{key} is with {:?} and with {member}", page.with);
        assert!(page.last < step.number, "{key}: {} after {}", step.number, page.last);
        page.moves += u64::from(page.with.is_some_and(|with| with != member));
        *page = Page { last: step.number, with: Some(member), moves: page.moves, is_open: true };
        Some(Open { book: self, key })
    }

    fn moves(&self) -> u64 {
        self.pages.lock().unwrap().values().map(|page| page.moves).sum()
    }
}

struct Open<'a> {
    book: &'a Book,
    key: String,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.book.pages.lock().unwrap().get_mut(&self.key).unwrap().is_open = false;
    }
}

struct Member {
    book: Arc<Book>,
    /// Whether it has been seen to end.
    gone: Arc<AtomicBool>,
}

impl MessageHandler<Step> for Member {
    type Error = &'static str;

    async fn handle<B: MessageBroker<Step>>(
        &mut self,
        envelope: MessageEnvelope<Step>,
        context: &Context<Step, B>,
    ) -> Result<(), &'static str> {
        assert!(!self.gone.load(Ordering::SeqCst), "it has ended");
        let step = envelope.into_message();
        let _open = self.book.open(&step, context.id());
        for _ in 0..step.number % 3 {
            tokio::task::yield_now().await;
        }
        match step.course {
            Course::Well => {
                self.book.handled.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
            Course::Fails => Err("as it was told to"),
            Course::Panics => std::panic::panic_any("as it was told to"),
        }
    }
}

/// Sends the steps of its keys, each when the one before was accepted, until it is over.
async fn send_steps(broker: Steps, group: ActorAddress, book: Arc<Book>, sender: u64) {
    let mut rng = Rng::with_seed(sender);
    let mut next = [1; KEYS_OF_EACH as usize];
    while !book.over.load(Ordering::SeqCst) {
        let key = rng.usize(..next.len());
        let course = match rng.u8(..) {
            0 => Course::Panics,
            1..=9 => Course::Fails,
            _ => Course::Well,
        };
        let by_key = rng.u8(..4) > 0;
        let step = Step { key: by_key.then(|| format!("{sender}-{key}")), number: next[key], course };
        let sent = if rng.bool() { broker.send(&group, step).await } else { broker.try_send(&group, step) };
        match sent {
            Ok(()) => {
                book.accepted.fetch_add(1, Ordering::SeqCst);
                next[key] += u64::from(by_key);
            }
            Err(_) => tokio::task::yield_now().await,
        }
        if rng.u8(..8) == 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Changes the members of a group, again and again.
struct Changes {
    broker: Steps,
    group: ActorAddress,
    book: Arc<Book>,
    rng: Rng,
    members: Vec<(ActorHandle<Step>, Arc<AtomicBool>)>,
    ending: JoinSet<()>,
}

impl Changes {
    async fn make(&mut self) {
        let most = 2 + self.rng.usize(..6);
        if self.members.len() < most {
            return self.join().await;
        }
        let (member, gone) = self.members.swap_remove(self.rng.usize(..self.members.len()));
        match self.rng.u8(..5) {
            0 => member.stop(),
            1 => member.abort(),
            2 => drop(self.broker.unregister(&member.registration()).await),
            3 => self.receive_by_hand().await,
            _ => {}
        }
        // To drain a member that has been stopped does nothing but wait.
        self.ending.spawn(async move {
            member.drain().await;
            gone.store(true, Ordering::SeqCst);
        });
        while self.ending.try_join_next().is_some_and(|ended| ended.is_ok()) {}
    }

    async fn join(&mut self) {
        let gone = Arc::new(AtomicBool::new(false));
        let (book, shared) = (Arc::clone(&self.book), Arc::clone(&gone));
        let on_panic = if self.rng.bool() { OnPanic::Stop } else { OnPanic::Rebuild };
        let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(1 + self.rng.usize(..8))).on_panic(on_panic);
        let build = move || Member { book: Arc::clone(&book), gone: Arc::clone(&shared) };
        self.members.push((self.broker.spawn_with(&self.group, options, build).await.unwrap(), gone));
    }

    /// A member that receives by hand, leaves, gets nothing from then on, and works off what it has or leaves it.
    async fn receive_by_hand(&mut self) {
        let mut inbox = self.broker.register(&self.group, MailboxOptions::bounded(4)).await.unwrap();
        for _ in 0..self.rng.u8(..20) {
            tokio::task::yield_now().await;
            if let Some(delivery) = inbox.try_recv() {
                self.handle(&inbox, &delivery);
            }
        }
        inbox.close();
        let left_with = inbox.depth();
        for _ in 0..self.rng.u8(..10) {
            tokio::task::yield_now().await;
            assert_eq!(inbox.depth(), left_with, "something came after it had left");
        }
        while let Some(delivery) = inbox.try_recv() {
            self.handle(&inbox, &delivery);
            if self.rng.u8(..8) == 0 {
                break;
            }
        }
    }

    fn handle(&self, inbox: &Inbox<Step, Steps>, delivery: &switchboard::actor::Delivery<Step, Steps>) {
        let _open = self.book.open(delivery.message(), inbox.id());
        self.book.handled.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_out_of_order_while_members_come_and_go() {
    std::panic::set_hook(Box::new(|panic| {
        if panic.payload().downcast_ref() != Some(&"as it was told to") {
            eprintln!("{panic}");
        }
    }));
    // Members fall asleep, too.
    let builder = Steps::builder().default_strategy(Strategy::ConsistentHash).hibernate_after(Duration::ZERO);
    let broker = builder.build().unwrap();
    let (group, book) = (pool("desks"), Arc::new(Book::default()));
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        senders.spawn(send_steps(broker.clone(), group.clone(), Arc::clone(&book), sender));
    }
    let mut changes = Changes {
        broker: broker.clone(),
        group: group.clone(),
        book: Arc::clone(&book),
        rng: Rng::with_seed(7),
        members: Vec::new(),
        ending: JoinSet::new(),
    };
    let mut made = 0;
    // On a busy machine the senders get to little in that time, and what is wanted takes longer to happen.
    while made < CHANGES || (made < 50 * CHANGES && !has_seen_all(&broker)) {
        changes.make().await;
        tokio::task::yield_now().await;
        made += 1;
    }
    book.over.store(true, Ordering::SeqCst);
    while let Some(sender) = tokio::time::timeout(Duration::from_secs(60), senders.join_next()).await.unwrap() {
        sender.unwrap();
    }
    while let Some(ended) = changes.ending.join_next().await {
        ended.unwrap();
    }
    broker.shutdown(Duration::from_secs(60)).await;
    let audit = broker.audit();
    assert!(audit.is_balanced() && audit.is_at_rest(), "{audit:?}");
    let total = broker.metrics().total;
    assert_eq!(total.accepted, book.accepted.load(Ordering::SeqCst));
    assert_eq!(total.outcomes[Outcome::Handled], book.handled.load(Ordering::SeqCst));
    assert!(book.moves() > 100, "keys moved only {} times", book.moves());
    assert!(has_seen_all(&broker), "{total:?}");
}

/// Whether members have gone with work before them, and handlers have panicked and been rebuilt.
fn has_seen_all(broker: &Steps) -> bool {
    let total = broker.metrics().total;
    total.outcomes[Outcome::Abandoned] > 0 && total.panics > 0 && total.rebuilds > 0
}
