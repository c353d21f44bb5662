//! What was accepted and not handled can be read, filtered, followed and taken, within bounds.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::{Broker, Job, Wakes, Worker, inbox, named, number_of, poll_counted, poll_once, pool, soon};
use futures_core::Stream;
use switchboard::address::ActorAddress;
use switchboard::broker::MessageBroker;
use switchboard::dead_letters::{
    DeadLetter, DeadLetterFilter, DeadLetterInfo, DeadLetterOptions, DeadLetterOverflow, DeadLetterReason,
    DeadLetterStream, DeadLetters,
};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::{Message, MessageEnvelope, MessageId};

const SECOND: Duration = Duration::from_secs(1);

fn broker_with(options: DeadLetterOptions) -> Broker {
    Broker::builder().dead_letters(options).build().unwrap()
}

fn all() -> DeadLetterFilter {
    DeadLetterFilter::all()
}

fn numbers(letters: &[DeadLetter<Job>]) -> Vec<u64> {
    letters.iter().map(|letter| number_of(letter.envelope.message())).collect()
}

/// Sends this message; gives its id.
async fn send(broker: &Broker, to: &ActorAddress, message: impl Into<MessageEnvelope<Job>>) -> MessageId {
    let envelope = message.into();
    let id = envelope.id();
    broker.send(to, envelope).await.unwrap();
    id
}

/// Has a message evicted at `latest`.
async fn evict(broker: &Broker, number: u64) -> MessageId {
    let mailbox = MailboxOptions::bounded(1).strategy(BackpressureStrategy::DropNewest);
    let mut inbox = broker.register(&named("latest"), mailbox).await.unwrap();
    send(broker, &named("latest"), Job::Note(u64::MAX)).await;
    let id = send(broker, &named("latest"), Job::Note(number)).await;
    inbox.recv().await.unwrap();
    id
}

/// Has a message expire at `slow`.
async fn expire(broker: &Broker, number: u64) -> MessageId {
    let mut inbox = inbox(broker, &named("slow"), 8).await;
    let id = send(broker, &named("slow"), Job::Note(number).within(SECOND)).await;
    tokio::time::advance(SECOND).await;
    assert!(inbox.try_recv().is_none());
    id
}

/// Has a message left by a member of `workers` that stops.
async fn leave(broker: &Broker, number: u64) -> MessageId {
    let _inbox = inbox(broker, &pool("workers"), 8).await;
    send(broker, &pool("workers"), Job::Note(number)).await
}

#[tokio::test(start_paused = true)]
async fn each_letter_says_what_why_and_where() {
    let broker = Broker::new();
    let ids = [evict(&broker, 1).await, expire(&broker, 2).await, leave(&broker, 3).await];
    let letters = broker.dead_letters();
    assert_eq!((letters.len(), letters.is_empty(), letters.dropped()), (3, false, 0));

    let listed = letters.list(&all());
    assert_eq!(listed.iter().map(|letter| letter.id).collect::<Vec<_>>(), ids);
    let reasons = [DeadLetterReason::Evicted, DeadLetterReason::Expired, DeadLetterReason::ActorStopped];
    assert_eq!(listed.iter().map(|letter| letter.reason).collect::<Vec<_>>(), reasons);
    let addresses = [named("latest"), named("slow"), pool("workers")];
    assert_eq!(listed.iter().map(|letter| letter.address.clone()).collect::<Vec<_>>(), addresses);
    assert!(listed.iter().all(|letter| letter.attempts == 0 && letter.cause.is_none() && letter.actor.is_some()));
}

