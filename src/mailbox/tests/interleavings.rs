use std::sync::Arc;

use super::support::{Note, Sent, bounded, fill, make, numbers, plain, try_send, waiting};
use crate::mailbox::{BackpressureStrategy, MailboxErrorKind, MailboxOptions, MailboxReceiver, MailboxSender, Queue};
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{block_on, check, spawn};

fn send(sender: &MailboxSender<Note>, number: u64) -> Sent {
    plain(block_on(sender.send(Note(number))))
}

fn receive(receiver: &mut MailboxReceiver<Note>) -> Option<u64> {
    block_on(receiver.recv()).map(|envelope| envelope.into_message().0)
}

fn receive_all(receiver: &mut MailboxReceiver<Note>) -> Vec<u64> {
    std::iter::from_fn(|| receive(receiver)).collect()
}

fn ascending(numbers: &[u64]) -> bool {
    numbers.is_sorted_by(|one, next| one < next)
}

fn sorted(mut numbers: Vec<u64>) -> Vec<u64> {
    numbers.sort_unstable();
    numbers
}

#[test]
fn a_receiver_that_falls_asleep_as_a_message_comes_gets_it() {
    check(|| {
        let (sender, mut receiver) = bounded(4);
        let sends = spawn(move || {
            assert_eq!(try_send(&sender, Note(1)), Ok(None));
            sender
        });
        assert_eq!(receive(&mut receiver), Some(1));
        sends.join().unwrap();
    });
}

#[test]
fn what_two_senders_send_comes_once_and_in_the_order_of_each() {
    check(|| {
        let (sender, mut receiver) = bounded(2);
        for first in [0, 10] {
            let sender = sender.clone();
            spawn(move || (first..first + 3).for_each(|number| assert_eq!(send(&sender, number), Ok(None))));
        }
        drop(sender);
        let received = receive_all(&mut receiver);
        let (of_one, of_other): (Vec<_>, Vec<_>) = received.iter().partition(|number| **number < 10);
        assert_eq!((of_one, of_other), (vec![0, 1, 2], vec![10, 11, 12]));
    });
}

#[test]
fn what_is_put_in_as_it_closes_is_received_or_comes_back() {
    check(|| {
        let (sender, mut receiver) = bounded(4);
        let sends = spawn({
            let sender = sender.clone();
            move || [1, 2].map(|number| try_send(&sender, Note(number)))
        });
        let closes = spawn(move || sender.close());
        let received = receive_all(&mut receiver);
        closes.join().unwrap();
        let sent = sends.join().unwrap();
        let accepted: Vec<_> = (1..).zip(&sent).filter(|(_, sent)| sent.is_ok()).map(|(number, _)| number).collect();
        assert_eq!(received, accepted);
        let refused = |number| Err((MailboxErrorKind::Closed, number));
        assert!(sent.iter().zip(1..).all(|(sent, number)| *sent == Ok(None) || *sent == refused(number)));
    });
}

#[test]
fn a_sender_that_waits_gets_in_as_soon_as_there_is_room() {
    check(|| {
        let (sender, mut receiver) = bounded(1);
        fill(&sender, [1]);
        let got_in = Arc::new(tokio::sync::Notify::new());
        let sends = spawn({
            let got_in = Arc::clone(&got_in);
            move || {
                assert_eq!(send(&sender, 2), Ok(None));
                got_in.notify_one();
                sender
            }
        });
        assert_eq!(receive(&mut receiver), Some(1));
        // As a handler that waits for whoever waits for room.
        block_on(got_in.notified());
        assert_eq!(receive(&mut receiver), Some(2));
        sends.join().unwrap();
    });
}

#[test]
fn senders_that_wait_keep_their_places_when_one_of_them_goes() {
    check(|| {
        let (sender, mut receiver) = bounded(1);
        fill(&sender, [1]);
        let gives_up = waiting(&sender, Note(2));
        let patient = spawn({
            let sender = sender.clone();
            move || assert_eq!(send(&sender, 3), Ok(None))
        });
        let gone = Arc::new(AtomicBool::new(false));
        // A `Driven` stays in its thread, so what moves is the receiver.
        let receives = spawn({
            let gone = Arc::clone(&gone);
            move || (gone.load(Ordering::SeqCst), receive_all(&mut receiver))
        });
        drop(gives_up);
        gone.store(true, Ordering::SeqCst);
        patient.join().unwrap();
        drop(sender);
        let (was_gone, received) = receives.join().unwrap();
        assert!(received == [1, 3] || (received == [1, 2, 3] && !was_gone), "{received:?}");
    });
}

#[test]
fn a_sender_that_waits_as_the_mailbox_closes_gets_its_message_back() {
    check(|| {
        let (sender, receiver) = bounded(1);
        fill(&sender, [1]);
        let sends = spawn({
            let sender = sender.clone();
            move || send(&sender, 2)
        });
        sender.close();
        assert_eq!(sends.join().unwrap(), Err((MailboxErrorKind::Closed, 2)));
        assert_eq!(receiver.depth(), 1);
    });
}

