use super::batch::KEEP_BUFFER;
use super::*;
use crate::message::{Message, MessageId};

#[derive(Debug, PartialEq)]
struct Note(u64);

impl Message for Note {
    const MESSAGE_TYPE: &'static str = "note";
}

fn note(number: u64) -> MessageEnvelope<Note> {
    MessageEnvelope::new(Note(number))
}

fn next(queue: &Queue<Note>, batch: &mut Batch<Note>) -> Option<u64> {
    if queue.fill(batch) { queue.take(batch).map(|envelope| envelope.into_message().0) } else { None }
}

/// Room for how many messages the queue and its receiver have allocated.
fn buffers(queue: &Queue<Note>, batch: &Batch<Note>) -> usize {
    queue.state.lock().levels.normal().capacity() + batch.fetched.capacity()
}

/// Sends so many messages, and receives until there are none.
fn burst(queue: &Queue<Note>, batch: &mut Batch<Note>, length: u64) {
    for number in 0..length {
        assert!(queue.push(note(number)).is_ok());
    }
    while next(queue, batch).is_some() {}
}

#[test]
fn a_queue_that_nobody_uses_has_no_buffers() {
    let (queue, mut batch) = (Queue::new(MailboxOptions::default()), Batch::new());
    assert_eq!(next(&queue, &mut batch), None);
    assert_eq!(buffers(&queue, &batch), 0);
    let state = queue.state.lock();
    assert!(state.blocked.is_none() && state.receiver.is_none());
}

#[test]
fn the_buffers_of_a_burst_shrink_as_the_queue_keeps_running_empty() {
    for strategy in [BackpressureStrategy::Block, BackpressureStrategy::DropOldest] {
        let (queue, mut batch) = (Queue::new(MailboxOptions::unbounded().strategy(strategy)), Batch::new());
        burst(&queue, &mut batch, 100_000);
        for _ in 0..20 {
            burst(&queue, &mut batch, 3);
        }
        assert!(buffers(&queue, &batch) <= 2 * KEEP_BUFFER, "{}", buffers(&queue, &batch));
    }
}

#[test]
fn a_small_buffer_is_kept_for_the_next_messages() {
    let (queue, mut batch) = (Queue::new(MailboxOptions::default()), Batch::new());
    burst(&queue, &mut batch, KEEP_BUFFER as u64);
    burst(&queue, &mut batch, KEEP_BUFFER as u64);
    let kept = buffers(&queue, &batch);
    // One for both sides, while the queue runs empty between the bursts.
    assert!(kept >= KEEP_BUFFER);
    for _ in 0..20 {
        burst(&queue, &mut batch, KEEP_BUFFER as u64);
        assert_eq!(buffers(&queue, &batch), kept);
    }
}

#[test]
fn nobody_overtakes_a_sender_that_the_receiver_has_not_seen_yet() {
    let (queue, mut batch) = (Queue::new(MailboxOptions::bounded(1)), Batch::new());
    let cx = Context::from_waker(Waker::noop());
    assert!(queue.push(note(0)).is_ok());
    assert!(queue.fill(&mut batch));
    assert!(queue.enter_line(note(1), None, &cx).is_ok());
    queue.attention.store(false, Ordering::SeqCst);
    assert!(queue.take(&mut batch).is_some());
    // There is room, but it is spoken for.
    for _ in 0..2 {
        assert!(queue.push(note(2)).is_err_and(|error| error.is_full()));
    }
}

#[test]
fn what_the_receiver_has_fetched_never_costs_a_newer_message_its_place() {
    let options = MailboxOptions::bounded(1).strategy(BackpressureStrategy::DropOldest);
    let (queue, mut batch) = (Queue::new(options), Batch::new());
    assert!(queue.push(note(0)).is_ok());
    assert!(queue.fill(&mut batch));
    assert!(queue.push(note(1)).unwrap().is_none(), "nothing that waits had to go");
    assert_eq!(next(&queue, &mut batch), Some(0));
    assert_eq!(next(&queue, &mut batch), Some(1));
}

