//! Random sequences of operations on a mailbox and on a simple model of it must tell the same story.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use proptest::collection::vec;
use proptest::prelude::*;

use super::support::{Driven, Note, Sent, Wakes, make, note, numbers, sending, try_send};
use crate::mailbox::BackpressureStrategy::{Block, DropNewest, DropOldest, Error};
use crate::mailbox::{BackpressureStrategy, MailboxErrorKind, MailboxOptions, MailboxReceiver, MailboxSender};
use crate::message::MessagePriority;

const NORMAL: usize = 1;
const PATIENCE: u32 = 16;

#[derive(Clone, Copy, Debug)]
enum Step {
    TrySend(usize),
    Send(usize),
    /// Polls one of the sends that have not ended.
    Poll(usize),
    /// Drops one of them.
    Cancel(usize),
    TryReceive,
    PollReceive,
    ReceiveMany(usize),
    Close,
    Drain,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let level = prop_oneof![4 => Just(NORMAL), 1 => Just(0_usize), 1 => Just(2), 2 => Just(3)];
    let step = prop_oneof![
        60 => level.clone().prop_map(Step::TrySend),
        60 => level.prop_map(Step::Send),
        20 => any::<usize>().prop_map(Step::Poll),
        10 => any::<usize>().prop_map(Step::Cancel),
        40 => Just(Step::TryReceive),
        40 => Just(Step::PollReceive),
        10 => (0_usize..5).prop_map(Step::ReceiveMany),
        1 => Just(Step::Close),
        1 => Just(Step::Drain),
    ];
    vec(step, 1..160)
}

fn options() -> impl Strategy<Value = MailboxOptions> {
    let strategy = prop_oneof![3 => Just(Block), 1 => Just(DropOldest), 1 => Just(DropNewest), 1 => Just(Error)];
    (1_usize..9, strategy).prop_map(|(capacity, strategy)| MailboxOptions::bounded(capacity).strategy(strategy))
}

/// The same mailbox, as simple as can be.
struct Model {
    capacity: usize,
    strategy: BackpressureStrategy,
    levels: [VecDeque<u64>; 4],
    passed_over: [u32; 4],
    line: VecDeque<(u64, usize)>,
    closed: bool,
}

impl Model {
    fn new(options: &MailboxOptions) -> Self {
        Self {
            capacity: options.limit(),
            strategy: options.on_full(),
            levels: Default::default(),
            passed_over: [0; 4],
            line: VecDeque::new(),
            closed: false,
        }
    }

    fn depth(&self) -> usize {
        self.levels.iter().map(VecDeque::len).sum()
    }

    fn try_send(&mut self, number: u64, level: usize) -> Sent {
        if self.closed {
            return Err((MailboxErrorKind::Closed, number));
        }
        if self.depth() < self.capacity && self.line.is_empty() {
            self.levels[level].push_back(number);
            return Ok(None);
        }
        let evicted = match self.strategy {
            Block | Error => return Err((MailboxErrorKind::Full, number)),
            DropNewest => None,
            DropOldest => self.levels[..=level].iter_mut().find_map(VecDeque::pop_front),
        };
        if evicted.is_none() {
            return Ok(Some(number));
        }
        self.levels[level].push_back(number);
        Ok(evicted)
    }

    /// As polling a new send once.
    fn send(&mut self, number: u64, level: usize) -> Poll<Sent> {
        match self.try_send(number, level) {
            Err((MailboxErrorKind::Full, _)) if self.strategy == Block => {
                self.line.push_back((number, level));
                Poll::Pending
            }
            sent => Poll::Ready(sent),
        }
    }

    fn receive(&mut self) -> Option<u64> {
        let level = self.next_level()?;
        let received = self.levels[level].pop_front();
        if !self.closed
            && let Some((number, level)) = self.line.pop_front()
        {
            self.levels[level].push_back(number);
        }
        received
    }

    fn next_level(&mut self) -> Option<usize> {
        let waits = [0, 1, 2, 3].map(|level| !self.levels[level].is_empty());
        let overdue = (0..4).find(|level| waits[*level] && self.passed_over[*level] >= PATIENCE);
        let chosen = overdue.or_else(|| (0..4).rfind(|level| waits[*level]))?;
        for (level, passed_over) in self.passed_over.iter_mut().enumerate() {
            *passed_over = if waits[level] && level != chosen { *passed_over + 1 } else { 0 };
        }
        Some(chosen)
    }

    fn stands_in_line(&self, number: u64) -> bool {
        self.line.iter().any(|(waiting, _)| *waiting == number)
    }
}

