//! No call goes round a mailbox's bound.

mod common;

use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use common::{Broker, Job, Log, Worker, assert_balanced, inbox, named, numbers_of, poll_once, settle, take_letters};
use switchboard::actor::SpawnOptions;
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, MessageBroker, MessageHandler, RegisterError, Route, SendErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::mailbox::{BackpressureStrategy, CapacityError, MailboxOptions};
use switchboard::message::{Message, MessageEnvelope};
use tokio::sync::mpsc;

const CAPACITY: usize = 5;
const SENDERS: usize = 8;

/// One of the ways in.
async fn send_by(way: usize, broker: &Broker, to: &ActorAddress, route: &Route<Job>, number: u64) {
    let job = Job::Note(number);
    match way % 4 {
        0 => drop(broker.send(to, job).await),
        1 => drop(route.send(job).await),
        2 => drop(broker.try_send(to, job)),
        _ => drop(broker.request(to, Job::Echo(number)).await),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_senders_never_fill_a_mailbox_beyond_its_capacity() {
    for strategy in [
        BackpressureStrategy::Block,
        BackpressureStrategy::DropOldest,
        BackpressureStrategy::DropNewest,
        BackpressureStrategy::Error,
    ] {
        let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
        let mailbox = MailboxOptions::bounded(CAPACITY).strategy(strategy);
        let options = SpawnOptions::new().mailbox(mailbox);
        let actor = worker.spawn_with(&broker, &desk, options).await;
        let route = broker.route(&desk).unwrap();
        let senders: Vec<_> = (0..SENDERS)
            .map(|way| {
                let (broker, desk, route) = (broker.clone(), desk.clone(), route.clone());
                tokio::spawn(async move {
                    for number in 0..200 {
                        send_by(way, &broker, &desk, &route, number).await;
                    }
                })
            })
            .collect();
        while !senders.iter().all(tokio::task::JoinHandle::is_finished) {
            let depth = actor.depth();
            assert!(depth <= CAPACITY, "{depth} under {strategy:?}");
            tokio::task::yield_now().await;
        }
        actor.drain().await;
        let total = broker.metrics().total;
        assert!(total.deepest_mailbox <= CAPACITY, "{total:?}");
        assert_balanced(&total);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_actor_has_fetched_and_not_begun_counts_against_the_bound() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let actor = worker.spawn(&broker, &desk, CAPACITY).await;
    for number in 0..CAPACITY as u64 {
        broker.try_send(&desk, Job::Hold(number)).unwrap();
    }
    for _ in 0..2 * CAPACITY {
        // Whatever it has fetched, the one that it has begun with makes room for one and no more.
        assert!(broker.try_send(&desk, Job::Note(9)).unwrap_err().is_full());
        worker.gate.arrival().await;
        assert_eq!(actor.depth(), CAPACITY - 1);
        broker.try_send(&desk, Job::Hold(9)).unwrap();
        assert_eq!(actor.depth(), CAPACITY);
        worker.gate.let_go(1);
    }
    worker.gate.let_all_go();
    actor.drain().await;
    assert_eq!(broker.metrics().total.deepest_mailbox, CAPACITY);
}

#[tokio::test(start_paused = true)]
async fn senders_that_wait_are_let_in_one_for_one_and_in_their_order() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 2).await;
    let mut sends: Vec<_> = (0..6).map(|number| Box::pin(broker.send(&desk, Job::Note(number)))).collect();
    for send in &mut sends {
        let _ = poll_once(send.as_mut());
    }
    assert_eq!(broker.metrics().blocked_senders, 4);
    for number in 0..6 {
        assert_eq!(inbox.depth(), 2.min(6 - number as usize));
        let received = inbox.recv().await.unwrap().into_message();
        assert_eq!(received, Job::Note(number));
    }
    assert_eq!(broker.metrics().blocked_senders, 0);
    assert_eq!(broker.metrics().total.deepest_mailbox, 2);
}

#[tokio::test(start_paused = true)]
async fn nobody_overtakes_a_sender_that_waits() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 1).await;
    broker.try_send(&desk, Job::Note(0)).unwrap();
    let mut waiting = pin!(broker.send(&desk, Job::Note(1)));
    assert!(poll_once(waiting.as_mut()).is_pending());
    inbox.recv().await.unwrap();
    // The room went to the one that waits, though it has not looked yet.
    assert!(broker.try_send(&desk, Job::Note(2)).unwrap_err().is_full());
    assert!(poll_once(waiting).is_ready());
    assert_eq!(inbox.recv().await.unwrap().into_message(), Job::Note(1));
}

#[tokio::test(start_paused = true)]
async fn a_capacity_of_zero_is_an_error_wherever_it_is_asked_for() {
    let nothing = MailboxOptions::bounded(0);
    let refused = Broker::builder().default_mailbox(nothing).build();
    assert_eq!(refused.unwrap_err(), CapacityError);

    let (broker, desk) = (Broker::new(), named("desk"));
    let capacity = RegisterError::Capacity(CapacityError);
    let registered = broker.register(&desk, nothing).await;
    assert_eq!(registered.unwrap_err(), capacity);
    let options = SpawnOptions::new().mailbox(nothing);
    let spawned = broker.spawn_with(&desk, options, Worker::new).await;
    assert_eq!(spawned.unwrap_err(), capacity);
}

