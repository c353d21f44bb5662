use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use super::support::{Driven, Note, bounded, fill, make, note, numbers, sending, take, take_all, try_send};
use crate::mailbox::{BackpressureStrategy, MailboxErrorKind, MailboxOptions};
use crate::message::MessagePriority;

#[test]
fn depth_is_exact_at_every_step_with_a_batch_in_hand() {
    let (sender, mut receiver) = bounded(16);
    assert_eq!((sender.depth(), receiver.depth()), (0, 0));
    for number in 0..6 {
        fill(&sender, [number]);
        assert_eq!(sender.depth(), number as usize + 1);
    }
    for left in (3..6).rev() {
        assert!(take(&mut receiver).is_some());
        assert_eq!((sender.depth(), receiver.depth()), (left, left));
    }
    fill(&sender, 6..8);
    assert_eq!(try_send(&sender, note(8, MessagePriority::Critical)), Ok(None));
    assert_eq!(sender.depth(), 6);
    for left in (0..6).rev() {
        assert!(take(&mut receiver).is_some());
        assert_eq!((sender.depth(), receiver.depth()), (left, left));
    }
    assert_eq!(take(&mut receiver), None);
    assert_eq!(sender.depth(), 0);
}

#[test]
fn a_batch_in_hand_counts_towards_the_capacity() {
    for capacity in 1..10 {
        let (sender, mut receiver) = bounded(capacity as usize);
        fill(&sender, 0..capacity);
        for taken in 0..3 * capacity {
            assert_eq!(try_send(&sender, Note(999)), Err((MailboxErrorKind::Full, 999)));
            assert_eq!(take(&mut receiver), Some(taken));
            fill(&sender, [capacity + taken]);
            assert_eq!(sender.depth(), capacity as usize);
        }
    }
}

#[test]
fn what_was_taken_from_a_batch_makes_room_for_as_many() {
    for strategy in [BackpressureStrategy::Error, BackpressureStrategy::DropNewest, BackpressureStrategy::Block] {
        let (sender, mut receiver) = make(MailboxOptions::bounded(8).strategy(strategy));
        fill(&sender, 0..8);
        for taken in 0..5 {
            assert_eq!(take(&mut receiver), Some(taken));
        }
        fill(&sender, 8..13);
        assert!(try_send(&sender, Note(13)) != Ok(None), "{strategy:?}");
        assert!(take_all(&mut receiver).into_iter().eq(5..13));
    }
}

#[test]
fn room_for_one_takes_one_at_a_time() {
    let (sender, mut receiver) = bounded(1);
    for number in 0..100 {
        fill(&sender, [number]);
        assert_eq!(try_send(&sender, Note(999)), Err((MailboxErrorKind::Full, 999)));
        assert_eq!(sender.depth(), 1);
        assert_eq!((take(&mut receiver), take(&mut receiver)), (Some(number), None));
        assert_eq!(sender.depth(), 0);
    }
}

#[test]
fn receiving_many_takes_what_is_there_up_to_the_limit_and_appends() {
    let (sender, mut receiver) = bounded(16);
    let mut received = Vec::new();
    for (limit, there, taken) in [(0, 3, 0), (1, 3, 1), (2, 3, 2), (3, 3, 3), (100, 3, 3), (usize::MAX, 5, 5)] {
        received.clear();
        received.push(note(77, MessagePriority::Normal));
        fill(&sender, 0..there);
        let ended = Driven::new(receiver.recv_many(&mut received, limit)).poll();
        assert_eq!(ended, Poll::Ready(taken), "limit {limit}");
        assert_eq!(received.len(), 1 + taken);
        assert_eq!(received[0].message(), &Note(77));
        assert!(received[1..].iter().map(|envelope| envelope.message().0).eq(0..taken as u64));
        assert_eq!(sender.depth(), there as usize - taken);
        take_all(&mut receiver);
    }
}

#[test]
fn receiving_many_waits_for_the_first_only() {
    let (sender, mut receiver) = bounded(16);
    let mut received = Vec::new();
    let mut receiving = Driven::new(receiver.recv_many(&mut received, 4));
    assert_eq!(receiving.poll(), Poll::Pending);
    fill(&sender, 0..2);
    assert_eq!(receiving.wakes(), 1);
    assert_eq!(receiving.poll(), Poll::Ready(2));
    drop(receiving);
    assert_eq!(numbers(received), [0, 1]);
}

#[test]
fn receiving_many_of_nothing_returns_at_once() {
    let (_sender, mut receiver) = bounded(1);
    assert_eq!(Driven::new(receiver.recv_many(&mut Vec::new(), 0)).poll(), Poll::Ready(0));
    receiver.close();
    assert_eq!(Driven::new(receiver.recv_many(&mut Vec::new(), 9)).poll(), Poll::Ready(0));
}

#[test]
fn receiving_many_lets_waiting_senders_in_and_takes_their_messages_too() {
    let (sender, mut receiver) = bounded(2);
    fill(&sender, 0..2);
    let mut waiting: Vec<_> = (2..5).map(|number| sending(&sender, Note(number))).collect();
    assert!(waiting.iter_mut().all(|send| send.poll().is_pending()));
    let mut received = Vec::new();
    assert_eq!(Driven::new(receiver.recv_many(&mut received, 10)).poll(), Poll::Ready(5));
    assert!(numbers(received).into_iter().eq(0..5));
    assert!(waiting.iter_mut().all(|send| send.poll() == Poll::Ready(Ok(None))));
}

#[test]
fn trying_to_receive_never_waits() {
    let (sender, mut receiver) = bounded(2);
    assert!(receiver.try_recv().is_none());
    fill(&sender, 0..1);
    assert_eq!((take(&mut receiver), take(&mut receiver)), (Some(0), None));
    drop(sender);
    assert!(receiver.try_recv().is_none());
}

#[tokio::test]
async fn a_receiver_that_always_finds_messages_lets_other_tasks_run() {
    let (sender, mut receiver) = make(MailboxOptions::unbounded());
    fill(&sender, 0..10_000);
    drop(sender);
    let ran = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ran);
    // Spawned first, so it runs first.
    let receiving = tokio::spawn(async move {
        let mut before = 0;
        while !seen.load(Ordering::SeqCst) && receiver.recv().await.is_some() {
            before += 1;
        }
        before
    });
    let other = tokio::spawn(async move { ran.store(true, Ordering::SeqCst) });
    assert!((1..10_000).contains(&receiving.await.unwrap()));
    other.await.unwrap();
}
