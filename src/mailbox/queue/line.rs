use std::task::{Context, Poll, Waker};

use super::{KeyClaim, Pushed, Queue, State};
use crate::mailbox::blocked::{BlockedSenders, Ticket};
use crate::mailbox::{MailboxError, MailboxErrorKind, Waits};
use crate::message::{Deadline, MessageEnvelope, MessageId};
use crate::sync::Guard;
use crate::sync::atomic::{Ordering, fence};

/// The line of senders that wait for room.
impl<M> Queue<M> {
    /// Puts the sender in the line, with its message.
    pub(in crate::mailbox) fn enter_line(
        &self,
        mut envelope: MessageEnvelope<M>,
        claim: Option<&KeyClaim<'_>>,
        cx: &Context<'_>,
    ) -> Result<Ticket, MailboxError<M>> {
        let now = Deadline::now();
        let mut state = self.state.lock();
        if self.is_closed() {
            return Err(MailboxError::new(MailboxErrorKind::Closed, envelope));
        }
        if state.in_line() >= self.options.line() {
            return Err(MailboxError::new(MailboxErrorKind::LineFull, envelope));
        }
        if let Some(claim) = claim {
            envelope = self.enter_line_by_key(&mut state, envelope, claim)?;
        }
        let blocked = state.blocked.get_or_insert_with(|| Box::new(BlockedSenders::new()));
        let ticket = blocked.enter(envelope, Some(cx.waker().clone()), now);
        self.attend(&mut state);
        // Pairs with the fence in `admit_all`.
        fence(Ordering::SeqCst);
        // The receiver may have made room since the sender found none, and not have seen that anyone waits.
        self.admit_blocked(state);
        Ok(ticket)
    }

    /// Ready when the message has been accepted, or comes back because the mailbox was closed.
    pub(in crate::mailbox) fn poll_line(&self, ticket: Ticket, cx: &Context<'_>) -> Poll<Pushed<M>> {
        let mut state = self.state.lock();
        let Some(blocked) = state.blocked.as_mut() else { return Poll::Ready(Ok(None)) };
        if self.is_closed() {
            let mut back = blocked.leave(ticket);
            let wakers = back.as_mut().map_or_else(Vec::new, |envelope| state.leave_key(envelope));
            drop(state);
            wakers.into_iter().for_each(Waker::wake);
            let closed = |envelope| Err(MailboxError::new(MailboxErrorKind::Closed, envelope));
            return Poll::Ready(back.map_or(Ok(None), closed));
        }
        if blocked.still_waits(ticket, cx) { Poll::Pending } else { Poll::Ready(Ok(None)) }
    }

    /// Whether the sender of this message stands in the line.
    pub(crate) fn is_in_line(&self, message: MessageId) -> bool {
        self.state.lock().blocked.as_ref().is_some_and(|blocked| blocked.contains(message))
    }

    /// Takes the sender out of the line. `None` if its message has been accepted.
    pub(in crate::mailbox) fn leave_line(&self, ticket: Ticket) -> Option<MessageEnvelope<M>> {
        let mut state = self.state.lock();
        let mut envelope = state.blocked.as_mut()?.leave(ticket);
        self.attend(&mut state);
        let wakers = envelope.as_mut().map_or_else(Vec::new, |envelope| state.leave_key(envelope));
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        envelope
    }

    /// Lets those in who wait for the room that the receiver has made by taking a message.
    ///
    /// `take` does so too, but without a fence it may miss a sender that gets in line in the very nanoseconds in which it
    /// takes the message, and which in turn still sees that message in its way. The receiver calls this when it may
    /// not come back for long: of this fence and the one in `enter_line`, the later sees what was written before the
    /// earlier.
    pub(crate) fn admit_all(&self) {
        fence(Ordering::SeqCst);
        if self.attention.load(Ordering::Acquire) {
            self.admit_blocked(self.state.lock());
        }
    }

    /// Takes in a message of the broker's own, with nobody who waits: it is accepted, and stands in line for room like
    /// any other. A closed mailbox takes in only what its actor has set aside, which is then `owed` no more, and for which
    /// there is always a place.
    pub(crate) fn take_in(&self, envelope: MessageEnvelope<M>, owed: bool) -> Result<(), MailboxError<M>> {
        let mut state = self.state.lock();
        if state.sealed || (self.is_closed() && !owed) {
            return Err(MailboxError::new(MailboxErrorKind::Closed, envelope));
        }
        if !owed && state.in_line() >= self.options.line() {
            return Err(MailboxError::new(MailboxErrorKind::LineFull, envelope));
        }
        state.owed -= u32::from(owed);
        self.count_accepted(1);
        state.blocked.get_or_insert_with(|| Box::new(BlockedSenders::new())).enter(envelope, None, Deadline::now());
        self.attend(&mut state);
        // Pairs with the fence in `admit_all`.
        fence(Ordering::SeqCst);
        self.admit_blocked(state);
        Ok(())
    }

    /// Says that a message which was accepted and handled is to come back, so that the receiver waits for it.
    pub(crate) fn owe(&self) {
        self.state.lock().owed += 1;
    }

    /// Says that one of those will not come back.
    pub(crate) fn forgive(&self) {
        let mut state = self.state.lock();
        state.owed -= 1;
        let receiver = if state.owed == 0 && self.is_closed() { state.receiver.take() } else { None };
        drop(state);
        receiver.into_iter().for_each(Waker::wake);
    }

    /// Moves messages of waiting senders into the room there is.
    #[inline]
    pub(super) fn admit_blocked(&self, mut state: Guard<'_, State<M>>) {
        if state.in_line() == 0 {
            self.attend(&mut state);
        } else {
            self.admit_some(state);
        }
    }

    /// What has been counted of the line.
    pub(crate) fn waits(&self) -> Waits {
        self.state.lock().blocked.as_ref().map_or_else(Waits::new, |blocked| blocked.waits())
    }

    #[cold]
    fn admit_some(&self, mut state: Guard<'_, State<M>>) {
        let (mut admitted, mut wakers, mut now) = (0, Vec::new(), None);
        let closed = self.is_closed();
        while state.levels.len() + self.in_hand.load(Ordering::SeqCst) < self.options.limit()
            && let Some((envelope, waker)) =
                state.blocked.as_mut().and_then(|blocked| blocked.admit(closed, *now.get_or_insert_with(Deadline::now)))
        {
            // What nobody waits with was accepted when it got in line.
            self.count_accepted(u64::from(waker.is_some()));
            self.put_in(&mut state, envelope);
            admitted += 1;
            wakers.extend(waker);
        }
        self.attend(&mut state);
        // The receiver may be asleep if it was somebody else who made the room.
        let receiver = if admitted == 0 { None } else { state.receiver.take() };
        drop(state);
        wakers.into_iter().chain(receiver).for_each(Waker::wake);
    }
}