/// The receiver takes the last message that it has in hand, and a sender gets in line, in the same nanoseconds: each
/// misses what the other has just written. The receiver must see the sender when it looks for its next message.
#[test]
fn a_sender_that_the_receiver_missed_gets_in_when_the_receiver_finds_nothing() {
    let (queue, mut batch) = (Queue::new(MailboxOptions::bounded(1)), Batch::new());
    // What the sender still reads of the message that is being taken.
    queue.in_hand.store(1, Ordering::Release);
    let cx = Context::from_waker(Waker::noop());
    let Ok(ticket) = queue.enter_line(note(1), None, &cx) else { panic!("the queue is open") };
    assert!(queue.poll_line(ticket, &cx).is_pending());
    // What the receiver has written meanwhile, having read that it need not look.
    queue.in_hand.store(0, Ordering::Release);
    assert_eq!(next(&queue, &mut batch), Some(1));
}

#[test]
fn the_buffers_of_an_urgent_burst_shrink_too() {
    let (queue, mut batch) = (Queue::new(MailboxOptions::unbounded()), Batch::new());
    for number in 0..100_000 {
        assert!(queue.push(note(number).with_priority(MessagePriority::High)).is_ok());
    }
    while next(&queue, &mut batch).is_some() {}
    for _ in 0..20 {
        burst(&queue, &mut batch, 3);
    }
    assert!(queue.state.lock().levels.capacity() <= 2 * KEEP_BUFFER);
}

/// A note of which timings are taken, or not.
fn note_that_is(sampled: bool) -> MessageEnvelope<Note> {
    std::iter::repeat_with(|| note(0)).find(|note| note.id().is_sampled() == sampled).unwrap()
}

#[test]
fn an_envelope_that_goes_into_another_mailbox_is_stamped_as_its_new_id_says() {
    let (queue, mut batch) = (Queue::new(MailboxOptions::default()), Batch::new());
    let mut pass = |envelope| {
        assert!(queue.push(envelope).is_ok());
        assert!(queue.fill(&mut batch));
        queue.take(&mut batch).unwrap()
    };
    let mut envelope = pass(note_that_is(true));
    assert!(envelope.stamped().is_some());
    let plain: MessageId = note_that_is(false).id();
    envelope.stand_in_for(plain);
    let mut envelope = pass(envelope);
    assert!(!envelope.stamped().is_some());
    envelope.stand_in_for(note_that_is(true).id());
    assert!(pass(envelope).stamped().is_some());
}

#[test]
fn an_envelope_is_stamped_on_every_way_into_a_mailbox() {
    let options = MailboxOptions::bounded(1).strategy(BackpressureStrategy::DropOldest);
    for level in MessagePriority::ALL {
        let (queue, mut batch) = (Queue::new(options), Batch::new());
        assert!(queue.push(note(0).with_priority(MessagePriority::Low)).is_ok());
        assert!(queue.push(note_that_is(true).with_priority(level)).is_ok_and(|evicted| evicted.is_some()));
        assert!(queue.fill(&mut batch));
        assert!(queue.take(&mut batch).is_some_and(|envelope| envelope.stamped().is_some()), "{level:?}");
    }
    let (queue, mut batch) = (Queue::new(MailboxOptions::bounded(1)), Batch::new());
    assert!(queue.push(note(0)).is_ok());
    assert!(queue.enter_line(note_that_is(true), None, &Context::from_waker(Waker::noop())).is_ok());
    assert_eq!(next(&queue, &mut batch), Some(0));
    assert!(queue.fill(&mut batch));
    assert!(queue.take(&mut batch).is_some_and(|envelope| envelope.stamped().is_some()));
}

#[test]
fn a_receiver_rests_only_while_there_is_nothing_for_it() {
    struct Woken(AtomicBool);
    impl std::task::Wake for Woken {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let queue = Queue::new(MailboxOptions::default());
    let mut batch = Batch::new();
    let woken = std::sync::Arc::new(Woken(AtomicBool::new(false)));
    let rest = || queue.rest(Waker::from(std::sync::Arc::clone(&woken))).is_ok();
    burst(&queue, &mut batch, 3);
    assert!(rest());
    assert_eq!(buffers(&queue, &Batch::new()), 0);
    assert!(queue.push(note(1)).is_ok());
    assert!(woken.0.swap(false, Ordering::SeqCst));
    assert!(!rest(), "there is a message");
    assert_eq!(next(&queue, &mut batch), Some(1));
    assert!(rest());
    queue.close();
    assert!(woken.0.load(Ordering::SeqCst));
    assert!(!rest(), "nothing is to come");
}
