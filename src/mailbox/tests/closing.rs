use std::sync::Arc;
use std::task::Poll;

use super::support::{Driven, Note, Sent, bounded, fill, note, numbers, sending, take, take_all, try_send, waiting};
use crate::mailbox::{MailboxErrorKind, MailboxOptions, mailbox};
use crate::message::{Message, MessagePriority};

fn closed(number: u64) -> Sent {
    Err((MailboxErrorKind::Closed, number))
}

#[test]
fn a_closed_mailbox_refuses_the_new_and_gives_the_rest_and_then_none() {
    for by_sender in [true, false] {
        let (sender, mut receiver) = bounded(8);
        fill(&sender, 0..4);
        assert_eq!(take(&mut receiver), Some(0));
        assert!(!sender.is_closed());
        if by_sender {
            sender.close();
        } else {
            receiver.close();
        }
        assert!(sender.is_closed() && sender.clone().is_closed());
        assert_eq!(try_send(&sender, Note(9)), closed(9));
        assert_eq!(sending(&sender, Note(9)).poll(), Poll::Ready(closed(9)));
        for number in 1..4 {
            let received = Driven::new(receiver.recv()).poll();
            assert_eq!(received.map(|next| next.map(|envelope| envelope.into_message().0)), Poll::Ready(Some(number)));
        }
        for _ in 0..3 {
            assert!(matches!(Driven::new(receiver.recv()).poll(), Poll::Ready(None)));
        }
    }
}

#[test]
fn closing_twice_is_closing_once() {
    let (sender, mut receiver) = bounded(1);
    fill(&sender, [1]);
    let mut behind = waiting(&sender, Note(2));
    sender.close();
    receiver.close();
    sender.close();
    assert_eq!(behind.wakes(), 1);
    assert_eq!(behind.poll(), Poll::Ready(closed(2)));
    assert_eq!(take_all(&mut receiver), [1]);
}

#[test]
fn a_full_mailbox_that_is_closed_is_closed_and_not_full() {
    let (sender, _receiver) = bounded(1);
    fill(&sender, [1]);
    sender.close();
    assert_eq!(try_send(&sender, Note(2)), closed(2));
}

#[test]
fn senders_that_wait_get_their_messages_back_when_the_mailbox_closes() {
    let (sender, mut receiver) = bounded(2);
    fill(&sender, 0..2);
    let mut line: Vec<_> = (2..5).map(|number| waiting(&sender, Note(number))).collect();
    receiver.close();
    for (number, send) in (2..).zip(&mut line) {
        assert_eq!(send.wakes(), 1);
        assert_eq!(send.poll(), Poll::Ready(closed(number)));
    }
    assert_eq!(sender.blocked_senders(), 0);
    assert_eq!(take_all(&mut receiver), [0, 1]);
}

#[test]
fn receiving_from_a_closed_mailbox_lets_nobody_in() {
    let (sender, mut receiver) = bounded(2);
    fill(&sender, 0..2);
    let mut behind = waiting(&sender, Note(2));
    sender.close();
    assert_eq!(take_all(&mut receiver), [0, 1]);
    assert_eq!(behind.poll(), Poll::Ready(closed(2)));
}

#[test]
fn a_sender_that_got_in_before_the_mailbox_closed_has_been_accepted() {
    let (sender, mut receiver) = bounded(1);
    fill(&sender, [1]);
    let mut behind = waiting(&sender, Note(2));
    assert_eq!(take(&mut receiver), Some(1));
    receiver.close();
    assert_eq!(behind.poll(), Poll::Ready(Ok(None)));
    assert_eq!(take_all(&mut receiver), [2]);
}

#[test]
fn draining_closes_and_takes_everything_in_the_order_of_receiving() {
    let (sender, mut receiver) = bounded(8);
    fill(&sender, 0..4);
    assert_eq!(take(&mut receiver), Some(0));
    for (number, level) in [(10, MessagePriority::Low), (11, MessagePriority::Critical), (12, MessagePriority::Normal)]
    {
        assert_eq!(try_send(&sender, note(number, level)), Ok(None));
    }
    assert_eq!(numbers(receiver.drain()), [11, 1, 2, 3, 12, 10]);
    assert!(sender.is_closed());
    assert_eq!(sender.depth(), 0);
    assert!(receiver.drain().is_empty());
    assert!(matches!(Driven::new(receiver.recv()).poll(), Poll::Ready(None)));
}

