//! A message that panics when it is dropped or cloned takes nothing down but, where it is in one's hands, its own handler or
//! caller: no other message, no actor that did not handle it, not the broker, and not the process.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use common::{Gate, Log, named, poll_once, pool, settle};
use futures_util::FutureExt;
use switchboard::SpawnOptions;
use switchboard::actor::{ActorHandle, OnPanic, StopCause, once};
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, InMemoryMessageBroker, MessageBroker, MessageHandler};
use switchboard::dead_letters::{DeadLetterFilter, DeadLetterOptions, DeadLetterReason};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions, mailbox};
use switchboard::message::{Message, MessageEnvelope};
use switchboard::metrics::Outcome;
use switchboard::retry::{Backoff, RetryPolicy};
use switchboard::topics::{Subject, SubjectPattern};

const SECOND: Duration = Duration::from_secs(1);

/// What a [`Parcel`] does to whoever has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trick {
    None,
    /// Panics whenever it is dropped, be it while another panic goes on.
    Drop,
    /// Panics when it is cloned.
    Clone,
    /// Both.
    Both,
}

/// What its handler is to do with it.
#[derive(Clone, Copy, Debug)]
enum Order {
    Note,
    /// Lets go of it only when it is let go itself.
    Hold,
    /// Returns an error, and forgets the message.
    Fail,
    /// Panics with a message in its payload, and forgets this one.
    Throw,
    /// Answers with a message of the same trick.
    Answer,
}

#[derive(Debug)]
struct Parcel {
    number: u64,
    trick: Trick,
    order: Order,
    /// How many have gone off when they were dropped.
    gone_off: Arc<AtomicUsize>,
}

impl Message for Parcel {
    const MESSAGE_TYPE: &'static str = "parcel";
}

impl Drop for Parcel {
    fn drop(&mut self) {
        if matches!(self.trick, Trick::Drop | Trick::Both) {
            self.gone_off.fetch_add(1, Ordering::SeqCst);
            panic!("parcel {} went off", self.number);
        }
    }
}

impl Clone for Parcel {
    fn clone(&self) -> Self {
        assert!(matches!(self.trick, Trick::None | Trick::Drop), "parcel {} can't be cloned", self.number);
        Self { gone_off: Arc::clone(&self.gone_off), ..*self }
    }
}

impl Parcel {
    /// So that a test which takes it out need not fear it.
    fn defuse(mut self) -> u64 {
        self.trick = Trick::None;
        self.number
    }
}

type Broker = InMemoryMessageBroker<Parcel>;

struct Office {
    broker: Broker,
    gone_off: Arc<AtomicUsize>,
    clerk: Clerk,
}

#[derive(Clone)]
struct Clerk {
    gate: Gate,
    log: Log,
}

impl MessageHandler<Parcel> for Clerk {
    type Error = &'static str;

    async fn handle<B: MessageBroker<Parcel>>(
        &mut self,
        envelope: MessageEnvelope<Parcel>,
        context: &Context<Parcel, B>,
    ) -> Result<(), &'static str> {
        self.log.add(envelope.message().number);
        match envelope.message().order {
            Order::Note => {}
            Order::Hold => self.gate.hold().await,
            Order::Fail => {
                envelope.into_message().defuse();
                return Err("no");
            }
            Order::Throw => {
                let parcel = envelope.into_message();
                let payload =
                    Parcel { trick: parcel.trick, gone_off: Arc::clone(&parcel.gone_off), ..parcel_of(&parcel) };
                parcel.defuse();
                panic_any(payload);
            }
            Order::Answer => {
                let asked = envelope.into_message();
                let answer = Parcel { trick: asked.trick, gone_off: Arc::clone(&asked.gone_off), ..parcel_of(&asked) };
                asked.defuse();
                self.gate.hold().await;
                drop(context.reply(answer).await);
            }
        }
        Ok(())
    }
}

/// The same without its trick.
fn parcel_of(parcel: &Parcel) -> Parcel {
    Parcel { number: parcel.number, trick: Trick::None, order: parcel.order, gone_off: Arc::clone(&parcel.gone_off) }
}

impl Office {
    /// One that keeps `letters` dead letters.
    fn keeping(letters: usize) -> Self {
        let options = DeadLetterOptions::new().capacity(letters);
        Self::of(Broker::builder().dead_letters(options).build().unwrap())
    }

