use std::fmt;
use std::pin::pin;
use std::task::Poll;

use super::Actor;
use crate::actor::in_doubt::InDoubt;
use crate::actor::panic::{catch_panic, error_text_of};
use crate::actor::turn::Turn;
use crate::actor::{HandlerFactory, OnPanic};
use crate::broker::{Declined, Failed, Fate, MessageBroker, MessageHandler};
use crate::message::{Message, Settled, Stamp};
use crate::metrics::Outcome;
use crate::retry::Failure;

/// Why a handler's work came to an end.
pub(super) enum Halt {
    Stopped,
    Drained,
    Aborted,
    Panicked(String),
    /// It has been idle for a while.
    Idle,
}

/// An actor's work on one message after the other.
impl<M: Message, B: MessageBroker<M>, F: HandlerFactory<M>> Actor<M, B, F> {
    /// Handles messages until there are no more to come or the handler panics.
    ///
    /// The panic is caught round the whole loop, not round each message: a wrapper for each would copy the handler's
    /// future, which is large, once more.
    pub(super) async fn work(&mut self, handler: &mut F::Handler) -> Halt {
        let handled = catch_panic(pin!(self.handle_all(handler))).await;
        match handled {
            Ok(halt) => halt,
            Err(panic) => {
                self.settle_panic(&panic);
                Halt::Panicked(panic)
            }
        }
    }

    async fn handle_all(&mut self, handler: &mut F::Handler) -> Halt {
        let mut turn = Turn::default();
        let mut rests = false;
        while !self.mailbox.cell.is_stopping() {
            if self.in_doubt.is_some() {
                // Boxed, so that actors which never need it have no room for it in their futures.
                if !Box::pin(self.take_up_again()).await {
                    continue;
                }
            } else {
                let next = std::future::poll_fn(|cx| {
                    let next = self.mailbox.poll_next(cx);
                    if next.is_pending() {
                        turn.begin();
                        // It may be closed already, and wait for what is to come back, so that nothing else says so.
                        if self.mailbox.cell.is_stopping() {
                            return Poll::Ready(false);
                        }
                        // Nothing is in hand.
                        if self.mailbox.cell.may_rest() {
                            rests = true;
                            return Poll::Ready(false);
                        }
                    }
                    next
                });
                if !next.await {
                    break;
                }
            }
            if !self.begin() {
                continue;
            }
            let Some(envelope) = self.mailbox.take() else { break };
            let result = {
                let queue = &self.mailbox.cell.queue;
                // The one place that calls it, so that the compiler can take it in.
                let mut handling = pin!(handler.handle(envelope, &self.context));
                let handled = std::future::poll_fn(|cx| {
                    let handled = handling.as_mut().poll(cx);
                    if handled.is_pending() {
                        queue.admit_all();
                    }
                    handled
                });
                handled.await
            };
            self.settle(result);
            if turn.is_over() {
                tokio::task::yield_now().await;
                turn.begin();
            }
        }
        match &self.mailbox.cell {
            cell if cell.is_aborting() => Halt::Aborted,
            cell if cell.is_stopping() => Halt::Stopped,
            _ if rests => Halt::Idle,
            _ => Halt::Drained,
        }
    }

    /// Begins with the next message, while it is still in the batch, so that it need not be moved twice. False if it has
    /// ended instead.
    #[inline]
    fn begin(&mut self) -> bool {
        if let Some(next) = self.mailbox.next() {
            next.leave_sender();
            if next.needs_care() && !self.take_care() {
                return false;
            }
        }
        self.mailbox.cell.tally.set_in_handler(true);
        if let Some(next) = self.mailbox.next() {
            self.context.begin(next);
            let stamp = next.stamped();
            if stamp.is_some() {
                self.begin_timing(stamp);
            }
        }
        if self.in_doubt.is_some() {
            self.count_redelivery();
        }
        true
    }

    /// Sees to what must be kept of the next message while it is handled. False if it has ended instead.
    #[cold]
    fn take_care(&mut self) -> bool {
        let Some(next) = self.mailbox.next() else { return true };
        if next.is_keyed() {
            next.set_keyed(false);
            self.keyed = Some(next.id());
        }
        if next.is_at_least_once() {
            match InDoubt::copy(next) {
                Ok(copy) => self.in_doubt = Some(copy),
                Err(panic) => return self.give_up_uncopied(panic),
            }
        }
        true
    }

    /// The message in hand is done with here.
    #[cold]
    fn end_key(&mut self) {
        self.keyed.take().into_iter().for_each(|message| self.mailbox.cell.queue.end_key(message));
    }

