use super::support::{Note, bounded, fill, make, note, sending, take_all, try_send};
use std::task::Poll;

use crate::mailbox::BackpressureStrategy::{Block, DropNewest, DropOldest, Error};
use crate::mailbox::{BackpressureStrategy, CapacityError, MailboxErrorKind, MailboxOptions, mailbox};
use crate::message::MessagePriority::{self, Critical, High, Low, Normal};

const ALL: [BackpressureStrategy; 4] = [Block, DropOldest, DropNewest, Error];

fn with(capacity: usize, strategy: BackpressureStrategy) -> MailboxOptions {
    MailboxOptions::bounded(capacity).strategy(strategy)
}

#[test]
fn room_for_nothing_is_refused_whatever_the_strategy() {
    for strategy in ALL {
        assert_eq!(mailbox::<Note>(with(0, strategy)).err(), Some(CapacityError));
    }
}

#[test]
fn the_default_has_room_for_1024_messages_and_no_more() {
    let (sender, _receiver) = make(MailboxOptions::default());
    fill(&sender, 0..1024);
    assert_eq!(try_send(&sender, Note(1024)), Err((MailboxErrorKind::Full, 1024)));
    assert_eq!(sender.options().capacity(), Some(1024));
}

#[test]
fn a_mailbox_that_blocks_hands_back_what_may_not_wait() {
    let (sender, mut receiver) = bounded(2);
    fill(&sender, 0..2);
    assert_eq!(try_send(&sender, Note(2)), Err((MailboxErrorKind::Full, 2)));
    assert_eq!(take_all(&mut receiver), [0, 1]);
    assert_eq!(try_send(&sender, Note(2)), Ok(None));
}

#[test]
fn a_mailbox_that_refuses_hands_back_the_new_message_and_never_makes_its_sender_wait() {
    let (sender, mut receiver) = make(with(2, Error));
    fill(&sender, 0..2);
    assert_eq!(try_send(&sender, Note(2)), Err((MailboxErrorKind::Full, 2)));
    assert_eq!(sending(&sender, Note(3)).poll(), Poll::Ready(Err((MailboxErrorKind::Full, 3))));
    assert_eq!(sending(&sender, note(4, Critical)).poll(), Poll::Ready(Err((MailboxErrorKind::Full, 4))));
    assert_eq!(sender.blocked_senders(), 0);
    assert_eq!(take_all(&mut receiver), [0, 1]);
}

#[test]
fn dropping_the_newest_evicts_the_new_message_however_urgent() {
    let (sender, mut receiver) = make(with(2, DropNewest));
    fill(&sender, 0..2);
    assert_eq!(try_send(&sender, note(2, Critical)), Ok(Some(2)));
    assert_eq!(sending(&sender, Note(3)).poll(), Poll::Ready(Ok(Some(3))));
    assert_eq!(sender.depth(), 2);
    assert_eq!(take_all(&mut receiver), [0, 1]);
}

#[test]
fn dropping_the_oldest_evicts_one_for_each_that_comes_in() {
    let (sender, mut receiver) = make(with(3, DropOldest));
    fill(&sender, 0..3);
    for number in 3..20 {
        assert_eq!(sending(&sender, Note(number)).poll(), Poll::Ready(Ok(Some(number - 3))));
        assert_eq!(sender.depth(), 3);
    }
    assert_eq!(take_all(&mut receiver), [17, 18, 19]);
}

#[test]
fn dropping_the_oldest_with_room_for_one_keeps_the_latest() {
    let (sender, mut receiver) = make(with(1, DropOldest));
    for number in 0..5 {
        assert_eq!(try_send(&sender, Note(number)), Ok(number.checked_sub(1)));
    }
    assert_eq!(take_all(&mut receiver), [4]);
}

#[test]
fn dropping_the_oldest_still_reaches_all_that_wait_after_some_were_received() {
    let (sender, mut receiver) = make(with(4, DropOldest));
    fill(&sender, 0..4);
    assert_eq!(receiver.try_recv().map(|envelope| envelope.message().0), Some(0));
    assert_eq!(try_send(&sender, Note(4)), Ok(None));
    assert_eq!(try_send(&sender, Note(5)), Ok(Some(1)));
    assert_eq!(try_send(&sender, Note(6)), Ok(Some(2)));
    assert_eq!(take_all(&mut receiver), [3, 4, 5, 6]);
}

#[test]
fn dropping_the_oldest_takes_the_least_urgent_level_first() {
    let (sender, mut receiver) = make(with(4, DropOldest));
    for (number, level) in [(0, High), (1, Normal), (2, Low), (3, Normal)] {
        assert_eq!(try_send(&sender, note(number, level)), Ok(None));
    }
    let evicted_by = |number, level: MessagePriority| try_send(&sender, note(number, level)).unwrap();
    assert_eq!(evicted_by(4, Critical), Some(2));
    assert_eq!(evicted_by(5, Normal), Some(1));
    assert_eq!(evicted_by(6, High), Some(3));
    assert_eq!(evicted_by(7, High), Some(5));
    assert_eq!(evicted_by(8, High), Some(0));
    assert_eq!(take_all(&mut receiver), [4, 6, 7, 8]);
}

#[test]
fn dropping_the_oldest_evicts_the_new_message_if_all_others_are_more_urgent() {
    let (sender, mut receiver) = make(with(2, DropOldest));
    for number in 0..2 {
        assert_eq!(try_send(&sender, note(number, High)), Ok(None));
    }
    for level in [Low, Normal] {
        assert_eq!(try_send(&sender, note(9, level)), Ok(Some(9)));
    }
    assert_eq!(take_all(&mut receiver), [0, 1]);
}

#[test]
fn an_unbounded_mailbox_is_never_full() {
    for strategy in ALL {
        let (sender, mut receiver) = make(MailboxOptions::unbounded().strategy(strategy));
        fill(&sender, 0..5_000);
        assert_eq!((sender.depth(), sender.options().capacity()), (5_000, None));
        assert_eq!(receiver.try_recv().map(|envelope| envelope.message().0), Some(0));
        assert_eq!(sending(&sender, Note(5_000)).poll(), Poll::Ready(Ok(None)));
        assert!(take_all(&mut receiver).into_iter().eq(1..=5_000));
    }
}