    fn of(broker: Broker) -> Self {
        Self { broker, gone_off: Arc::default(), clerk: Clerk { gate: Gate::new(), log: Log::default() } }
    }

    fn parcel(&self, number: u64, trick: Trick, order: Order) -> Parcel {
        Parcel { number, trick, order, gone_off: Arc::clone(&self.gone_off) }
    }

    fn bomb(&self, number: u64) -> Parcel {
        self.parcel(number, Trick::Drop, Order::Note)
    }

    fn plain(&self, number: u64) -> Parcel {
        self.parcel(number, Trick::None, Order::Note)
    }

    async fn spawn(&self, address: &ActorAddress, mailbox: MailboxOptions) -> ActorHandle<Parcel> {
        self.spawn_with(address, SpawnOptions::new().mailbox(mailbox)).await
    }

    async fn spawn_with(&self, address: &ActorAddress, options: SpawnOptions) -> ActorHandle<Parcel> {
        self.broker.spawn_with(address, options, once(self.clerk.clone())).await.unwrap()
    }

    /// An actor that is held by message 0, which is harmless.
    async fn spawn_held(&self, mailbox: MailboxOptions) -> ActorHandle<Parcel> {
        let actor = self.spawn(&DESK, mailbox).await;
        self.broker.send(&DESK, self.parcel(0, Trick::None, Order::Hold)).await.unwrap();
        self.clerk.gate.arrival().await;
        actor
    }

    /// Asserts that so many went off, each of which the broker has counted, and that it works and nothing is missing.
    async fn assert_stands(&self, gone_off: usize) {
        assert_eq!(self.gone_off.load(Ordering::SeqCst), gone_off);
        assert_eq!(self.broker.metrics().message_panics, gone_off as u64);
        self.assert_works().await;
    }

    async fn assert_works(&self) {
        let audit = self.broker.audit();
        assert!(audit.is_balanced(), "{audit}");
        let test = named("test");
        let mut inbox = self.broker.register(&test, MailboxOptions::bounded(1)).await.unwrap();
        self.broker.send_after(Duration::from_millis(1), &test, self.plain(1)).await.unwrap();
        assert_eq!(common::soon(inbox.recv()).await.unwrap().into_message().number, 1);
        let mut answered = pin!(self.broker.request(&test, self.plain(2)));
        assert!(poll_once(answered.as_mut()).is_pending());
        let asked = common::soon(inbox.recv()).await.unwrap();
        asked.reply(self.plain(3)).await.unwrap();
        assert_eq!(answered.await.unwrap().number, 3);
    }

    fn outcome(&self, outcome: Outcome) -> u64 {
        self.broker.metrics().total.outcomes[outcome]
    }
}

static DESK: LazyLock<ActorAddress> = LazyLock::new(|| named("desk"));

fn twice() -> RetryPolicy {
    RetryPolicy::attempts(2).backoff(Backoff::fixed(SECOND))
}

#[tokio::test(start_paused = true)]
async fn handled_it_is_its_handlers_panic_and_the_others_are_handled() {
    let office = Office::keeping(0);
    let clerk = office.clerk.clone();
    let options = SpawnOptions::new().on_panic(OnPanic::Rebuild);
    let actor = office.broker.spawn_with(&DESK, options, move || clerk.clone()).await.unwrap();
    for parcel in [office.bomb(1), office.plain(2), office.bomb(3), office.plain(4)] {
        office.broker.send(&DESK, parcel).await.unwrap();
    }
    settle().await;
    assert_eq!(office.clerk.log.numbers(), [1, 2, 3, 4]);
    assert_eq!((office.outcome(Outcome::Failed), office.outcome(Outcome::Handled)), (2, 2));
    assert_eq!(office.broker.metrics().total.panics, 2);
    office.assert_works().await;
    assert_eq!(actor.drain().await, StopCause::Drained);
}

#[tokio::test(start_paused = true)]
async fn what_a_panic_carries_may_go_off_as_well() {
    let office = Office::keeping(0);
    let clerk = office.clerk.clone();
    let options = SpawnOptions::new().on_panic(OnPanic::Rebuild);
    let _actor = office.broker.spawn_with(&DESK, options, move || clerk.clone()).await.unwrap();
    office.broker.send(&DESK, office.parcel(1, Trick::Drop, Order::Throw)).await.unwrap();
    office.broker.send(&DESK, office.plain(2)).await.unwrap();
    settle().await;
    assert_eq!((office.clerk.log.numbers(), office.gone_off.load(Ordering::SeqCst)), (vec![1, 2], 1));
    office.assert_works().await;
}

