//! A deadline travels with its message, is checked before the handler runs, and is what the handler's own messages
//! inherit.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::time::Duration;

use common::{Broker, Job, Worker, assert_at_rest, inbox, named, numbers_of, take_letters};
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, MessageBroker, MessageHandler, Ran, SendErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::message::{Message, MessageEnvelope};
use switchboard::metrics::Outcome;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, advance};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_message_that_expires_in_the_mailbox_is_not_handled_but_a_dead_letter() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let actor = worker.spawn_held(&broker, &desk, 8).await;
    broker.send(&desk, Job::Note(1).within(SECOND)).await.unwrap();
    broker.send(&desk, Job::Note(2).within(3 * SECOND)).await.unwrap();
    advance(2 * SECOND).await;
    worker.gate.let_all_go();
    actor.drain().await;

    assert_eq!(worker.log.numbers(), [0, 2]);
    let letters = take_letters(&broker);
    assert_eq!(numbers_of(&letters, DeadLetterReason::Expired), [1]);
    let expected = [(Outcome::Handled, 2), (Outcome::Expired, 1)];
    assert_at_rest(&broker.metrics().total, &expected);
}

#[tokio::test(start_paused = true)]
async fn a_message_expires_at_its_deadline_and_not_before() {
    for (waited, handled) in [(SECOND - Duration::from_nanos(1), 1), (SECOND, 0)] {
        let (broker, desk) = (Broker::new(), named("desk"));
        let mut inbox = inbox(&broker, &desk, 8).await;
        let envelope = MessageEnvelope::new(Job::Note(1)).with_deadline(Instant::now() + SECOND);
        broker.send(&desk, envelope).await.unwrap();
        advance(waited).await;
        assert_eq!(inbox.try_recv().into_iter().count(), handled, "{waited:?}");
        assert_eq!(take_letters(&broker).len(), 1 - handled);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_without_a_deadline_never_expires() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    broker.send(&desk, Job::Note(1)).await.unwrap();
    let for_ever = Job::Note(2).within(Duration::MAX);
    broker.send(&desk, for_ever).await.unwrap();
    advance(1_000_000 * SECOND).await;
    for number in 1..3 {
        let delivery = inbox.recv().await.unwrap();
        assert_eq!(delivery.envelope().remaining(), None);
        assert_eq!(delivery.into_message(), Job::Note(number));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_may_wait_for_ever() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    worker.spawn(&broker, &desk, 8).await;
    let request = broker.request(&desk, Job::Hold(1).within(Duration::MAX));
    let waiting = async {
        worker.gate.arrival().await;
        advance(1_000_000 * SECOND).await;
        worker.gate.let_all_go();
    };
    let (reply, ()) = tokio::join!(request, waiting);
    assert_eq!(reply.unwrap(), Job::Answer(1));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_zero_is_an_error_with_the_message_inside() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let inbox = inbox(&broker, &desk, 8).await;
    let none = Duration::ZERO;
    let route = broker.route(&desk).unwrap();
    for error in [
        broker.send(&desk, Job::Note(1).within(none)).await.unwrap_err(),
        broker.try_send(&desk, Job::Note(1).within(none)).unwrap_err(),
        route.try_send(Job::Note(1).within(none)).unwrap_err(),
    ] {
        assert_eq!(error.kind(), SendErrorKind::Expired);
        assert!(!error.is_retryable(), "it would expire again");
        assert_eq!(error.into_inner(), Job::Note(1));
    }
    let asked = broker.request(&desk, Job::Echo(2).within(none)).await;
    let error = asked.unwrap_err();
    assert_eq!((error.is_timeout(), error.ran()), (true, Ran::Never));
    assert_eq!(error.into_inner(), Some(Job::Echo(2)));
    assert_eq!(inbox.depth(), 0);
    assert_eq!(broker.metrics().total.accepted, 0);
}

/// What a handler saw of its own deadline.
type Seen = (Option<Instant>, Option<Duration>);

/// Passes each message on: notes by sending, everything else by asking, with the time that the number says in
/// seconds, or none of its own for 0.
struct Relay {
    to: ActorAddress,
    seen: UnboundedSender<Seen>,
}

impl MessageHandler<Job> for Relay {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        let _ = self.seen.send((context.deadline(), context.remaining()));
        let number = common::number_of(envelope.message());
        let mut on = MessageEnvelope::new(envelope.message().clone());
        if number > 0 {
            on = on.within(number as u32 * SECOND);
        }
        if envelope.message() == &Job::Note(number) {
            context.send(&self.to, on).await.map_err(|e| e.to_string())
        } else {
            let reply = context.request(&self.to, on).await;
            reply.map(drop).map_err(|e| e.to_string())
        }
    }
}

/// A relay between `front` and an inbox at `back`.
async fn relay(broker: &Broker) -> UnboundedReceiver<Seen> {
    let (seen, sees) = mpsc::unbounded_channel();
    let to = named("back");
    broker.spawn(&named("front"), Relay { to, seen }).await.unwrap();
    sees
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_sends_and_asks_has_the_time_that_its_own_message_has() {
    let broker = Broker::new();
    let mut back = inbox(&broker, &named("back"), 8).await;
    let mut seen = relay(&broker).await;
    for job in [Job::Note(0), Job::Echo(0)] {
        let deadline = Instant::now() + 5 * SECOND;
        let envelope = MessageEnvelope::new(job).with_deadline(deadline);
        broker.send(&named("front"), envelope).await.unwrap();
        let delivery = back.recv().await.unwrap();
        assert_eq!(delivery.envelope().deadline(), Some(deadline));
        let expected = (Some(deadline), Some(5 * SECOND));
        assert_eq!(seen.recv().await, Some(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn of_its_own_deadline_and_the_inherited_one_the_earlier_wins() {
    let broker = Broker::new();
    let mut back = inbox(&broker, &named("back"), 8).await;
    relay(&broker).await;
    for (own, inherited, wins) in [(2, 5, 2), (5, 2, 2), (4, 0, 4)] {
        let mut envelope = MessageEnvelope::new(Job::Note(own));
        if inherited > 0 {
            envelope = envelope.within(inherited * SECOND);
        }
        broker.send(&named("front"), envelope).await.unwrap();
        let delivery = back.recv().await.unwrap();
        assert_eq!(delivery.envelope().remaining(), Some(wins * SECOND));
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_without_a_deadline_passes_none_on() {
    let broker = Broker::new();
    let mut back = inbox(&broker, &named("back"), 8).await;
    let mut seen = relay(&broker).await;
    broker.send(&named("front"), Job::Note(0)).await.unwrap();
    let delivery = back.recv().await.unwrap();
    assert_eq!(delivery.envelope().deadline(), None);
    assert_eq!(seen.recv().await, Some((None, None)));
}

#[tokio::test(start_paused = true)]
async fn an_inherited_deadline_ends_the_inner_request_in_time_for_the_outer() {
    let broker = Broker::new();
    let _back = inbox(&broker, &named("back"), 8).await;
    relay(&broker).await;
    let start = Instant::now();
    let front = named("front");
    let asked = broker.request(&front, Job::Echo(9).within(2 * SECOND));
    assert!(asked.await.is_err());
    assert_eq!(start.elapsed().as_secs(), 2);
    common::settle().await;
    assert_eq!(broker.metrics().requests_in_flight, 0);
    assert_eq!(broker.metrics().total.in_handlers, 0, "it waits no longer");
}

#[tokio::test(start_paused = true)]
async fn the_remaining_time_runs_down_to_zero() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    broker.send(&desk, Job::Note(1).within(3 * SECOND)).await.unwrap();
    advance(SECOND).await;
    let delivery = inbox.recv().await.unwrap();
    assert_eq!(delivery.envelope().remaining(), Some(2 * SECOND));
    advance(9 * SECOND).await;
    assert_eq!(delivery.envelope().remaining(), Some(Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_deadline_passes_while_it_waits_for_room_comes_back() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 1).await;
    broker.send(&desk, Job::Note(1)).await.unwrap();
    let start = Instant::now();
    let sent = broker.send(&desk, Job::Note(2).within(SECOND)).await;
    let error = sent.unwrap_err();
    assert_eq!(error.kind(), SendErrorKind::TimedOut);
    assert_eq!(start.elapsed().as_secs(), 1);
    assert_eq!(error.into_inner(), Job::Note(2));
    inbox.recv().await.unwrap();
    assert!(inbox.try_recv().is_none());
    assert!(take_letters(&broker).is_empty());
}

/// A message that is worth handling for a second, unless its sender says otherwise.
#[derive(Debug, PartialEq)]
struct Quote(u32);

impl Message for Quote {
    const MESSAGE_TYPE: &'static str = "tests.quote";

    fn time_to_live(&self) -> Option<Duration> {
        Some(SECOND)
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_to_live_of_a_type_is_the_deadline_of_those_whose_sender_sets_none() {
    let (broker, desk) = (switchboard::InMemoryMessageBroker::<Quote>::new(), named("desk"));
    let mut inbox = broker.register(&desk, switchboard::MailboxOptions::bounded(8)).await.unwrap();
    broker.send(&desk, Quote(1)).await.unwrap();
    broker.send(&desk, Quote(2).within(3 * SECOND)).await.unwrap();
    broker.send(&desk, MessageEnvelope::new(Quote(3)).with_deadline(Instant::now() + SECOND / 2)).await.unwrap();
    advance(SECOND * 3 / 4).await;
    assert_eq!(inbox.recv().await.unwrap().into_message(), Quote(1));
    broker.send(&desk, Quote(4)).await.unwrap();
    advance(SECOND).await;
    assert_eq!(inbox.recv().await.unwrap().into_message(), Quote(2));
    assert!(inbox.try_recv().is_none());
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 2), (Outcome::Expired, 2)]);
}
