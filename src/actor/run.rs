use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use super::panic::{catch_panic, catch_panic_now};
use super::turn::Turn;
use super::{ActorCell, ActorHandle, ActorMailbox, HandlerFactory, OnPanic, SpawnOptions, StopCause};
use crate::address::ActorAddress;
use crate::broker::{Context, Declined, Hub, MessageBroker, MessageHandler, RegisterError};
use crate::message::Message;
use crate::metrics::Outcome;

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
    let runtime = tokio::runtime::Handle::current();
    let cell = hub.register(address, options.mailbox_options(), true)?;
    let actor = Actor {
        context: Context::new(broker, Arc::clone(hub), Arc::clone(&cell)),
        mailbox: ActorMailbox::new(Arc::clone(hub), Arc::clone(&cell)),
        factory,
        on_panic: options.panic_policy(),
        _departure: Departure { hub: Arc::clone(hub), cell: Arc::clone(&cell) },
    };
    let task = runtime.spawn(actor.run());
    cell.set_task(task.abort_handle());
    Ok(ActorHandle::new(Arc::clone(hub), cell, task))
}

/// A spawned actor: what its task owns. Its context goes first, so that a request in hand is declined before the
/// mailbox ends the others.
struct Actor<M: Message, B: MessageBroker<M>, F> {
    context: Context<M, B>,
    mailbox: ActorMailbox<M>,
    factory: F,
    on_panic: OnPanic,
    /// Dropped last, when everything else that the actor owned is gone.
    _departure: Departure<M>,
}

/// Tells the hub that the actor is gone.
struct Departure<M: Message> {
    hub: Arc<Hub<M>>,
    cell: Arc<ActorCell<M>>,
}

impl<M: Message> Drop for Departure<M> {
    fn drop(&mut self) {
        self.cell.depart();
        self.hub.gone.notify_waiters();
    }
}

/// Why a handler's work came to an end.
enum Halt {
    Stopped,
    Drained,
    Panicked(String),
}

impl<M: Message, B: MessageBroker<M>, F: HandlerFactory<M>> Actor<M, B, F> {
    async fn run(mut self) -> StopCause {
        let mut panicked = None;
        loop {
            let mut handler = match self.build(panicked.take()).await {
                Ok(handler) => handler,
                Err(cause) => return cause,
            };
            match self.work(&mut handler).await {
                Halt::Stopped => return self.finish(handler, StopCause::Stopped).await,
                Halt::Drained => return self.finish(handler, StopCause::Drained).await,
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
        if let (Some(panic), OnPanic::Stop) = (&panicked, self.on_panic) {
            return Err(StopCause::Panicked(panic.clone()));
        }
        let built = catch_panic_now(|| self.factory.build()).map_err(StopCause::StartFailed)?;
        let rebuilt = panicked.is_some();
        let Some(mut handler) = built else {
            let none = || StopCause::StartFailed("the factory built no handler".into());
            return Err(panicked.map_or_else(none, StopCause::Panicked));
        };
        let failure = match catch_panic(async { handler.started(&self.context).await }).await {
            Ok(Ok(())) => {
                self.mailbox.cell.tally.count_build(rebuilt);
                return Ok(handler);
            }
            Ok(Err(error)) => error_text(&error),
            Err(panic) => panic,
        };
        drop_quietly(handler);
        Err(StopCause::StartFailed(failure))
    }

    fn report(&self, panic: &str) {
        let cell = &self.mailbox.cell;
        tracing::warn!(actor = %cell.address, id = %cell.id, cause = panic, policy = ?self.on_panic, "handler panicked");
    }

    async fn finish(&mut self, mut handler: F::Handler, cause: StopCause) -> StopCause {
        // Before the hook, so that whatever it does, nothing more is accepted.
        self.mailbox.hub.close(&self.mailbox.cell);
        let _ = catch_panic(async { handler.stopped(&self.context, &cause).await }).await;
        drop_quietly(handler);
        cause
    }

    /// Handles messages until there are no more to come or the handler panics.
    ///
    /// The panic is caught round the whole loop, not round each message: a wrapper for each would copy the handler's
    /// future, which is large, once more.
    async fn work(&mut self, handler: &mut F::Handler) -> Halt {
        match catch_panic(self.handle_all(handler)).await {
            Ok(halt) => halt,
            Err(panic) => {
                self.settle_panic(&panic);
                Halt::Panicked(panic)
            }
        }
    }

    async fn handle_all(&mut self, handler: &mut F::Handler) -> Halt {
        let mut turn = Turn::default();
        while !self.mailbox.cell.is_stopping() {
            let next = std::future::poll_fn(|cx| {
                let next = self.mailbox.poll_next(cx);
                if next.is_pending() {
                    turn.begin();
                }
                next
            });
            if !next.await {
                break;
            }
            self.begin();
            let Some(envelope) = self.mailbox.take() else { break };
            let result = {
                let queue = &self.mailbox.cell.queue;
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
        if self.mailbox.cell.is_stopping() { Halt::Stopped } else { Halt::Drained }
    }

    #[inline]
    fn begin(&mut self) {
        self.mailbox.cell.tally.set_in_handler(true);
        // While it is still in the batch, so that it need not be moved twice.
        if let Some(next) = self.mailbox.next() {
            next.leave_sender();
            self.context.begin(next);
        }
    }

    #[inline]
    fn settle<E: fmt::Display>(&mut self, result: Result<(), E>) {
        let tally = &self.mailbox.cell.tally;
        match result {
            Ok(()) => {
                self.context.finish(Declined::NoReply);
                tally.handled_by_task();
            }
            Err(error) => {
                let text = error_text(&error);
                // Before it is counted: its `Drop` may panic, and then it must not be counted again.
                drop_quietly(error);
                self.context.finish(Declined::Failed(text));
                tally.count(Outcome::Failed);
            }
        }
        tally.set_in_handler(false);
    }

    /// Settles the message that was being handled, if the panic came from its handler.
    fn settle_panic(&mut self, panic: &str) {
        self.context.finish(Declined::Panicked(panic.into()));
        let tally = &self.mailbox.cell.tally;
        tally.count_panic();
        if tally.end_all_in_handler() {
            tally.count(Outcome::Failed);
        }
    }
}

impl<M: Message, B: MessageBroker<M>, F> Drop for Actor<M, B, F> {
    fn drop(&mut self) {
        // A task that is dropped in the middle of a message had no chance to say how that ended.
        if self.mailbox.cell.tally.end_all_in_handler() {
            self.mailbox.cell.tally.count(Outcome::Abandoned);
        }
    }
}

/// The error's text, which comes from code that may panic.
fn error_text<E: fmt::Display>(error: &E) -> String {
    catch_panic_now(|| error.to_string()).unwrap_or_else(|panic| panic)
}

/// Drops what may panic once more when it is dropped, having panicked or not.
fn drop_quietly<T>(value: T) {
    let _ = catch_panic_now(|| drop(value));
}
