use std::fmt;
use std::sync::Arc;

use super::panic::{catch_panic, catch_panic_now};
use super::{ActorHandle, ActorMailbox, HandlerFactory, OnPanic, SpawnOptions, StopCause};
use crate::address::ActorAddress;
use crate::broker::{Context, Declined, Hub, MessageBroker, MessageHandler, RegisterError};
use crate::mailbox::Slot;
use crate::message::Message;
use crate::metrics::Outcome;

/// Messages that an actor may handle in a row before it lets other tasks of its thread run: as many as tokio's own
/// channels allow.
const MESSAGES_PER_TURN: u32 = 128;

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
}

/// Why a handler's work came to an end.
enum Halt {
    Stopped,
    Drained,
    Panicked(Box<str>),
}

impl<M: Message, B: MessageBroker<M>, F: HandlerFactory<M>> Actor<M, B, F> {
    async fn run(mut self) -> StopCause {
        let mut handler = match self.build().await {
            Ok(handler) => handler,
            Err(cause) => return cause,
        };
        loop {
            let cause = match self.work(&mut handler).await {
                Halt::Stopped => StopCause::Stopped,
                Halt::Drained => StopCause::Drained,
                Halt::Panicked(cause) => {
                    drop_quietly(handler);
                    match self.rebuild(cause).await {
                        Ok(rebuilt) => handler = rebuilt,
                        Err(cause) => return cause,
                    }
                    continue;
                }
            };
            // Before the hook, so that whatever it does, nothing more is accepted.
            self.mailbox.hub.close(&self.mailbox.cell);
            let _ = catch_panic(async { handler.stopped(&self.context, &cause).await }).await;
            drop_quietly(handler);
            return cause;
        }
    }

    async fn build(&mut self) -> Result<F::Handler, StopCause> {
        let built = catch_panic_now(|| self.factory.build()).map_err(StopCause::StartFailed)?;
        let mut handler =
            built.ok_or_else(|| StopCause::StartFailed("there is no handler to build".into()))?;
        match catch_panic(async { handler.started(&self.context).await }).await {
            Ok(Ok(())) => Ok(handler),
            Ok(Err(error)) => Err(StopCause::StartFailed(error_text(&error))),
            Err(panic) => Err(StopCause::StartFailed(panic)),
        }
    }

    async fn rebuild(&mut self, panic: Box<str>) -> Result<F::Handler, StopCause> {
        let cell = &self.mailbox.cell;
        tracing::warn!(actor = %cell.address, id = %cell.id, cause = &*panic, policy = ?self.on_panic, "handler panicked");
        match self.on_panic {
            OnPanic::Stop => Err(StopCause::Panicked(panic)),
            OnPanic::Rebuild => {
                let handler = self.build().await?;
                self.mailbox.cell.tally.count_rebuild();
                Ok(handler)
            }
        }
    }

    /// Handles messages until there are no more to come or the handler panics.
    async fn work(&mut self, handler: &mut F::Handler) -> Halt {
        let mut slot = None;
        let mut turn = 0;
        loop {
            if self.mailbox.cell.is_stopping() {
                return Halt::Stopped;
            }
            if !std::future::poll_fn(|cx| self.mailbox.poll_next(&mut slot, cx)).await {
                return if self.mailbox.cell.is_stopping() {
                    Halt::Stopped
                } else {
                    Halt::Drained
                };
            }
            if let Err(panic) = self.handle(handler, &mut slot).await {
                return Halt::Panicked(panic);
            }
            turn += 1;
            if turn == MESSAGES_PER_TURN {
                turn = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    /// Handles the slot's message.
    async fn handle(
        &mut self,
        handler: &mut F::Handler,
        slot: &mut Slot<M>,
    ) -> Result<(), Box<str>> {
        self.mailbox.cell.tally.set_in_handler(true);
        self.context.begin(slot);
        let result = catch_panic(async {
            match slot.take() {
                Some(envelope) => handler.handle(envelope, &self.context).await,
                None => Ok(()),
            }
        })
        .await;
        let tally = &self.mailbox.cell.tally;
        let panic = match result {
            Ok(Ok(())) => {
                tally.handled_by_task();
                self.context.finish(Declined::NoReply);
                None
            }
            Ok(Err(error)) => {
                self.context.finish(Declined::Failed(error_text(&error)));
                tally.count(Outcome::Failed);
                None
            }
            Err(panic) => {
                self.context.finish(Declined::Panicked(panic.clone()));
                tally.count(Outcome::Failed);
                tally.count_panic();
                Some(panic)
            }
        };
        tally.set_in_handler(false);
        panic.map_or(Ok(()), Err)
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
fn error_text<E: fmt::Display>(error: &E) -> Box<str> {
    catch_panic_now(|| error.to_string().into()).unwrap_or_else(|panic| panic)
}

/// Drops what may panic once more when it is dropped, having panicked or not.
fn drop_quietly<T>(value: T) {
    let _ = catch_panic_now(|| drop(value));
}
