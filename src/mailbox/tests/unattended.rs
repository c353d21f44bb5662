//! Messages of the broker's own, with nobody who waits for room.

use std::task::{Context, Poll, Waker};

use crate::mailbox::queue::{Batch, Queue};
use crate::mailbox::{BackpressureStrategy, MailboxOptions};
use crate::message::{Message, MessageEnvelope};

#[derive(Debug)]
struct Note(u32);

impl Message for Note {
    const MESSAGE_TYPE: &'static str = "note";
}

fn note(number: u32) -> MessageEnvelope<Note> {
    MessageEnvelope::new(Note(number))
}

fn queue(capacity: usize) -> Queue<Note> {
    Queue::new(MailboxOptions::bounded(capacity))
}

/// The next message, if there is one; `Err` if there will be none.
fn receive(queue: &Queue<Note>, batch: &mut Batch<Note>) -> Result<Option<u32>, ()> {
    match queue.poll_fill(batch, &Context::from_waker(Waker::noop())) {
        Poll::Ready(true) => Ok(queue.take(batch).map(|envelope| envelope.message().0)),
        Poll::Ready(false) => Err(()),
        Poll::Pending => Ok(None),
    }
}

#[test]
fn what_nobody_waits_with_is_accepted_and_stands_in_line_for_room() {
    let (queue, mut batch) = (queue(1), Batch::new());
    queue.push(note(1)).unwrap();
    queue.take_in(note(2), false).unwrap();
    queue.take_in(note(3), false).unwrap();
    assert!(queue.push(note(4)).unwrap_err().is_full(), "nobody overtakes the line");
    let (counts, queued) = queue.counts();
    assert_eq!((counts.accepted, queued, queue.depth(), queue.blocked_senders()), (3, 3, 1, 0));
    for number in 1..=3 {
        assert_eq!(receive(&queue, &mut batch), Ok(Some(number)));
        assert!(queue.depth() <= 1);
    }
    assert_eq!(receive(&queue, &mut batch), Ok(None));
    assert_eq!((queue.counts().0.accepted, queue.counts().1), (3, 0));
}

#[test]
fn it_goes_straight_in_where_there_is_room_whatever_the_strategy() {
    for strategy in [BackpressureStrategy::Block, BackpressureStrategy::Error, BackpressureStrategy::DropOldest] {
        let queue = Queue::new(MailboxOptions::bounded(2).strategy(strategy));
        queue.take_in(note(1), false).unwrap();
        assert_eq!((queue.depth(), queue.counts().0.accepted), (1, 1));
    }
}

#[test]
fn a_closed_mailbox_takes_in_only_what_it_is_owed_and_waits_for_that() {
    let (queue, mut batch) = (queue(1), Batch::new());
    queue.owe();
    queue.owe();
    queue.close();
    assert_eq!(receive(&queue, &mut batch), Ok(None), "it is not at its end");
    assert!(queue.take_in(note(1), false).is_err());
    queue.take_in(note(2), true).unwrap();
    assert_eq!(receive(&queue, &mut batch), Ok(Some(2)));
    assert_eq!(receive(&queue, &mut batch), Ok(None));
    queue.forgive();
    assert_eq!(receive(&queue, &mut batch), Err(()));
}

#[test]
fn what_stood_in_line_when_the_mailbox_closed_is_still_received() {
    let (queue, mut batch) = (queue(1), Batch::new());
    queue.push(note(1)).unwrap();
    queue.take_in(note(2), false).unwrap();
    queue.close();
    assert_eq!(receive(&queue, &mut batch), Ok(Some(1)));
    assert_eq!(receive(&queue, &mut batch), Ok(Some(2)));
    assert_eq!(receive(&queue, &mut batch), Err(()));
}

#[test]
fn once_its_receiver_is_going_nothing_gets_in_whoever_is_owed() {
    let (queue, mut batch) = (queue(1), Batch::new());
    queue.owe();
    queue.close();
    queue.seal();
    let back = queue.take_in(note(1), true).unwrap_err();
    assert_eq!(back.into_inner().0, 1);
    assert_eq!(receive(&queue, &mut batch), Err(()));
}

#[test]
fn a_stop_takes_what_stands_in_line_as_well() {
    let queue = queue(1);
    for number in 1..=3 {
        queue.take_in(note(number), false).unwrap();
    }
    queue.close();
    let drained: Vec<_> = queue.drain_unfetched().into_iter().map(|envelope| envelope.message().0).collect();
    assert_eq!((drained, queue.counts().1), (vec![1, 2, 3], 0));
}

#[test]
fn it_is_idle_when_it_holds_nothing_and_is_owed_nothing() {
    let (queue, mut batch) = (queue(1), Batch::new());
    assert!(queue.is_idle());
    queue.owe();
    assert!(!queue.is_idle());
    queue.take_in(note(1), true).unwrap();
    assert!(!queue.is_idle());
    assert_eq!(receive(&queue, &mut batch), Ok(Some(1)));
    assert!(queue.is_idle());
}