#[test]
fn draining_leaves_waiting_senders_their_messages() {
    let (sender, mut receiver) = bounded(1);
    fill(&sender, [1]);
    let mut behind = waiting(&sender, Note(2));
    assert_eq!(numbers(receiver.drain()), [1]);
    assert_eq!(behind.poll(), Poll::Ready(closed(2)));
}

#[test]
fn the_mailbox_closes_with_its_last_sender() {
    let (sender, mut receiver) = bounded(4);
    let other = sender.clone();
    fill(&sender, [1]);
    drop(sender);
    assert!(!other.is_closed());
    fill(&other, [2]);
    let third = other.clone();
    drop(other);
    fill(&third, [3]);
    drop(third);
    assert_eq!(take_all(&mut receiver), [1, 2, 3]);
    assert!(matches!(Driven::new(receiver.recv()).poll(), Poll::Ready(None)));
}

#[test]
fn a_receiver_that_waits_is_woken_by_a_message_and_by_each_way_of_closing() {
    let (sender, mut receiver) = bounded(4);
    let mut receiving = Driven::new(receiver.recv());
    assert!(receiving.poll().is_pending());
    assert_eq!(receiving.wakes(), 0);
    fill(&sender, [1, 2]);
    assert_eq!(receiving.wakes(), 1);
    assert!(matches!(receiving.poll(), Poll::Ready(Some(_))));
    drop(receiving);
    assert_eq!(take(&mut receiver), Some(2));
    for close in [crate::mailbox::MailboxSender::close, |_: &_| {}] {
        let (sender, mut receiver) = bounded(4);
        let mut receiving = Driven::new(receiver.recv());
        assert!(receiving.poll().is_pending());
        close(&sender);
        drop(sender);
        assert_eq!(receiving.wakes(), 1);
        assert!(matches!(receiving.poll(), Poll::Ready(None)));
    }
}

#[test]
fn a_receiver_that_moved_to_another_task_is_woken_there() {
    let (sender, mut receiver) = bounded(4);
    let mut receiving = Driven::new(receiver.recv());
    assert!(receiving.poll().is_pending());
    receiving.change_waker();
    assert!(receiving.poll().is_pending());
    fill(&sender, [1]);
    assert_eq!(receiving.wakes(), 1);
}

#[test]
fn a_cancelled_receive_loses_no_message() {
    let (sender, mut receiver) = bounded(4);
    let mut cancelled = Driven::new(receiver.recv());
    assert!(cancelled.poll().is_pending());
    fill(&sender, [1]);
    drop(cancelled);
    fill(&sender, [2]);
    let mut many = Vec::new();
    assert_eq!(Driven::new(receiver.recv_many(&mut many, 4)).poll(), Poll::Ready(2));
    let mut cancelled = Driven::new(receiver.recv_many(&mut many, 4));
    assert!(cancelled.poll().is_pending());
    drop(cancelled);
    fill(&sender, [3]);
    assert_eq!(take_all(&mut receiver), [3]);
    assert_eq!(numbers(many), [1, 2]);
}

#[derive(Debug)]
struct Held(#[expect(dead_code, reason = "counted through its clones")] Arc<()>);

impl Message for Held {
    const MESSAGE_TYPE: &'static str = "held";
}

#[test]
fn a_dropped_receiver_closes_the_mailbox_and_drops_what_is_in_it() {
    let (sender, mut receiver) = mailbox(MailboxOptions::bounded(8)).unwrap();
    let held = Arc::new(());
    for _ in 0..5 {
        assert!(sender.try_send(Held(Arc::clone(&held))).is_ok());
    }
    drop(receiver.try_recv());
    assert_eq!(Arc::strong_count(&held), 5);
    drop(receiver);
    assert_eq!(Arc::strong_count(&held), 1);
    assert_eq!(sender.depth(), 0);
    assert!(sender.try_send(Held(held)).is_err_and(|error| error.is_closed()));
}

#[test]
fn a_dropped_receiver_gives_waiting_senders_their_messages_back() {
    let (sender, receiver) = bounded(1);
    fill(&sender, [1]);
    let mut behind = waiting(&sender, Note(2));
    drop(receiver);
    assert_eq!(behind.wakes(), 1);
    assert_eq!(behind.poll(), Poll::Ready(closed(2)));
}
