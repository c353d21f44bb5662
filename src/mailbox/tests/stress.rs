use std::time::Duration;

use tokio::task::JoinSet;

use super::support::{Note, Sent, make, plain};
use crate::mailbox::{BackpressureStrategy, MailboxErrorKind, MailboxOptions, MailboxReceiver, MailboxSender};

const SENDERS: u64 = 4;
const EACH: u64 = 50_000;

/// How the messages of one run ended, by number.
#[derive(Default)]
struct Account {
    received: Vec<u64>,
    evicted: Vec<u64>,
    refused: Vec<u64>,
}

/// A sender's name and the message's place among its messages, in one number.
fn number(sender: u64, place: u64) -> u64 {
    sender * EACH + place
}

async fn send_all(mailbox: MailboxSender<Note>, sender: u64) -> Vec<(u64, Sent)> {
    let mut sent = Vec::with_capacity(EACH as usize);
    for place in 0..EACH {
        let number = number(sender, place);
        sent.push((number, plain(mailbox.send(Note(number)).await)));
        if place % 64 == 0 {
            tokio::task::yield_now().await;
        }
    }
    sent
}

async fn receive_all(mut mailbox: MailboxReceiver<Note>, capacity: usize) -> Vec<u64> {
    let mut received = Vec::new();
    while let Some(envelope) = mailbox.recv().await {
        received.push(envelope.into_message().0);
        assert!(mailbox.depth() <= capacity);
    }
    received
}

async fn run(capacity: usize, strategy: BackpressureStrategy) -> Account {
    let (sender, receiver) = make(MailboxOptions::bounded(capacity).strategy(strategy));
    let receiving = tokio::spawn(receive_all(receiver, capacity));
    let mut sending: JoinSet<_> = (0..SENDERS).map(|number| send_all(sender.clone(), number)).collect();
    drop(sender);
    let mut account = Account::default();
    while let Some(sent) = sending.join_next().await {
        for (number, sent) in sent.unwrap() {
            match sent {
                Ok(evicted) => {
                    // All are as urgent as each other, so the oldest is never the one that has just come.
                    let itself = evicted == Some(number);
                    assert!(!(itself && strategy == BackpressureStrategy::DropOldest), "evicted the newest");
                    account.evicted.extend(evicted);
                }
                Err((kind, back)) => {
                    assert_eq!((kind, back), (MailboxErrorKind::Full, number));
                    account.refused.push(back);
                }
            }
        }
    }
    account.received = receiving.await.unwrap();
    account
}

impl Account {
    fn assert_nothing_lost_or_doubled(&self) {
        let mut all = [&self.received[..], &self.evicted, &self.refused].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..SENDERS * EACH));
    }

    fn assert_each_sender_in_order(&self) {
        for sender in 0..SENDERS {
            let own = self.received.iter().filter(|received| **received / EACH == sender);
            assert!(own.is_sorted(), "sender {sender}");
        }
    }
}

/// Runs it on threads, and fails if it comes to a standstill.
async fn stress(capacity: usize, strategy: BackpressureStrategy) -> Account {
    let run = tokio::time::timeout(Duration::from_secs(60), run(capacity, strategy));
    let account = run.await.expect("senders and receiver wait for each other");
    account.assert_nothing_lost_or_doubled();
    account.assert_each_sender_in_order();
    account
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_a_mailbox_that_blocks_loses_nothing_and_refuses_nothing() {
    let account = stress(7, BackpressureStrategy::Block).await;
    assert_eq!(account.received.len() as u64, SENDERS * EACH);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_a_mailbox_with_room_for_one_never_comes_to_a_standstill() {
    let account = stress(1, BackpressureStrategy::Block).await;
    assert_eq!(account.received.len() as u64, SENDERS * EACH);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_a_mailbox_that_refuses_evicts_nothing() {
    assert!(stress(7, BackpressureStrategy::Error).await.evicted.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_a_mailbox_that_drops_the_newest_refuses_nothing() {
    assert!(stress(7, BackpressureStrategy::DropNewest).await.refused.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_a_mailbox_that_drops_the_oldest_refuses_nothing_and_keeps_the_newest() {
    assert!(stress(7, BackpressureStrategy::DropOldest).await.refused.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_the_latest_message_is_the_one_that_is_kept() {
    assert!(stress(1, BackpressureStrategy::DropOldest).await.refused.is_empty());
}