#[tokio::test(start_paused = true)]
async fn evicted_it_does_not_go_off_in_the_hands_of_whoever_sends_another() {
    for strategy in [BackpressureStrategy::DropOldest, BackpressureStrategy::DropNewest] {
        let office = Office::keeping(0);
        let actor = office.spawn_held(MailboxOptions::bounded(1).strategy(strategy)).await;
        for number in 1..=3 {
            office.broker.send(&DESK, office.bomb(number)).await.unwrap();
        }
        assert_eq!(office.outcome(Outcome::Evicted), 2);
        actor.stop();
        office.clerk.gate.let_all_go();
        assert_eq!(actor.join().await, StopCause::Stopped);
        assert_eq!((office.outcome(Outcome::Abandoned), office.outcome(Outcome::Handled)), (1, 1));
        office.assert_stands(3).await;
    }
}

#[tokio::test(start_paused = true)]
async fn expired_or_cancelled_it_does_not_go_off_in_the_actor_that_finds_it() {
    let office = Office::keeping(0);
    let actor = office.spawn_held(MailboxOptions::bounded(8)).await;
    for number in 1..=2 {
        office.broker.send(&DESK, MessageEnvelope::new(office.bomb(number)).within(SECOND)).await.unwrap();
    }
    for number in 3..=4 {
        let mut request = Box::pin(office.broker.request(&DESK, office.bomb(number)));
        assert!(poll_once(request.as_mut()).is_pending());
    }
    office.broker.send(&DESK, office.plain(5)).await.unwrap();
    tokio::time::advance(2 * SECOND).await;
    office.clerk.gate.let_all_go();
    assert_eq!(actor.drain().await, StopCause::Drained);
    assert_eq!(office.clerk.log.numbers(), [0, 5]);
    assert_eq!((office.outcome(Outcome::Expired), office.outcome(Outcome::Cancelled)), (2, 2));
    office.assert_stands(4).await;
}

#[tokio::test(start_paused = true)]
async fn abandoned_at_a_stop_each_ends_whatever_the_others_do() {
    for by_whom in ["stop", "abort", "inbox"] {
        let office = Office::keeping(0);
        let actor = if by_whom == "inbox" {
            let inbox = office.broker.register(&DESK, MailboxOptions::bounded(8)).await.unwrap();
            for number in 1..=4 {
                office.broker.send(&DESK, office.bomb(number)).await.unwrap();
            }
            drop(inbox);
            None
        } else {
            let actor = office.spawn_held(MailboxOptions::bounded(8)).await;
            for number in 1..=4 {
                office.broker.send(&DESK, office.bomb(number)).await.unwrap();
            }
            Some(actor)
        };
        if let Some(actor) = actor {
            if by_whom == "stop" {
                actor.stop()
            } else {
                actor.abort()
            }
            office.clerk.gate.let_all_go();
            actor.join().await;
        }
        let in_hand = u64::from(by_whom == "abort");
        assert_eq!(office.outcome(Outcome::Abandoned), 4 + in_hand, "{by_whom}");
        office.assert_stands(4).await;
    }
}

#[tokio::test(start_paused = true)]
async fn in_hand_of_a_handler_that_is_ended_it_takes_nothing_along() {
    let office = Office::keeping(0);
    let actor = office.spawn(&DESK, MailboxOptions::bounded(8)).await;
    office.broker.send(&DESK, office.parcel(1, Trick::Drop, Order::Hold)).await.unwrap();
    office.clerk.gate.arrival().await;
    for number in 2..=3 {
        office.broker.send(&DESK, office.bomb(number)).await.unwrap();
    }
    let envelope = MessageEnvelope::new(office.bomb(4)).at_least_once();
    office.broker.send(&DESK, envelope).await.unwrap();
    actor.abort();
    actor.join().await;
    assert_eq!(office.outcome(Outcome::Abandoned), 4);
    // The one in hand is the handler's own.
    assert_eq!((office.gone_off.load(Ordering::SeqCst), office.broker.metrics().message_panics), (4, 3));
    office.assert_works().await;
}

