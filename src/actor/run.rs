use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::departure::Departure;
use super::dormant::hibernate;
use super::in_doubt::InDoubt;
use super::panic::{catch_panic, catch_panic_now};
use super::turn::Turn;
use super::{ActorHandle, ActorMailbox, HandlerFactory, OnPanic, SpawnOptions, StopCause};
use crate::address::ActorAddress;
use crate::broker::{Context, Declined, Failed, Fate, Hub, MessageBroker, MessageHandler, RegisterError};
use crate::message::{Message, MessageId, Stamp};
use crate::metrics::Outcome;
use crate::outside::Outside;
use crate::retry::Failure;
use crate::sync::Handle;

/// Registers an actor in `hub` and starts its task. `broker` is what its context speaks to.
///
/// # Panics
///
/// Outside a tokio runtime.
pub(crate) fn spawn<M: Message, B: MessageBroker<M>, F: HandlerFactory<M>>(
    hub: &Arc<Hub<M>>,
    broker: B,
    address: &ActorAddress,
    options: SpawnOptions,
    factory: F,
) -> Result<ActorHandle<M>, RegisterError> {
    // Asked for before anything is registered, since it is what may panic.
    let runtime = Handle::current();
    let cell = hub.register_spawned(address, &options)?;
    let context = Context::new(broker, Arc::clone(hub), Arc::clone(&cell));
    let mailbox = ActorMailbox::new(Arc::clone(hub), Arc::clone(&cell)).knowing(options.known_messages());
    let ways = Ways { on_panic: options.panic_policy(), in_order: options.keeps_order() };
    start(&runtime, Actor::new(None, context, mailbox, factory, ways, Departure::new(hub, &cell)));
    Ok(ActorHandle::new(Arc::clone(hub), cell))
}

/// Starts a task that runs the actor.
pub(super) fn start<M: Message, B: MessageBroker<M>, F: HandlerFactory<M>>(runtime: &Handle, actor: Actor<M, B, F>) {
    let cell = Arc::clone(&actor.mailbox.cell);
    let turn = cell.begin_task();
    let task = runtime.spawn(actor.run());
    cell.set_task(turn, task.abort_handle());
}

/// A spawned actor: what its task owns. Its context goes before its mailbox, so that a request in hand is declined before
/// the mailbox ends the others.
pub(super) struct Actor<M: Message, B: MessageBroker<M>, F: HandlerFactory<M>> {
    /// The handler, if it has been at work before, in another task.
    handler: Option<F::Handler>,
    pub(super) context: Context<M, B>,
    pub(super) mailbox: ActorMailbox<M>,
    /// The copy of the message in hand, if that is sent at least once.
    in_doubt: Option<Box<InDoubt<M>>>,
    pub(super) factory: F,
    pub(super) ways: Ways,
    /// Whether the message in hand is timed.
    is_timed: bool,
    /// The message in hand, if its mailbox knows its routing key.
    keyed: Option<MessageId>,
    /// Dropped last, when everything else that the actor owned is gone.
    pub(super) departure: Departure<M>,
}

/// What its spawn options say of how it runs.
#[derive(Clone, Copy)]
pub(super) struct Ways {
    on_panic: OnPanic,
    in_order: bool,
}

/// Why a handler's work came to an end.
enum Halt {
    Stopped,
    Drained,
    Aborted,
    Panicked(String),
    /// It has been idle for a while.
    Idle,
}

/// How an actor's task came to an end.
enum Lived<H> {
    Ended(StopCause),
    /// With its handler, which is to rest.
    Idle(H),
}

impl<M: Message, B: MessageBroker<M>, F: HandlerFactory<M>> Actor<M, B, F> {
    pub(super) fn new(
        handler: Option<F::Handler>,
        context: Context<M, B>,
        mailbox: ActorMailbox<M>,
        factory: F,
        ways: Ways,
        departure: Departure<M>,
    ) -> Self {
        Self { handler, context, mailbox, in_doubt: None, factory, ways, is_timed: false, keyed: None, departure }
    }

    /// Runs the actor to its end, or until it hibernates. What it owns is dropped when its cause is noted.
    async fn run(mut self) {
        self.mailbox.hub.note_awake(&self.mailbox.cell);
        let lived = {
            let unfinished = Unfinished(&mut self);
            // A handler's panics are caught where they are. These are the rest, from a waker, say.
            catch_panic(pin!(unfinished.0.live())).await
        };
        match lived {
            Ok(Lived::Idle(handler)) => hibernate(self, handler),
            Ok(Lived::Ended(cause)) => drop(self.mailbox.cell.end_because(cause)),
            Err(panic) => drop(self.mailbox.cell.end_because(StopCause::Panicked(panic))),
        }
    }

