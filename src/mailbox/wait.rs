use std::pin::Pin;
use std::task::{Context, Poll};

use super::blocked::Ticket;
use super::queue::{Pushed, Queue, Slot};
use crate::mailbox::MailboxErrorKind;

/// A sender's wait for room. Dropping it takes the sender out of the line, with its message, unless that has been
/// accepted by then.
pub(super) struct WaitForRoom<'a, M> {
    queue: &'a Queue<M>,
    slot: &'a mut Slot<M>,
    ticket: Option<Ticket>,
}

impl<'a, M> WaitForRoom<'a, M> {
    pub(super) fn new(queue: &'a Queue<M>, slot: &'a mut Slot<M>) -> Self {
        Self {
            queue,
            slot,
            ticket: None,
        }
    }

    /// Ends the wait because its time is up.
    pub(super) fn give_up(mut self) -> Pushed {
        if let Some(ticket) = self.ticket.take() {
            *self.slot = self.queue.leave_line(ticket);
        }
        if self.slot.is_some() {
            Err(MailboxErrorKind::TimedOut)
        } else {
            Ok(())
        }
    }
}

impl<M> Future for WaitForRoom<'_, M> {
    type Output = Pushed;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Pushed> {
        let this = self.get_mut();
        let ticket = match this.ticket {
            Some(ticket) => ticket,
            None => match this.queue.enter_line(this.slot, cx) {
                Ok(Some(ticket)) => ticket,
                Ok(None) => return Poll::Ready(Ok(())),
                Err(kind) => return Poll::Ready(Err(kind)),
            },
        };
        let polled = this.queue.poll_line(ticket, this.slot, cx);
        this.ticket = polled.is_pending().then_some(ticket);
        polled
    }
}

impl<M> Drop for WaitForRoom<'_, M> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.queue.leave_line(ticket);
        }
    }
}
