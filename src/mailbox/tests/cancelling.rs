use std::task::Poll;

use super::support::{Driven, Note, bounded, fill, sending, take, take_all, try_send, waiting};

#[test]
fn a_send_dropped_before_it_was_polled_has_sent_nothing() {
    for filled in [0, 1] {
        let (sender, mut receiver) = bounded(1);
        fill(&sender, 0..filled);
        drop(sending(&sender, Note(9)));
        assert_eq!(sender.blocked_senders(), 0);
        assert!(take_all(&mut receiver).into_iter().eq(0..filled));
    }
}

#[test]
fn a_send_dropped_in_line_takes_its_message_along() {
    let (sender, mut receiver) = bounded(1);
    fill(&sender, [0]);
    let cancelled = waiting(&sender, Note(1));
    assert_eq!(sender.blocked_senders(), 1);
    drop(cancelled);
    assert_eq!(sender.blocked_senders(), 0);
    assert_eq!(take_all(&mut receiver), [0]);
    fill(&sender, [2]);
    assert_eq!(take_all(&mut receiver), [2]);
}

#[test]
fn a_send_dropped_after_it_got_in_has_been_accepted() {
    let (sender, mut receiver) = bounded(1);
    fill(&sender, [0]);
    let unaware = waiting(&sender, Note(1));
    assert_eq!(take(&mut receiver), Some(0));
    drop(unaware);
    assert_eq!(take_all(&mut receiver), [1]);
}

#[test]
fn a_send_dropped_in_a_closed_mailbox_takes_its_message_along() {
    let (sender, mut receiver) = bounded(1);
    fill(&sender, [0]);
    let cancelled = waiting(&sender, Note(1));
    sender.close();
    drop(cancelled);
    assert_eq!(sender.blocked_senders(), 0);
    assert_eq!(take_all(&mut receiver), [0]);
}

#[test]
fn whoever_leaves_the_line_holds_up_nobody_behind() {
    for leaves in 0..4 {
        let (sender, mut receiver) = bounded(1);
        fill(&sender, [100]);
        let mut line: Vec<_> = (0..4).map(|number| waiting(&sender, Note(number))).collect();
        drop(line.remove(leaves));
        let expected: Vec<_> = (0..4).filter(|number| *number != leaves as u64).collect();
        assert_eq!(sender.blocked_senders(), 3);
        assert_eq!(take(&mut receiver), Some(100));
        assert_eq!(line.iter().map(Driven::wakes).collect::<Vec<_>>(), [1, 0, 0]);
        assert_eq!(take_all(&mut receiver), expected);
        assert!(line.iter_mut().all(|send| send.poll() == Poll::Ready(Ok(None))));
    }
}

#[test]
fn when_all_have_left_the_line_the_room_is_anybodys() {
    let (sender, mut receiver) = bounded(1);
    fill(&sender, [0]);
    let line: Vec<_> = (1..4).map(|number| waiting(&sender, Note(number))).collect();
    drop(line);
    assert_eq!(take(&mut receiver), Some(0));
    assert_eq!(try_send(&sender, Note(9)), Ok(None));
    assert_eq!(take_all(&mut receiver), [9]);
}

#[test]
fn a_finished_send_that_is_dropped_leaves_the_line_alone() {
    let (sender, mut receiver) = bounded(1);
    fill(&sender, [0]);
    let mut first = waiting(&sender, Note(1));
    let mut second = waiting(&sender, Note(2));
    assert_eq!(take(&mut receiver), Some(0));
    assert_eq!(first.poll(), Poll::Ready(Ok(None)));
    drop(first);
    assert_eq!(second.poll(), Poll::Pending);
    assert_eq!(take(&mut receiver), Some(1));
    assert_eq!(second.poll(), Poll::Ready(Ok(None)));
}
