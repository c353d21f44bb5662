use std::collections::VecDeque;
use std::task::{Context, Waker};

use crate::message::MessageEnvelope;

/// The senders that wait for room, in the order of their arrival.
///
/// A waiting sender's message stands here, not in the sender's future, so that whoever makes room moves it into the
/// mailbox: the sender keeps its place, and its waking up costs the others nothing.
pub(super) struct BlockedSenders<M> {
    next_ticket: u64,
    line: VecDeque<Blocked<M>>,
}

struct Blocked<M> {
    ticket: Ticket,
    waker: Waker,
    envelope: MessageEnvelope<M>,
}

/// A waiting sender's place. Tickets ascend along the line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

impl<M> BlockedSenders<M> {
    pub(super) const fn new() -> Self {
        Self { next_ticket: 0, line: VecDeque::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.line.len()
    }

    pub(super) fn enter(&mut self, envelope: MessageEnvelope<M>, waker: Waker) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.line.push_back(Blocked { ticket, waker, envelope });
        ticket
    }

    /// Whether the sender still waits; if so, `cx` is woken when that changes.
    pub(super) fn still_waits(&mut self, ticket: Ticket, cx: &Context<'_>) -> bool {
        match self.place(ticket) {
            Some(place) => {
                self.line[place].waker.clone_from(cx.waker());
                true
            }
            None => false,
        }
    }

    /// Takes the sender out of the line, wherever it stands.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<MessageEnvelope<M>> {
        let place = self.place(ticket)?;
        self.line.remove(place).map(|blocked| blocked.envelope)
    }

    /// Takes the sender that has waited longest.
    pub(super) fn admit(&mut self) -> Option<(MessageEnvelope<M>, Waker)> {
        self.line.pop_front().map(|blocked| (blocked.envelope, blocked.waker))
    }

    pub(super) fn wakers(&self) -> Vec<Waker> {
        self.line.iter().map(|blocked| blocked.waker.clone()).collect()
    }

    fn place(&self, ticket: Ticket) -> Option<usize> {
        self.line.binary_search_by_key(&ticket, |blocked| blocked.ticket).ok()
    }
}