#[tokio::test(start_paused = true)]
async fn pushed_out_of_a_full_store_it_does_not_go_off_in_whoever_adds_another() {
    let office = Office::keeping(2);
    for number in 1..=5 {
        let inbox = office.broker.register(&DESK, MailboxOptions::bounded(1)).await.unwrap();
        office.broker.send(&DESK, office.bomb(number)).await.unwrap();
        drop(inbox);
    }
    let letters = office.broker.dead_letters().take(&DeadLetterFilter::all());
    let numbers: Vec<_> = letters.into_iter().map(|letter| letter.envelope.into_message().defuse()).collect();
    assert_eq!((numbers, office.broker.dead_letters().dropped()), (vec![4, 5], 3));
    office.assert_stands(3).await;
}

#[tokio::test(start_paused = true)]
async fn letters_that_come_back_to_a_store_that_is_full_by_then_end_one_by_one() {
    let office = Office::keeping(4);
    let leave = async |numbers: std::ops::RangeInclusive<u64>| {
        let inbox = office.broker.register(&DESK, MailboxOptions::bounded(8)).await.unwrap();
        for number in numbers {
            office.broker.send(&DESK, office.bomb(number)).await.unwrap();
        }
        drop(inbox);
    };
    leave(1..=4).await;
    let refused = office.broker.dead_letters().redrive(&DeadLetterFilter::all()).refused.len();
    assert_eq!((refused, office.broker.dead_letters().len()), (4, 4));
    leave(5..=8).await;
    office.assert_stands(4).await;
    // Each of the rest ends with the broker, though all of them go off.
    let gone_off = Arc::clone(&office.gone_off);
    drop(office);
    settle().await;
    assert_eq!(gone_off.load(Ordering::SeqCst), 8);
}

#[tokio::test(start_paused = true)]
async fn reading_letters_of_which_one_can_not_be_cloned_loses_none() {
    let office = Office::keeping(8);
    let inbox = office.broker.register(&DESK, MailboxOptions::bounded(8)).await.unwrap();
    for (number, trick) in [(1, Trick::Drop), (2, Trick::Drop), (3, Trick::Clone)] {
        office.broker.send(&DESK, office.parcel(number, trick, Order::Note)).await.unwrap();
    }
    drop(inbox);
    let letters = office.broker.dead_letters();
    let read = catch_unwind(AssertUnwindSafe(|| letters.read(&DeadLetterFilter::all()).len()));
    assert!(read.is_err(), "the panic is the reader's");
    assert_eq!(letters.len(), 3);
    let taken = letters.take(&DeadLetterFilter::all());
    let numbers: Vec<_> = taken.into_iter().map(|letter| letter.envelope.into_message().defuse()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    office.assert_stands(2).await;
}

#[tokio::test(start_paused = true)]
async fn published_to_several_of_whom_some_have_no_room_it_goes_to_the_others() {
    let office = Office::keeping(0);
    let pattern = SubjectPattern::new("post.>").unwrap();
    let subscribe = async |room| {
        office
            .broker
            .subscribe(pattern.clone(), MailboxOptions::bounded(room).strategy(BackpressureStrategy::Error))
            .await
    };
    let (full, roomy, last) = (subscribe(1).await.unwrap(), subscribe(8).await.unwrap(), subscribe(1).await.unwrap());
    let subject = Subject::new("post.in").unwrap();
    let first = office.broker.publish(&subject, office.plain(1)).await;
    assert_eq!(first.delivered, 3);
    let second = office.broker.publish(&subject, office.bomb(2)).await;
    assert_eq!((second.delivered, second.refused), (1, 2));
    assert_eq!(roomy.depth(), 2);
    let copies = office.gone_off.load(Ordering::SeqCst);
    assert_eq!(office.broker.metrics().message_panics, copies as u64, "those nobody took");

    let publish = AssertUnwindSafe(office.broker.publish(&subject, office.parcel(3, Trick::Both, Order::Note)));
    assert!(publish.catch_unwind().await.is_err(), "the panic is the publisher's");
    drop((full, roomy, last));
    assert_eq!(office.broker.metrics().publishing.published, 3);
    let panics = office.gone_off.load(Ordering::SeqCst);
    office.assert_stands(panics).await;
}

#[tokio::test(start_paused = true)]
async fn for_all_members_of_a_group_one_that_can_not_be_cloned_ends_nobody() {
    let office = Office::keeping(0);
    office.broker.set_broadcast(&pool("desks")).unwrap();
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(office.spawn(&pool("desks"), MailboxOptions::bounded(8)).await);
    }
    let scheduled = office.parcel(1, Trick::Clone, Order::Note);
    office.broker.send_after(SECOND, &pool("desks"), scheduled).await.unwrap();
    office.broker.send_after(SECOND, &pool("desks"), office.plain(2)).await.unwrap();
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(office.clerk.log.numbers().iter().filter(|number| **number == 2).count(), 3);
    assert_eq!(office.broker.metrics().message_panics, 1);
    office.assert_works().await;
}