#[test]
fn a_sender_that_waits_as_the_receiver_goes_gets_its_message_in_or_back() {
    check(|| {
        let (sender, mut receiver) = bounded(1);
        fill(&sender, [1]);
        let sends = spawn({
            let sender = sender.clone();
            move || send(&sender, 2)
        });
        let mut taken = Vec::from_iter(receive(&mut receiver));
        taken.extend(numbers(receiver.drain()));
        drop(receiver);
        match sends.join().unwrap() {
            Ok(None) => assert_eq!(taken, [1, 2]),
            back => assert_eq!((back, taken), (Err((MailboxErrorKind::Closed, 2)), vec![1])),
        }
        assert_eq!((sender.depth(), sender.blocked_senders()), (0, 0));
    });
}

#[test]
fn what_makes_room_for_another_goes_in_the_step_in_which_that_comes() {
    check(|| {
        let (sender, mut receiver) = make(MailboxOptions::bounded(2).strategy(BackpressureStrategy::DropOldest));
        let senders = [10, 20].map(|first| {
            let sender = sender.clone();
            spawn(move || {
                let evict = |number| try_send(&sender, Note(number)).unwrap();
                (first..first + 3).filter_map(evict).collect::<Vec<_>>()
            })
        });
        let depths = spawn({
            let sender = sender.clone();
            move || (0..3).for_each(|_| assert!(sender.depth() <= 2))
        });
        let mut received: Vec<_> = (0..2).filter_map(|_| receive(&mut receiver)).collect();
        let evicted: Vec<Vec<u64>> = senders.map(|sender| sender.join().unwrap()).into();
        depths.join().unwrap();
        received.extend(numbers(receiver.drain()));
        for tens in [1, 2] {
            let of_one: Vec<_> = received.iter().copied().filter(|number| number / 10 == tens).collect();
            assert!(ascending(&of_one), "{received:?}");
        }
        let all = evicted.into_iter().flatten().chain(received).collect();
        assert_eq!(sorted(all), [10, 11, 12, 20, 21, 22]);
    });
}

/// How far a mailbox's users have come, for whoever looks at its depth from outside.
#[derive(Default)]
struct Progress {
    sends: AtomicUsize,
    sent: AtomicUsize,
    takes: AtomicUsize,
    taken: AtomicUsize,
}

impl Progress {
    fn step(counter: &AtomicUsize) {
        counter.fetch_add(1, Ordering::SeqCst);
    }

    /// Looks, and asserts that the depth is one that there was meanwhile.
    fn look(&self, sender: &MailboxSender<Note>) {
        let of = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        let (sent, taken) = (of(&self.sent), of(&self.taken));
        let depth = sender.depth();
        let (sends, takes) = (of(&self.sends), of(&self.takes));
        assert!(sent.saturating_sub(takes) <= depth && depth <= sends - taken, "{depth}");
        assert!(depth <= 2);
    }
}

#[test]
fn the_depth_is_what_was_put_in_and_not_taken_and_never_more_than_the_bound() {
    check(|| {
        let (sender, mut receiver) = make(MailboxOptions::bounded(2).strategy(BackpressureStrategy::Error));
        let progress = Arc::new(Progress::default());
        let sends = spawn({
            let (sender, progress) = (sender.clone(), Arc::clone(&progress));
            move || {
                for number in 0..3 {
                    Progress::step(&progress.sends);
                    if try_send(&sender, Note(number)).is_ok() {
                        Progress::step(&progress.sent);
                    }
                }
            }
        });
        let looks = spawn({
            let (sender, progress) = (sender.clone(), Arc::clone(&progress));
            move || (0..3).for_each(|_| progress.look(&sender))
        });
        for _ in 0..2 {
            Progress::step(&progress.takes);
            assert!(receive(&mut receiver).is_some());
            Progress::step(&progress.taken);
        }
        sends.join().unwrap();
        looks.join().unwrap();
        assert_eq!(receiver.depth(), progress.sent.load(Ordering::SeqCst) - 2);
    });
}

#[test]
fn a_receiver_that_waits_for_what_is_to_come_back_ends_when_that_will_not() {
    check(|| {
        let queue = Arc::new(Queue::<Note>::new(MailboxOptions::bounded(1)));
        queue.owe();
        queue.close();
        let ended = Arc::new(AtomicBool::new(false));
        let forgives = spawn({
            let (queue, ended) = (Arc::clone(&queue), Arc::clone(&ended));
            move || {
                assert!(!ended.load(Ordering::SeqCst));
                queue.forgive();
            }
        });
        let mut batch = crate::mailbox::Batch::new();
        assert!(!block_on(std::future::poll_fn(|cx| queue.poll_fill(&mut batch, cx))));
        ended.store(true, Ordering::SeqCst);
        forgives.join().unwrap();
    });
}