    async fn live(&mut self) -> Lived<F::Handler> {
        let mut panicked = None;
        loop {
            let mut handler = match self.handler.take() {
                Some(handler) => handler,
                // Boxed, as is the end, so that there is no room for it in the future for all the time between.
                None => match Box::pin(self.build(panicked.take())).await {
                    Ok(handler) => handler,
                    Err(cause) => return Lived::Ended(cause),
                },
            };
            match self.work(&mut handler).await {
                Halt::Idle => return Lived::Idle(handler),
                Halt::Stopped => return Lived::Ended(Box::pin(self.finish(handler, StopCause::Stopped)).await),
                Halt::Drained => {
                    let cause = self.mailbox.cell.cause_of_closing();
                    return Lived::Ended(Box::pin(self.finish(handler, cause)).await);
                }
                Halt::Aborted => {
                    drop_quietly(handler);
                    return Lived::Ended(StopCause::Aborted);
                }
                Halt::Panicked(panic) => {
                    drop_quietly(handler);
                    self.report(&panic);
                    panicked = Some(panic);
                }
            }
        }
    }

    /// Builds and starts a handler: the first, or one in place of one that panicked.
    async fn build(&mut self, panicked: Option<String>) -> Result<F::Handler, StopCause> {
        if let (Some(panic), OnPanic::Stop) = (&panicked, self.ways.on_panic) {
            return Err(StopCause::Panicked(panic.clone()));
        }
        let built = catch_panic_now(|| self.factory.build()).map_err(StopCause::StartFailed)?;
        let rebuilt = panicked.is_some();
        let Some(mut handler) = built else {
            let none = || StopCause::StartFailed("the factory built no handler".into());
            return Err(panicked.map_or_else(none, StopCause::Panicked));
        };
        let started = catch_panic(pin!(async { handler.started(&self.context).await })).await;
        let failure = match started {
            Ok(Ok(())) => {
                self.mailbox.cell.tally.count_build(rebuilt);
                return Ok(handler);
            }
            Ok(Err(error)) => error_text_of(error),
            Err(panic) => panic,
        };
        drop_quietly(handler);
        Err(StopCause::StartFailed(failure))
    }

    fn report(&self, panic: &str) {
        let cell = &self.mailbox.cell;
        let cause = Outside::cause(panic);
        tracing::warn!(actor = %cell.address, id = %cell.id, ?cause, policy = ?self.ways.on_panic, "handler panicked");
    }

    async fn finish(&mut self, mut handler: F::Handler, cause: StopCause) -> StopCause {
        // Before the hook, so that whatever it does, nothing more is accepted.
        self.mailbox.hub.close(&self.mailbox.cell);
        let _ = catch_panic(pin!(async { handler.stopped(&self.context, &cause).await })).await;
        drop_quietly(handler);
        cause
    }

    /// Handles messages until there are no more to come or the handler panics.
    ///
    /// The panic is caught round the whole loop, not round each message: a wrapper for each would copy the handler's
    /// future, which is large, once more.
    async fn work(&mut self, handler: &mut F::Handler) -> Halt {
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
        } else {
            self.context.finish(Declined::of(Failure::Panicked, panic.into()));
        }
    }
}

/// An actor at work, whose task may be dropped at any time.
struct Unfinished<'a, M: Message, B: MessageBroker<M>, F: HandlerFactory<M>>(&'a mut Actor<M, B, F>);

impl<M: Message, B: MessageBroker<M>, F: HandlerFactory<M>> Drop for Unfinished<'_, M, B, F> {
    fn drop(&mut self) {
        let Self(actor) = self;
        let (hub, cell) = (&actor.mailbox.hub, &actor.mailbox.cell);
        // A task that is dropped in the middle of a message had no chance to say how that ended.
        if cell.tally.end_all_in_handler() {
            match actor.in_doubt.take() {
                Some(mut doubt) => {
                    let begun = doubt.begun();
                    if doubt.due.is_none() && !actor.context.is_asked() {
                        // Its handler has left the answer to somebody else.
                        doubt.envelope.set_request(None);
                    }
                    hub.abandon_begun(cell, doubt.envelope, begun);
                }
                None => cell.tally.count(Outcome::Abandoned),
            }
        }
        let key = actor.keyed.take();
        key.into_iter().for_each(|message| cell.queue.end_key(message));
    }
}

/// The error's text, which comes from code that may panic, as may dropping the error.
fn error_text_of<E: fmt::Display>(error: E) -> String {
    let text = catch_panic_now(|| error.to_string()).unwrap_or_else(|panic| panic);
    drop_quietly(error);
    text
}

/// Drops what may panic once more when it is dropped, having panicked or not.
fn drop_quietly<T>(value: T) {
    let _ = catch_panic_now(|| drop(value));
}
