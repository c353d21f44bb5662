//! If one sender sends `a` and then `b` to one actor, `b` is never handled before `a`.

mod common;

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use common::{Broker, Job, Log, Worker, inbox, named, poll_once};
use switchboard::actor::SpawnOptions;
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, MessageBroker, MessageHandler};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::{MessageEnvelope, MessagePriority};
use tokio::sync::Barrier;

const SENDERS: u64 = 8;
const EACH: u64 = 500;

/// Sends its numbers in order, in every way that there is, waiting for room in between.
async fn send_in_order(broker: Broker, to: ActorAddress, sender: u64) {
    let route = broker.route(&to).expect("it is registered");
    let id = ActorAddress::from(broker.registry().resolve(&to)[0]);
    for number in (sender * EACH)..((sender + 1) * EACH) {
        let job = Job::Note(number);
        let sent = match number % 4 {
            0 => broker.send(&to, job).await,
            1 => route.send(job).await,
            2 => broker.send(&id, job).await,
            _ => send_without_waiting(&broker, &to, job).await,
        };
        sent.expect("the actor lives");
    }
}

/// Tries, and waits only when it is refused.
async fn send_without_waiting(
    broker: &Broker,
    to: &ActorAddress,
    job: Job,
) -> Result<(), switchboard::broker::SendError<Job>> {
    match broker.try_send(to, job) {
        Err(refused) if refused.is_full() => broker.send(to, refused.into_envelope()).await,
        sent => sent,
    }
}

/// Each sender's numbers are all there, and ascend.
#[track_caller]
fn assert_in_order(log: &Log, senders: u64) {
    let numbers = log.numbers();
    assert_eq!(numbers.len() as u64, senders * EACH);
    for sender in 0..senders {
        let own = numbers.iter().copied().filter(|number| number / EACH == sender);
        assert!(own.eq(sender * EACH..(sender + 1) * EACH), "of sender {sender}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_many_senders_is_handled_in_its_order_however_small_the_mailbox() {
    for capacity in [1, 2, 7, 1024] {
        let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
        let actor = worker.spawn(&broker, &desk, capacity).await;
        let start = Arc::new(Barrier::new(SENDERS as usize));
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let (broker, desk, start) = (broker.clone(), desk.clone(), Arc::clone(&start));
                tokio::spawn(async move {
                    start.wait().await;
                    send_in_order(broker, desk, sender).await;
                })
            })
            .collect();
        for sender in senders {
            sender.await.unwrap();
        }
        actor.drain().await;
        assert_in_order(&worker.log, SENDERS);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn code_that_receives_by_hand_gets_each_senders_messages_in_their_order() {
    let (broker, desk, log) = (Broker::new(), named("desk"), Log::default());
    let mut inbox = inbox(&broker, &desk, 3).await;
    for sender in 0..SENDERS {
        tokio::spawn(send_in_order(broker.clone(), desk.clone(), sender));
    }
    for _ in 0..SENDERS * EACH {
        let message = inbox.recv().await.unwrap().into_message();
        log.add(common::number_of(&message));
    }
    assert_in_order(&log, SENDERS);
}

/// Sends the numbers of one sender from within its handler.
struct Teller(ActorAddress);

impl MessageHandler<Job> for Teller {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        _: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        for number in 0..EACH {
            let sent = if number % 2 == 0 {
                context.send(&self.0, Job::Note(number)).await
            } else {
                context.broker().send(&self.0, Job::Note(number)).await
            };
            sent.map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_handler_sends_is_handled_in_its_order() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let actor = worker.spawn(&broker, &desk, 2).await;
    let teller = broker.spawn(&named("teller"), Teller(desk)).await.unwrap();
    broker.send(&named("teller"), Job::Note(0)).await.unwrap();
    teller.drain().await;
    actor.drain().await;
    assert_in_order(&worker.log, 1);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_room_goes_before_what_is_sent_later() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 1).await;
    let route = broker.route(&desk).unwrap();
    broker.try_send(&desk, Job::Note(0)).unwrap();
    let mut waiting = pin!(route.send(Job::Note(1)));
    assert!(poll_once(waiting.as_mut()).is_pending());
    let mut behind = pin!(broker.send(&desk, Job::Note(2)));
    assert!(poll_once(behind.as_mut()).is_pending());

    for number in 0..3 {
        let received = inbox.recv().await.unwrap().into_message();
        assert_eq!(received, Job::Note(number));
    }
    assert!(matches!(poll_once(waiting), Poll::Ready(Ok(()))));
    assert!(matches!(poll_once(behind), Poll::Ready(Ok(()))));
}

#[tokio::test(start_paused = true)]
async fn a_request_keeps_its_place_between_messages() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    worker.spawn(&broker, &desk, 2).await;
    worker.gate.let_all_go();
    for round in 0..10 {
        broker.send(&desk, Job::Note(3 * round)).await.unwrap();
        let reply = broker.request(&desk, Job::Hold(3 * round + 1)).await;
        assert_eq!(reply.unwrap(), Job::Answer(3 * round + 1));
        broker.send(&desk, Job::Note(3 * round + 2)).await.unwrap();
    }
    broker.shutdown(std::time::Duration::from_secs(1)).await;
    assert!(worker.log.numbers().into_iter().eq(0..30));
}

#[tokio::test(start_paused = true)]
async fn messages_of_one_level_stay_in_order_among_those_of_others() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 64).await;
    for number in 0..40 {
        let level = MessagePriority::ALL[number as usize % 4];
        let envelope = MessageEnvelope::new(Job::Note(number)).with_priority(level);
        broker.send(&desk, envelope).await.unwrap();
    }
    let mut last = [None; 4];
    for _ in 0..40 {
        let number = common::number_of(inbox.recv().await.unwrap().message());
        let before = last[number as usize % 4].replace(number);
        assert!(before < Some(number), "{number} after {before:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_survives_eviction_is_still_in_order() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let mailbox = MailboxOptions::bounded(4).strategy(BackpressureStrategy::DropOldest);
    let options = SpawnOptions::new().mailbox(mailbox);
    let actor = worker.spawn_with(&broker, &desk, options).await;
    let senders: Vec<_> =
        (0..SENDERS).map(|sender| tokio::spawn(send_in_order(broker.clone(), desk.clone(), sender))).collect();
    for sender in senders {
        sender.await.unwrap();
    }
    actor.drain().await;
    let numbers = worker.log.numbers();
    assert!(!numbers.is_empty());
    for sender in 0..SENDERS {
        let own = numbers.iter().filter(|&&number| number / EACH == sender);
        assert!(own.is_sorted(), "of sender {sender}");
    }
}
