use super::support::{Note, bounded, fill, note, take, take_all, try_send};
use crate::message::MessagePriority::{Critical, High, Low, Normal};
use crate::message::{Message, MessageEnvelope, MessagePriority};

#[test]
fn messages_of_one_level_come_out_as_they_went_in() {
    for level in MessagePriority::ALL {
        let (sender, mut receiver) = bounded(64);
        for number in 0..40 {
            assert_eq!(try_send(&sender, note(number, level)), Ok(None));
        }
        assert!(take_all(&mut receiver).into_iter().eq(0..40), "{level}");
    }
}

#[test]
fn order_holds_over_many_batches() {
    let (sender, mut receiver) = bounded(8);
    let mut received = Vec::new();
    for round in 0..50 {
        fill(&sender, round * 5..round * 5 + 5);
        received.extend((0..3).filter_map(|_| take(&mut receiver)));
        received.extend((0..2).filter_map(|_| take(&mut receiver)));
    }
    assert!(received.into_iter().eq(0..250));
}

#[test]
fn urgent_messages_come_first_and_in_order_inside_their_level() {
    let (sender, mut receiver) = bounded(8);
    for (number, level) in (0..8).zip([Low, Critical, Normal, High, High, Normal, Critical, Low]) {
        assert_eq!(try_send(&sender, note(number, level)), Ok(None));
    }
    assert_eq!(take_all(&mut receiver), [1, 6, 3, 4, 2, 5, 0, 7]);
}

#[test]
fn a_message_brings_its_own_level() {
    #[derive(Debug)]
    struct Alarm(bool);

    impl Message for Alarm {
        const MESSAGE_TYPE: &'static str = "alarm";

        fn priority(&self) -> MessagePriority {
            if self.0 { Critical } else { Normal }
        }
    }

    let (sender, mut receiver) = crate::mailbox::mailbox(crate::mailbox::MailboxOptions::bounded(4)).unwrap();
    for alarm in [Alarm(false), Alarm(true)] {
        assert!(sender.try_send(alarm).is_ok());
    }
    assert!(receiver.try_recv().is_some_and(|envelope| envelope.message().0));
    assert!(receiver.try_recv().is_some_and(|envelope| !envelope.message().0));
}

#[test]
fn an_urgent_message_overtakes_the_rest_of_a_batch_in_hand() {
    let (sender, mut receiver) = bounded(16);
    fill(&sender, 0..6);
    assert_eq!((take(&mut receiver), take(&mut receiver)), (Some(0), Some(1)));
    assert_eq!(try_send(&sender, note(100, Critical)), Ok(None));
    assert_eq!(try_send(&sender, note(101, High)), Ok(None));
    fill(&sender, 6..8);
    assert_eq!(take_all(&mut receiver), [100, 101, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_less_urgent_message_waits_for_the_batch_in_hand_and_for_what_comes_after_it() {
    let (sender, mut receiver) = bounded(16);
    fill(&sender, 0..4);
    assert_eq!(take(&mut receiver), Some(0));
    assert_eq!(try_send(&sender, note(100, Low)), Ok(None));
    fill(&sender, 4..6);
    assert_eq!(take_all(&mut receiver), [1, 2, 3, 4, 5, 100]);
}

#[test]
fn each_urgent_message_overtakes_once_more_while_the_batch_lasts() {
    let (sender, mut receiver) = bounded(16);
    fill(&sender, 0..6);
    let mut received = Vec::new();
    for urgent in 100..106 {
        received.extend(take(&mut receiver));
        assert_eq!(try_send(&sender, note(urgent, Critical)), Ok(None));
        received.extend(take(&mut receiver));
    }
    assert_eq!(received, [0, 100, 1, 101, 2, 102, 3, 103, 4, 104, 5, 105]);
}

/// Keeps every level supplied, so that whatever is served is replaced at once, and says how long each level waited.
fn longest_waits(levels: &[MessagePriority], in_hand: u64) -> [u32; 4] {
    let (sender, mut receiver) = bounded(128);
    fill(&sender, (0..in_hand).map(|_| Normal as u64));
    if in_hand > 0 {
        assert!(take(&mut receiver).is_some());
    }
    let send = |level: MessagePriority| assert_eq!(try_send(&sender, note(level as u64, level)), Ok(None));
    levels.iter().copied().for_each(send);
    let (mut waits, mut longest) = ([0; 4], [0; 4]);
    for _ in 0..2_000 {
        let served = take(&mut receiver).unwrap() as usize;
        send(MessagePriority::ALL[served]);
        for level in levels {
            waits[level.index()] += 1;
        }
        waits[served] = 0;
        for (longest, wait) in longest.iter_mut().zip(waits) {
            *longest = wait.max(*longest);
        }
    }
    longest
}

#[test]
fn no_level_starves_with_or_without_a_batch_in_hand() {
    for in_hand in [0, 2, 64] {
        let longest = longest_waits(&MessagePriority::ALL, in_hand);
        assert!(longest.iter().all(|wait| *wait <= 18), "{in_hand}: {longest:?}");
        assert_eq!(longest_waits(&[Normal, Critical], in_hand)[Normal.index()], 16, "{in_hand}");
        assert_eq!(longest_waits(&[Low, Normal], in_hand)[Low.index()], 16, "{in_hand}");
    }
}

#[test]
fn an_envelope_keeps_its_header_on_the_way() {
    let (sender, mut receiver) = bounded(2);
    let envelope = MessageEnvelope::new(Note(1)).with_metadata("trace", "abc").with_priority(High);
    let id = envelope.id();
    assert_eq!(try_send(&sender, envelope), Ok(None));
    let received = receiver.try_recv().unwrap();
    assert_eq!((received.id(), received.priority(), received.metadata("trace")), (id, High, Some("abc")));
}

#[test]
fn a_normal_message_that_was_served_leaves_the_next_to_wait_its_own_turn() {
    for in_hand in [1, 5] {
        let (sender, mut receiver) = bounded(64);
        fill(&sender, 0..in_hand);
        let mut urgent = |number| {
            assert_eq!(try_send(&sender, note(number, High)), Ok(None));
            assert_eq!(take(&mut receiver), Some(number));
        };
        (100..116).for_each(&mut urgent);
        assert_eq!(take(&mut receiver), Some(0));
        fill(&sender, [50]);
        assert_eq!(try_send(&sender, note(200, Critical)), Ok(None));
        assert_eq!(take(&mut receiver), Some(200), "{in_hand}");
    }
}
