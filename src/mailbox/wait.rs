use std::pin::Pin;
use std::task::{Context, Poll};

use super::blocked::Ticket;
use super::queue::{KeyClaim, Pushed, Queue};
use crate::disposal::lay_to_rest;
use crate::mailbox::{MailboxError, MailboxErrorKind};
use crate::message::MessageEnvelope;

/// A sender's wait for room. Dropping it takes the sender out of the line, with its message, unless that has been
/// accepted by then.
pub(super) struct WaitForRoom<'a, M> {
    queue: &'a Queue<M>,
    /// The message, until it stands in the line.
    envelope: Option<MessageEnvelope<M>>,
    /// That this is the mailbox for it, if it has a key.
    claim: Option<KeyClaim<'a>>,
    /// The place in the line, while there is one.
    ticket: Option<Ticket>,
}

impl<'a, M> WaitForRoom<'a, M> {
    pub(super) fn new(queue: &'a Queue<M>, envelope: MessageEnvelope<M>, claim: Option<KeyClaim<'a>>) -> Self {
        Self { queue, envelope: Some(envelope), claim, ticket: None }
    }

    /// Ends the wait because its time is up.
    pub(super) fn give_up(mut self) -> Pushed<M> {
        let in_line = self.ticket.take().and_then(|ticket| self.queue.leave_line(ticket));
        let timed_out = |envelope| Err(MailboxError::new(MailboxErrorKind::TimedOut, envelope));
        self.envelope.take().or(in_line).map_or(Ok(None), timed_out)
    }

    fn enter_line(&mut self, cx: &Context<'_>) -> Result<(), MailboxError<M>> {
        if let Some(envelope) = self.envelope.take() {
            self.ticket = Some(self.queue.enter_line(envelope, self.claim.as_ref(), cx)?);
        }
        Ok(())
    }
}

impl<M> Future for WaitForRoom<'_, M> {
    type Output = Pushed<M>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Pushed<M>> {
        let this = self.get_mut();
        if let Err(error) = this.enter_line(cx) {
            return Poll::Ready(Err(error));
        }
        let Some(ticket) = this.ticket else { return Poll::Ready(Ok(None)) };
        let polled = this.queue.poll_line(ticket, cx);
        if polled.is_ready() {
            this.ticket = None;
        }
        polled
    }
}

/// Nothing in it is ever pinned, so it may be moved whatever `M` is.
impl<M> Unpin for WaitForRoom<'_, M> {}

impl<M> Drop for WaitForRoom<'_, M> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            // Also while a panic goes on, which a second one would make an abort.
            drop(lay_to_rest(self.queue.leave_line(ticket)));
        }
    }
}