#[tokio::test(start_paused = true)]
async fn the_brokers_default_mailbox_bounds_actors_that_ask_for_none() {
    let builder = Broker::builder().default_mailbox(MailboxOptions::bounded(1));
    let broker: Broker = builder.build().unwrap();
    let (desk, worker) = (named("desk"), Worker::new());
    worker.spawn_with(&broker, &desk, SpawnOptions::new()).await;
    broker.try_send(&desk, Job::Note(1)).unwrap();
    assert!(broker.try_send(&desk, Job::Note(2)).unwrap_err().is_full());
}

#[tokio::test(start_paused = true)]
async fn a_block_limit_gives_the_message_back_when_it_expires() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mailbox = MailboxOptions::bounded(1).block_limit(Duration::from_secs(2));
    let mut inbox = broker.register(&desk, mailbox).await.unwrap();
    broker.send(&desk, Job::Note(1)).await.unwrap();
    let start = tokio::time::Instant::now();
    let error = broker.send(&desk, Job::Note(2)).await.unwrap_err();
    assert_eq!(error.kind(), SendErrorKind::TimedOut);
    assert!(error.is_full() && error.is_retryable());
    assert_eq!(start.elapsed().as_secs(), 2);
    // An earlier deadline of the message goes before it.
    let hasty = Job::Note(3).within(Duration::from_secs(1));
    assert!(broker.send(&desk, hasty).await.unwrap_err().is_full());
    assert_eq!(start.elapsed().as_secs(), 3);

    assert_eq!(error.into_inner(), Job::Note(2));
    assert_eq!(broker.metrics().blocked_senders, 0);
    assert_eq!(inbox.recv().await.unwrap().into_message(), Job::Note(1));
    assert!(inbox.try_recv().is_none());
}

#[tokio::test(start_paused = true)]
async fn drop_oldest_evicts_in_order_and_keeps_the_newest() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mailbox = MailboxOptions::bounded(3).strategy(BackpressureStrategy::DropOldest);
    let mut inbox = broker.register(&desk, mailbox).await.unwrap();
    for number in 0..10 {
        broker.try_send(&desk, Job::Note(number)).unwrap();
        assert!(inbox.depth() <= 3);
    }
    let evicted = numbers_of(&take_letters(&broker), DeadLetterReason::Evicted);
    assert_eq!(evicted, [0, 1, 2, 3, 4, 5, 6]);
    for number in 7..10 {
        let received = inbox.recv().await.unwrap().into_message();
        assert_eq!(received, Job::Note(number));
    }
}

#[tokio::test(start_paused = true)]
async fn drop_newest_keeps_the_oldest() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mailbox = MailboxOptions::bounded(2).strategy(BackpressureStrategy::DropNewest);
    let mut inbox = broker.register(&desk, mailbox).await.unwrap();
    for number in 0..4 {
        broker.try_send(&desk, Job::Note(number)).unwrap();
    }
    let evicted = numbers_of(&take_letters(&broker), DeadLetterReason::Evicted);
    assert_eq!(evicted, [2, 3]);
    assert_eq!(inbox.recv().await.unwrap().into_message(), Job::Note(0));
    assert_eq!(inbox.recv().await.unwrap().into_message(), Job::Note(1));
}

/// Sends to itself until it is refused, and says how.
struct Echoing {
    refusals: mpsc::UnboundedSender<(SendErrorKind, Job)>,
    log: Log,
}

impl MessageHandler<Job> for Echoing {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        let Job::Hold(number) = envelope.into_message() else {
            return Ok(());
        };
        for note in 0.. {
            self.log.add(note);
            let sent = context.send(context.address(), Job::Note(number + note));
            if let Err(error) = sent.await {
                let refusal = (error.kind(), error.into_inner());
                let _ = self.refusals.send(refusal);
                break;
            }
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_sends_to_its_own_full_mailbox_is_refused_at_once() {
    for address in [named("desk"), common::pool("desks")] {
        let (broker, log) = (Broker::new(), Log::default());
        let (refusals, mut refused) = mpsc::unbounded_channel();
        let echoing = Echoing { refusals, log: log.clone() };
        let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(2));
        let handler = switchboard::actor::once(echoing);
        let actor = broker.spawn_with(&address, options, handler).await.unwrap();
        broker.send(&address, Job::Hold(10)).await.unwrap();
        let refusal = common::soon(refused.recv()).await;
        assert_eq!(refusal, Some((SendErrorKind::Full, Job::Note(12))));
        actor.drain().await;
        assert_eq!(log.numbers(), [0, 1, 2]);
        assert_balanced(&broker.metrics().total);
    }
}

/// Answers to its own full mailbox.
struct Mirror(mpsc::UnboundedSender<bool>);

impl MessageHandler<Job> for Mirror {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        _: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        if !context.is_asked() {
            return Ok(());
        }
        let mut reply = Box::pin(context.reply(Job::Answer(1)));
        let polled: Poll<_> = poll_once(Pin::new(&mut reply));
        let _ = self.0.send(polled.is_ready());
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_answers_to_its_own_full_mailbox_is_refused_at_once() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let (ready, mut at_once) = mpsc::unbounded_channel();
    let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(1));
    let handler = switchboard::actor::once(Mirror(ready));
    broker.spawn_with(&desk, options, handler).await.unwrap();
    let question = MessageEnvelope::new(Job::Echo(1)).with_reply_to(desk.clone());
    // The second waits in line, and is let in as soon as the first is taken out.
    let mut first = pin!(broker.send(&desk, question));
    let mut second = pin!(broker.send(&desk, Job::Note(2)));
    assert!(poll_once(first.as_mut()).is_ready());
    assert!(poll_once(second.as_mut()).is_pending());
    assert_eq!(at_once.recv().await, Some(true), "it waits for itself");
    settle().await;
}