#[tokio::test(start_paused = true)]
async fn sent_at_least_once_its_copy_goes_off_in_nobodys_hands() {
    let office = Office::keeping(0);
    let actor = office.spawn(&DESK, MailboxOptions::bounded(8)).await;
    let send = async |parcel| {
        office.broker.send(&DESK, MessageEnvelope::new(parcel).at_least_once().with_retry(twice())).await.unwrap()
    };
    // Fails twice, and the copy is let go of.
    send(office.parcel(1, Trick::Drop, Order::Fail)).await;
    // Has no copy.
    send(office.parcel(2, Trick::Clone, Order::Note)).await;
    send(office.plain(3)).await;
    tokio::time::sleep(3 * SECOND).await;
    assert_eq!(office.clerk.log.numbers(), [1, 3, 1]);
    assert_eq!((office.outcome(Outcome::Failed), office.outcome(Outcome::Handled)), (2, 1));
    assert_eq!((office.gone_off.load(Ordering::SeqCst), office.broker.metrics().message_panics), (1, 2));
    // Waits for its next attempt when all ends.
    send(office.parcel(4, Trick::Drop, Order::Fail)).await;
    settle().await;
    assert_eq!(office.broker.audit().waiting, 1);
    office.assert_works().await;
    actor.stop();
    assert_eq!(actor.join().await, StopCause::Stopped);
    office.broker.shutdown(SECOND).await;
    let audit = office.broker.audit();
    assert!(audit.is_balanced() && audit.is_at_rest(), "{audit}");
    assert_eq!((office.gone_off.load(Ordering::SeqCst), office.broker.metrics().message_panics), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn scheduled_it_does_not_end_the_task_that_keeps_the_time() {
    let office = Office::keeping(0);
    let broker = &office.broker;
    broker.send_after(SECOND, &DESK, office.bomb(1)).await.unwrap();
    broker
        .send_after(SECOND, &DESK, MessageEnvelope::new(office.bomb(2)).within(Duration::ZERO))
        .await
        .unwrap_err()
        .into_inner()
        .defuse();
    // Nobody takes its copies, and then there are none.
    let refused = broker.send_every(SECOND, &DESK, office.bomb(3)).await.unwrap();
    let uncloned = broker.send_every(SECOND, &DESK, office.parcel(4, Trick::Both, Order::Note)).await.unwrap();
    tokio::time::sleep(SECOND * 5 / 2).await;
    assert_eq!((refused.missed(), uncloned.missed(), office.outcome(Outcome::Abandoned)), (2, 2, 1));
    assert_eq!(office.gone_off.load(Ordering::SeqCst), 3);
    assert_eq!(broker.metrics().message_panics, 5, "two of which were clones");
    refused.cancel();
    uncloned.cancel();
    assert_eq!(office.gone_off.load(Ordering::SeqCst), 5);
    office.assert_works().await;
}

#[tokio::test(start_paused = true)]
async fn replies_that_are_late_or_unread_go_off_in_nobodys_hands() {
    let office = Office::keeping(0);
    let actor = office.spawn(&DESK, MailboxOptions::bounded(8)).await;
    for is_late in [true, false] {
        let mut request = Box::pin(office.broker.request(&DESK, office.parcel(1, Trick::Drop, Order::Answer)));
        assert!(poll_once(request.as_mut()).is_pending());
        office.clerk.gate.arrival().await;
        if is_late {
            drop(request);
            office.clerk.gate.let_go(1);
            settle().await;
        } else {
            office.clerk.gate.let_go(1);
            settle().await;
            drop(request);
        }
    }
    assert_eq!(office.broker.metrics().late_replies, 1);
    assert_eq!((office.outcome(Outcome::Handled), office.broker.metrics().total.panics), (2, 0));
    office.assert_stands(2).await;
    assert_eq!(actor.drain().await, StopCause::Drained);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_handled_before_goes_off_in_nobodys_hands() {
    let office = Office::keeping(0);
    let options = SpawnOptions::new().duplicate_window(8);
    let actor = office.spawn_with(&DESK, options).await;
    let first = MessageEnvelope::new(office.plain(1));
    let mut again = first.clone();
    *again.message_mut() = office.bomb(1);
    office.broker.send(&DESK, first).await.unwrap();
    office.broker.send(&DESK, again).await.unwrap();
    settle().await;
    assert_eq!((office.outcome(Outcome::Handled), office.outcome(Outcome::Duplicate)), (1, 1));
    office.assert_stands(1).await;
    assert_eq!(actor.drain().await, StopCause::Drained);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_hibernates_survives_what_it_finds_when_it_wakes() {
    let options = DeadLetterOptions::new().capacity(0);
    let office = Office::of(Broker::builder().dead_letters(options).hibernate_after(SECOND).build().unwrap());
    let actor = office.spawn(&DESK, MailboxOptions::bounded(8)).await;
    let rest = async || {
        tokio::time::sleep(5 * SECOND).await;
        assert!(office.broker.metrics().actors.iter().any(|actor| actor.hibernates));
    };
    rest().await;
    let mut request = Box::pin(office.broker.request(&DESK, office.bomb(1)));
    assert!(poll_once(request.as_mut()).is_pending());
    drop(request);
    settle().await;
    assert_eq!(office.outcome(Outcome::Cancelled), 1);
    office.broker.send(&DESK, office.plain(2)).await.unwrap();
    settle().await;
    assert_eq!(office.clerk.log.numbers(), [2]);
    rest().await;
    for number in 3..=4 {
        office.broker.try_send(&DESK, office.bomb(number)).unwrap();
    }
    actor.stop();
    assert_eq!(actor.join().await, StopCause::Stopped);
    assert_eq!(office.outcome(Outcome::Abandoned), 2);
    office.assert_stands(3).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_all_that_waits_anywhere_though_each_goes_off() {
    let office = Office::keeping(1);
    let actor = office.spawn_held(MailboxOptions::bounded(8)).await;
    for number in 1..=3 {
        office.broker.send(&DESK, office.bomb(number)).await.unwrap();
        office.broker.send_after(1_000 * SECOND, &DESK, office.bomb(10 + number)).await.unwrap();
        office.broker.send_every(1_000 * SECOND, &DESK, office.bomb(20 + number)).await.unwrap();
    }
    let report = office.broker.shutdown(SECOND).await;
    // The one in the handler, three in its mailbox, and three that were not due.
    assert_eq!((report.aborted, report.abandoned), (1, 7));
    assert_eq!(actor.join().await, StopCause::Aborted);
    let audit = office.broker.audit();
    assert!(audit.is_balanced() && audit.is_at_rest(), "{audit}");
    let kept = usize::from(matches!(
        &office.broker.dead_letters().list(&DeadLetterFilter::all())[..],
        [letter] if letter.reason == DeadLetterReason::ShutDown
    ));
    let gone_off = office.gone_off.load(Ordering::SeqCst);
    assert_eq!(office.broker.metrics().message_panics, gone_off as u64);
    assert!(kept == 1 && (8..=9).contains(&gone_off), "all of them but what is kept: {gone_off}");
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_dropped_with_all_it_holds_ends_each() {
    let office = Office::keeping(8);
    let inbox = office.broker.register(&DESK, MailboxOptions::bounded(8)).await.unwrap();
    for number in 1..=2 {
        office.broker.send(&DESK, office.bomb(number)).await.unwrap();
        drop(office.broker.send_after(1_000 * SECOND, &DESK, office.bomb(10 + number)).await.unwrap());
        drop(office.broker.send_every(1_000 * SECOND, &DESK, office.bomb(20 + number)).await.unwrap());
    }
    drop(inbox);
    let gone_off = Arc::clone(&office.gone_off);
    drop(office);
    settle().await;
    assert_eq!(gone_off.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn a_mailbox_without_a_broker_ends_each_that_is_left_in_it() {
    let office = Office::keeping(0);
    let (sender, receiver) = mailbox(MailboxOptions::bounded(8)).unwrap();
    for number in 1..=3 {
        assert!(sender.try_send(office.bomb(number)).unwrap().evicted.is_none());
    }
    drop(receiver);
    assert_eq!(office.gone_off.load(Ordering::SeqCst), 3);
}