/// The mailbox beside its model.
struct Both {
    model: Model,
    sender: MailboxSender<Note>,
    receiver: MailboxReceiver<Note>,
    /// Sends that have been polled and were not ready.
    sends: Vec<(u64, Driven<'static, Sent>)>,
    receiver_wakes: Arc<Wakes>,
    /// How often the receiver had been woken when it went to sleep.
    asleep_since: Option<usize>,
    next: u64,
}

impl Both {
    fn new(options: MailboxOptions) -> Self {
        let (sender, receiver) = make(options);
        Self {
            model: Model::new(&options),
            sender,
            receiver,
            sends: Vec::new(),
            receiver_wakes: Arc::default(),
            asleep_since: None,
            next: 0,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::TrySend(level) => {
                let number = self.number();
                let sent = try_send(&self.sender, note(number, MessagePriority::ALL[level]));
                assert_eq!(sent, self.model.try_send(number, level));
            }
            Step::Send(level) => self.send(level),
            Step::Poll(which) => self.poll_send(which),
            Step::Cancel(which) => self.cancel_send(which),
            Step::TryReceive => {
                let received = self.receiver.try_recv().map(|envelope| envelope.into_message().0);
                assert_eq!(received, self.model.receive());
            }
            Step::PollReceive => self.poll_receive(),
            Step::ReceiveMany(limit) => self.receive_many(limit),
            Step::Close => {
                self.sender.close();
                self.model.closed = true;
            }
            Step::Drain => {
                self.model.closed = true;
                let drained = numbers(self.receiver.drain());
                assert_eq!(drained, std::iter::from_fn(|| self.model.receive()).collect::<Vec<_>>());
            }
        }
        self.compare();
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn send(&mut self, level: usize) {
        let number = self.number();
        let mut send = sending(&self.sender, note(number, MessagePriority::ALL[level]));
        let polled = send.poll();
        assert_eq!(polled, self.model.send(number, level));
        if polled.is_pending() {
            self.sends.push((number, send));
        }
    }

    fn poll_send(&mut self, which: usize) {
        let Some(which) = which.checked_rem(self.sends.len()) else { return };
        let (number, send) = &mut self.sends[which];
        let polled = send.poll();
        let expected = match self.model.line.iter().position(|(waiting, _)| waiting == number) {
            None => Poll::Ready(Ok(None)),
            Some(_) if !self.model.closed => Poll::Pending,
            Some(place) => {
                self.model.line.remove(place);
                Poll::Ready(Err((MailboxErrorKind::Closed, *number)))
            }
        };
        assert_eq!(polled, expected);
        if polled.is_ready() {
            self.sends.remove(which);
        }
    }

    fn cancel_send(&mut self, which: usize) {
        let Some(which) = which.checked_rem(self.sends.len()) else { return };
        let (number, send) = self.sends.remove(which);
        drop(send);
        self.model.line.retain(|(waiting, _)| *waiting != number);
    }

    fn poll_receive(&mut self) {
        let waker = Waker::from(Arc::clone(&self.receiver_wakes));
        let polled = self.receiver.poll_recv(&mut Context::from_waker(&waker));
        let polled = polled.map(|received| received.map(|envelope| envelope.into_message().0));
        let expected = match self.model.receive() {
            None if !self.model.closed => Poll::Pending,
            received => Poll::Ready(received),
        };
        assert_eq!(polled, expected);
        self.asleep_since = polled.is_pending().then(|| self.receiver_wakes.count());
    }

    fn receive_many(&mut self, limit: usize) {
        let mut received = Vec::new();
        let polled = Driven::new(self.receiver.recv_many(&mut received, limit)).poll();
        let expected: Vec<_> = std::iter::from_fn(|| self.model.receive()).take(limit).collect();
        match polled {
            Poll::Ready(count) => assert_eq!(count, expected.len()),
            Poll::Pending => assert!(limit > 0 && expected.is_empty() && !self.model.closed),
        }
        assert_eq!(numbers(received), expected);
        // That call was given up, and with it the waker it left behind.
        self.asleep_since = None;
    }

    /// What must hold after every step.
    fn compare(&self) {
        assert_eq!(self.sender.depth(), self.model.depth());
        assert_eq!(self.sender.shared.queue.depth_at_a_glance(), self.model.depth());
        assert!(self.sender.depth() <= self.model.capacity);
        assert_eq!(self.sender.blocked_senders(), self.model.line.len());
        assert_eq!(self.sender.is_closed(), self.model.closed);
        for (number, send) in &self.sends {
            let still_waits = self.model.stands_in_line(*number) && !self.model.closed;
            assert_eq!(send.wakes(), usize::from(!still_waits), "wakes of the sender of {number}");
        }
        if let Some(wakes) = self.asleep_since {
            let has_news = self.model.depth() > 0 || self.model.closed;
            assert!(!has_news || self.receiver_wakes.count() > wakes, "the receiver sleeps on");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_sequence_of_operations_ends_as_in_the_model(options in options(), steps in steps()) {
        let mut both = Both::new(options);
        for step in steps {
            both.take(step);
        }
    }
}
