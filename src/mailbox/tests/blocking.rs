use std::task::Poll;

use super::support::{Driven, Note, bounded, fill, make, note, sending, take, take_all, try_send, waiting};
use crate::mailbox::{MailboxErrorKind, MailboxOptions};
use crate::message::MessagePriority;

#[test]
fn a_sender_that_finds_room_does_not_wait() {
    let (sender, mut receiver) = bounded(2);
    for number in 0..2 {
        assert_eq!(sending(&sender, Note(number)).poll(), Poll::Ready(Ok(None)));
    }
    let mut third = waiting(&sender, Note(2));
    assert_eq!((sender.blocked_senders(), sender.depth()), (1, 2));
    assert_eq!(take(&mut receiver), Some(0));
    assert_eq!(third.poll(), Poll::Ready(Ok(None)));
}

#[test]
fn waiting_senders_get_in_in_the_order_of_their_arrival() {
    let (sender, mut receiver) = bounded(2);
    fill(&sender, 0..2);
    let mut line: Vec<_> = (2..10).map(|number| waiting(&sender, Note(number))).collect();
    assert_eq!(sender.blocked_senders(), 8);
    // Polling again, and in another order, changes no place.
    for send in line.iter_mut().rev() {
        assert_eq!(send.poll(), Poll::Pending);
    }
    assert!(take_all(&mut receiver).into_iter().eq(0..10));
    assert!(line.iter_mut().all(|send| send.poll() == Poll::Ready(Ok(None))));
}

#[test]
fn a_waiting_sender_is_let_in_the_moment_there_is_room_and_by_the_receiver() {
    let (sender, mut receiver) = bounded(3);
    fill(&sender, 0..3);
    let mut line: Vec<_> = (3..6).map(|number| waiting(&sender, Note(number))).collect();
    for taken in 0..3 {
        assert_eq!(take(&mut receiver), Some(taken));
        // None of them has been polled again.
        assert_eq!(sender.blocked_senders(), 2 - taken as usize);
        assert_eq!(sender.depth(), 3);
    }
    assert!(line.iter_mut().all(|send| send.poll() == Poll::Ready(Ok(None))));
    assert_eq!(take_all(&mut receiver), [3, 4, 5]);
}

#[test]
fn a_waiting_sender_is_woken_once_and_not_before_it_is_let_in() {
    let (sender, mut receiver) = bounded(2);
    fill(&sender, 0..2);
    let line: Vec<_> = (2..5).map(|number| waiting(&sender, Note(number))).collect();
    let wakes = || line.iter().map(Driven::wakes).collect::<Vec<_>>();
    assert_eq!(wakes(), [0, 0, 0]);
    assert_eq!(take(&mut receiver), Some(0));
    assert_eq!(wakes(), [1, 0, 0]);
    assert_eq!(take(&mut receiver), Some(1));
    assert_eq!(wakes(), [1, 1, 0]);
    assert_eq!(take(&mut receiver), Some(2));
    assert_eq!(wakes(), [1, 1, 1]);
    take_all(&mut receiver);
    assert_eq!(wakes(), [1, 1, 1]);
}

#[test]
fn nobody_overtakes_a_waiting_sender() {
    let (sender, mut receiver) = bounded(2);
    fill(&sender, 0..2);
    let _second = waiting(&sender, Note(2));
    let _third = waiting(&sender, Note(3));
    for taken in 0..2 {
        assert_eq!(try_send(&sender, Note(99)), Err((MailboxErrorKind::Full, 99)));
        assert_eq!(take(&mut receiver), Some(taken));
        // The room that appeared has gone to the line.
        assert_eq!(try_send(&sender, Note(99)), Err((MailboxErrorKind::Full, 99)));
    }
    assert_eq!(take(&mut receiver), Some(2));
    assert_eq!(try_send(&sender, Note(4)), Ok(None));
    assert_eq!(take_all(&mut receiver), [3, 4]);
}

#[test]
fn an_urgent_message_waits_in_line_like_any_other_and_goes_first_once_it_is_in() {
    let (sender, mut receiver) = bounded(3);
    fill(&sender, 0..3);
    let _normal = waiting(&sender, Note(3));
    let _urgent = waiting(&sender, note(4, MessagePriority::Critical));
    assert_eq!(take(&mut receiver), Some(0));
    assert_eq!(take(&mut receiver), Some(1));
    assert_eq!(take_all(&mut receiver), [4, 2, 3]);
}

#[test]
fn a_sender_that_moved_to_another_task_is_woken_there() {
    let (sender, mut receiver) = bounded(1);
    fill(&sender, [0]);
    let mut moved = waiting(&sender, Note(1));
    moved.change_waker();
    assert_eq!(moved.poll(), Poll::Pending);
    assert_eq!(take(&mut receiver), Some(0));
    assert_eq!(moved.wakes(), 1);
}

#[test]
fn a_receiver_that_waits_is_woken_by_a_sender_that_got_in_from_the_line() {
    let (sender, mut receiver) = bounded(1);
    fill(&sender, [0]);
    let _next = waiting(&sender, Note(1));
    assert_eq!(take(&mut receiver), Some(0));
    let mut receiving = Driven::new(receiver.recv());
    assert!(matches!(receiving.poll(), Poll::Ready(Some(_))));
}

#[test]
fn without_limit_and_deadline_waiting_needs_no_timer() {
    let (sender, mut receiver) = make(MailboxOptions::bounded(1));
    fill(&sender, [0]);
    // There is no runtime here, so a timer would panic.
    let mut next = waiting(&sender, Note(1));
    assert_eq!(take(&mut receiver), Some(0));
    assert_eq!(next.poll(), Poll::Ready(Ok(None)));
}
