use std::collections::VecDeque;
use std::task::{Context, Waker};

use super::waits::Waits;
use crate::message::{Deadline, MessageEnvelope, MessageId};

/// The senders that wait for room, in the order of their arrival.
///
/// A waiting sender's message stands here, not in the sender's future, so that whoever makes room moves it into the
/// mailbox: the sender keeps its place, and its waking up costs the others nothing.
///
/// Messages of the broker's own (what is due, or to be handled again) stand here too, with nobody who waits. The mailbox has
/// accepted those already, and takes them in even when it is closed.
pub(super) struct BlockedSenders<M> {
    next_ticket: u64,
    line: VecDeque<Blocked<M>>,
    unattended: usize,
    waits: Waits,
}

struct Blocked<M> {
    ticket: Ticket,
    since: Deadline,
    /// Of the sender; none if nobody waits.
    waker: Option<Waker>,
    envelope: MessageEnvelope<M>,
}

/// A waiting sender's place. Tickets ascend along the line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

impl<M> BlockedSenders<M> {
    pub(super) const fn new() -> Self {
        Self { next_ticket: 0, line: VecDeque::new(), unattended: 0, waits: Waits::new() }
    }

    /// How many messages stand in the line.
    pub(super) fn len(&self) -> usize {
        self.line.len()
    }

    /// How many of them nobody waits with.
    pub(super) fn unattended(&self) -> usize {
        self.unattended
    }

    pub(super) fn enter(&mut self, envelope: MessageEnvelope<M>, waker: Option<Waker>, now: Deadline) -> Ticket {
        match waker {
            Some(_) => self.waits.begin(now),
            None => self.unattended += 1,
        }
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.line.push_back(Blocked { ticket, since: now, waker, envelope });
        ticket
    }

    /// Whether the sender still waits; if so, `cx` is woken when that changes.
    pub(super) fn still_waits(&mut self, ticket: Ticket, cx: &Context<'_>) -> bool {
        match self.place(ticket) {
            Some(place) => {
                self.line[place].waker.replace(cx.waker().clone());
                true
            }
            None => false,
        }
    }

    /// Takes the sender out of the line, wherever it stands.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<MessageEnvelope<M>> {
        let place = self.place(ticket)?;
        let left = self.line.remove(place)?;
        self.waits.end(left.since, Deadline::now());
        Some(left.envelope)
    }

    pub(super) fn contains(&self, message: MessageId) -> bool {
        self.line.iter().any(|blocked| blocked.envelope.id() == message)
    }

    /// Takes what has waited longest; of a closed mailbox, only what nobody waits with.
    pub(super) fn admit(&mut self, closed: bool, now: Deadline) -> Option<(MessageEnvelope<M>, Option<Waker>)> {
        let place = if closed { self.line.iter().position(|blocked| blocked.waker.is_none())? } else { 0 };
        let admitted = self.line.remove(place)?;
        match admitted.waker {
            Some(_) => self.waits.end(admitted.since, now),
            None => self.unattended -= 1,
        }
        Some((admitted.envelope, admitted.waker))
    }

    /// There will be no room any more, so nobody waits for it. Gives who has to be told; each leaves by itself.
    pub(super) fn let_go(&mut self) -> Vec<Waker> {
        self.waits.end_all(Deadline::now());
        self.line.iter().filter_map(|blocked| blocked.waker.clone()).collect()
    }

    pub(super) fn waits(&self) -> Waits {
        self.waits
    }

    fn place(&self, ticket: Ticket) -> Option<usize> {
        self.line.binary_search_by_key(&ticket, |blocked| blocked.ticket).ok()
    }
}
