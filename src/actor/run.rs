use std::pin::pin;
use std::sync::Arc;

use super::departure::Departure;
use super::dormant::hibernate;
use super::in_doubt::InDoubt;
use super::panic::{catch_panic, catch_panic_now, drop_quietly, error_text_of};
use super::{ActorHandle, ActorMailbox, HandlerFactory, OnPanic, SpawnOptions, StopCause};
use crate::address::ActorAddress;
use crate::broker::{Context, Hub, MessageBroker, MessageHandler, RegisterError};
use crate::message::{Message, MessageId};
use crate::metrics::Outcome;
use crate::outside::Outside;
use crate::sync::Handle;

mod work;

use work::Halt;

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