    /// Ends a message that is to be delivered at least once, but whose `clone` panicked.
    #[cold]
    fn give_up_uncopied(&mut self, panic: String) -> bool {
        if let Some(envelope) = self.mailbox.take() {
            self.mailbox.hub.end_uncopied(&self.mailbox.cell, envelope, panic);
        }
        self.end_key();
        self.mailbox.cell.tally.set_in_handler(false);
        false
    }

    #[cold]
    fn count_redelivery(&self) {
        if self.in_doubt.as_ref().is_some_and(|doubt| doubt.envelope.attempt() > 1) {
            self.mailbox.cell.tally.count_redelivery();
        }
    }

    /// Waits until the message in hand is to be handled again, with all others waiting behind it, and makes it the next.
    /// False if there is nothing to handle now.
    async fn take_up_again(&mut self) -> bool {
        if let Some(due) = self.in_doubt.as_ref().and_then(|doubt| doubt.due) {
            self.mailbox.cell.wait_in_order(due).await;
        }
        if self.mailbox.cell.is_stopping() {
            return false;
        }
        let Some(doubt) = self.in_doubt.take() else { return false };
        match self.mailbox.why_unwanted(&doubt.envelope) {
            Some(reason) => {
                self.mailbox.hub.discard(&self.mailbox.cell, doubt.envelope, reason);
                self.end_key();
                self.mailbox.cell.tally.set_in_handler(false);
                false
            }
            None => {
                self.mailbox.put_first(doubt.envelope);
                true
            }
        }
    }

    #[cold]
    fn begin_timing(&mut self, stamp: Stamp) {
        self.mailbox.cell.stopwatch.begin(stamp);
        self.is_timed = true;
    }

    #[cold]
    fn end_timing(&mut self) {
        self.mailbox.cell.stopwatch.end();
        self.is_timed = false;
    }

    #[inline]
    fn settle<E: fmt::Display>(&mut self, result: Result<(), E>) {
        if self.is_timed {
            self.end_timing();
        }
        match result {
            Ok(()) => {
                if self.in_doubt.is_some() || self.mailbox.knows_messages() {
                    self.acknowledge();
                }
                self.mailbox.cell.health.succeeded();
                self.context.finish(Declined::NoReply);
                self.mailbox.cell.tally.handled_by_task();
                self.mailbox.cell.tally.set_in_handler(false);
                if self.keyed.is_some() {
                    self.end_key();
                }
            }
            Err(error) => {
                // Before it is counted: its `Drop` may panic, and then it must not be counted again.
                self.settle_failure(Failure::Failed, error_text_of(error));
            }
        }
    }

    /// The message in hand is done with, and will not be handled again.
    #[cold]
    fn acknowledge(&mut self) {
        self.mailbox.note_handled(self.context.handled_id());
        if let Some(done) = self.in_doubt.take() {
            done.envelope.settle(|| Settled::Handled);
            self.mailbox.hub.lay_to_rest(done);
        }
    }

    /// Settles the message in hand, which its handler did not handle to the end.
    fn settle_failure(&mut self, failure: Failure, cause: String) {
        let (hub, cell) = (&self.mailbox.hub, &self.mailbox.cell);
        let verdict = self.context.take_verdict();
        // Before the caller is told, so that one who then sends again does not meet this member.
        hub.note_failure(cell, failure, verdict);
        let Some(mut doubt) = self.in_doubt.take() else {
            self.context.finish(Declined::of(failure, cause));
            cell.tally.count(Outcome::Failed);
            cell.tally.set_in_handler(false);
            return self.end_key();
        };
        let answered = doubt.envelope.is_request() && !self.context.is_asked();
        match hub.fate(cell, &mut doubt.envelope, &Failed { failure, verdict, answered }) {
            Fate::Ends(reason) => {
                self.context.finish(Declined::of(failure, cause.clone()));
                hub.end_failed(cell, doubt.envelope, reason, cause);
                cell.tally.set_in_handler(false);
                self.end_key();
            }
            Fate::Again(delay) => {
                self.context.let_go();
                let ends = failure == Failure::Panicked && self.ways.on_panic == OnPanic::Stop;
                if self.ways.in_order && !ends {
                    doubt.wait(delay);
                    self.in_doubt = Some(doubt);
                } else {
                    hub.set_aside(cell, doubt.envelope, delay);
                    cell.tally.set_in_handler(false);
                    self.end_key();
                }
            }
        }
    }

    /// Settles the message that was being handled, if the panic came from its handler.
    fn settle_panic(&mut self, panic: &str) {
        if self.is_timed {
            self.end_timing();
        }
        self.mailbox.cell.tally.count_panic();
        if self.mailbox.cell.tally.in_handler() > 0 {
            self.settle_failure(Failure::Panicked, panic.into());
        }
    }
}