#[tokio::test(start_paused = true)]
async fn letters_are_found_by_reason_target_and_message() {
    let broker = Broker::new();
    let first = evict(&broker, 1).await;
    expire(&broker, 2).await;
    leave(&broker, 3).await;
    evict(&broker, 4).await;
    let letters = broker.dead_letters();
    let found = |filter: DeadLetterFilter| numbers(&letters.read(&filter));

    assert_eq!(found(all()), [1, 2, 3, 4]);
    assert_eq!(found(all().reason(DeadLetterReason::Evicted)), [1, 4]);
    assert_eq!(found(all().reason(DeadLetterReason::Evicted).reason(DeadLetterReason::Expired)), [1, 2, 4]);
    assert_eq!(found(all().target(&pool("workers")).target(&named("slow"))), [2, 3]);
    assert_eq!(found(all().target(&pool("workers")).reason(DeadLetterReason::Evicted)), [0; 0]);
    assert_eq!(found(all().message(first)), [1]);
    assert_eq!(found(all().reason(DeadLetterReason::Evicted).limit(1)), [1]);
    let member = letters.list(&all().target(&pool("workers")))[0].actor.unwrap();
    assert_eq!(found(all().target(&member.into())), [3]);
    assert_eq!(letters.len(), 4, "reading takes nothing");
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_is_whole_and_leaves_the_others() {
    let broker = Broker::new();
    let id = evict(&broker, 1).await;
    expire(&broker, 2).await;
    evict(&broker, 3).await;
    let (letters, also) = (broker.dead_letters(), broker.dead_letters());
    let [info] = &letters.list(&all().message(id))[..] else { panic!("it is there") };

    let taken = letters.take(&all().reason(DeadLetterReason::Evicted).limit(1));
    let [letter] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!((letter.id(), &letter.info()), (id, info));
    assert_eq!(letter.envelope.message(), &Job::Note(1));
    assert_eq!(numbers(&also.clone().read(&all())), [2, 3]);
    assert_eq!((also.len(), also.dropped()), (2, 0));
    assert_eq!(broker.metrics().dead_letters, 2);
}

#[tokio::test(start_paused = true)]
async fn a_full_store_lets_go_of_the_oldest_or_of_the_newest() {
    let options = DeadLetterOptions::new().capacity(2);
    for (options, kept) in [(options, [4, 5]), (options.on_full(DeadLetterOverflow::DropNewest), [1, 2])] {
        let broker = broker_with(options);
        for number in 1..6 {
            evict(&broker, number).await;
        }
        let letters = broker.dead_letters();
        assert_eq!(numbers(&letters.read(&all())), kept);
        assert_eq!((letters.len(), letters.dropped()), (2, 3));
    }
}

/// The next letter, which is there, and how many were missed before.
async fn next(stream: &mut DeadLetterStream) -> (DeadLetterInfo, u64) {
    let followed = soon(stream.next()).await.unwrap();
    (followed.letter, followed.missed)
}

#[tokio::test(start_paused = true)]
async fn letters_are_followed_as_they_come() {
    let broker = Broker::new();
    evict(&broker, 1).await;
    let letters = broker.dead_letters();
    let mut stream = letters.follow(8);
    {
        let (mut wait, wakes) = (pin!(stream.next()), Wakes::new());
        assert!(poll_counted(wait.as_mut(), &wakes).is_pending(), "what came before is not told");
        expire(&broker, 2).await;
        assert_eq!(wakes.count(), 1);
        // Given up, which loses nothing.
    }
    leave(&broker, 3).await;
    let listed = letters.list(&all());
    assert_eq!(next(&mut stream).await, (listed[1].clone(), 0));
    assert_eq!(next(&mut stream).await, (listed[2].clone(), 0));
    assert!(poll_once(pin!(stream.next())).is_pending());
    assert_eq!(letters.len(), 3, "following takes nothing");
}

#[tokio::test(start_paused = true)]
async fn a_slow_follower_holds_up_nobody_and_knows_how_many_it_missed() {
    let broker = broker_with(DeadLetterOptions::new().capacity(0));
    let letters = broker.dead_letters();
    let (mut slow, mut quick) = (letters.follow(2), letters.follow(8));
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(evict(&broker, number).await);
    }
    assert_eq!((letters.len(), letters.dropped()), (0, 5));
    for &id in &ids {
        let (letter, missed) = next(&mut quick).await;
        assert_eq!((letter.id, missed), (id, 0));
    }
    let (letter, missed) = next(&mut slow).await;
    assert_eq!((letter.id, missed), (ids[3], 3));
    let (letter, missed) = next(&mut slow).await;
    assert_eq!((letter.id, missed), (ids[4], 0), "they are counted once");
}

#[tokio::test(start_paused = true)]
async fn following_ends_when_the_broker_is_gone() {
    let (broker, worker) = (Broker::new(), Worker::new());
    let actor = worker.spawn_held(&broker, &named("desk"), 8).await;
    send(&broker, &named("desk"), Job::Note(1)).await;
    let mut stream = broker.dead_letters().follow(8);
    let mut poll = || Pin::new(&mut stream).poll_next(&mut Context::from_waker(Waker::noop()));
    drop(broker);
    actor.stop();
    assert!(matches!(poll(), Poll::Ready(Some(_))), "the message that waited");
    assert!(poll().is_pending(), "the actor holds the broker");
    worker.gate.let_all_go();
    actor.join().await;
    assert_eq!(poll(), Poll::Ready(None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_beside_others_gets_each_letter_once() {
    const EACH: u64 = 500;
    let broker = broker_with(DeadLetterOptions::new().capacity(usize::MAX).log_per_second(0));
    let mailbox = MailboxOptions::bounded(1).strategy(BackpressureStrategy::DropOldest);
    let _inbox = broker.register(&named("latest"), mailbox).await.unwrap();
    let busy = Arc::new(());
    let start_sender = |range| tokio::spawn(send_notes(broker.clone(), range, Arc::clone(&busy)));
    let start_taker = |_| tokio::spawn(take_until(broker.dead_letters(), Arc::downgrade(&busy)));
    let senders = [0..EACH, EACH..2 * EACH].map(start_sender);
    let takers = [(), ()].map(start_taker);
    drop(busy);
    for sender in senders {
        sender.await.unwrap();
    }
    let mut taken = Vec::new();
    for taker in takers {
        taken.extend(taker.await.unwrap());
    }
    taken.extend(numbers(&broker.dead_letters().take(&all())));
    let count = taken.len() as u64;
    taken.sort_unstable();
    taken.dedup();
    assert_eq!(taken.len() as u64, count, "none twice");
    assert_eq!(count, 2 * EACH - 1, "all but the one that waits in the mailbox");
}

async fn send_notes(broker: Broker, numbers: std::ops::Range<u64>, _busy: Arc<()>) {
    for number in numbers {
        send(&broker, &named("latest"), Job::Note(number)).await;
        tokio::task::yield_now().await;
    }
}

/// Reads and takes until nobody holds `busy` any more; gives what it took.
async fn take_until(letters: DeadLetters<Job>, busy: std::sync::Weak<()>) -> Vec<u64> {
    let mut taken = Vec::new();
    while busy.strong_count() > 0 {
        drop(letters.read(&all()));
        taken.extend(numbers(&letters.take(&all().limit(3))));
        tokio::task::yield_now().await;
    }
    taken
}
