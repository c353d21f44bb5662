use std::sync::Arc;
use std::task::{Wake, Waker};

use super::departure::Departure;
use super::run::{Actor, Ways, start};
use super::{ActorMailbox, HandlerFactory};
use crate::broker::{Context, MessageBroker};
use crate::message::Message;
use crate::sync::{Handle, Mutex};

/// An actor that hibernates: what its mailbox wakes, in place of a task.
// A `Waker` made of this is how a mailbox, which knows nothing of handlers, holds one all the same.
struct Dormant<M: Message, B: MessageBroker<M>, F: HandlerFactory<M>> {
    runtime: Handle,
    kept: Mutex<Option<Kept<M, B, F>>>,
}

/// What an actor keeps while it has no task. In the order in which a task that is ended drops it.
struct Kept<M: Message, B: MessageBroker<M>, F: HandlerFactory<M>> {
    handler: F::Handler,
    broker: B,
    mailbox: ActorMailbox<M>,
    factory: F,
    ways: Ways,
    departure: Departure<M>,
}

/// Has the actor wait for whatever comes next without a task. To be called by its task, which then ends.
pub(super) fn hibernate<M: Message, B: MessageBroker<M>, F: HandlerFactory<M>>(
    actor: Actor<M, B, F>,
    handler: F::Handler,
) {
    let Actor { context, mut mailbox, factory, ways, departure, .. } = actor;
    let cell = Arc::clone(&mailbox.cell);
    let broker = context.broker().clone();
    drop(context);
    mailbox.give_back_memory();
    cell.begin_rest();
    let kept = Kept { handler, broker, mailbox, factory, ways, departure };
    let dormant = Dormant { runtime: Handle::current(), kept: Mutex::new(Some(kept)) };
    match cell.queue.rest(Waker::from(Arc::new(dormant))) {
        // Whoever stops the actor says so first and then wakes it: if that was before the mailbox knew what to wake, it
        // is seen here.
        Ok(()) if cell.is_stopping() => cell.queue.wake_receiver(),
        Ok(()) => {}
        // Something has come meanwhile.
        Err(waker) => waker.wake(),
    }
}

impl<M: Message, B: MessageBroker<M>, F: HandlerFactory<M>> Wake for Dormant<M, B, F> {
    /// Starts a task for the actor, on the runtime that it was spawned on. If that is gone, the actor ends as any that is
    /// there when its runtime goes.
    fn wake(self: Arc<Self>) {
        let kept = self.kept.lock().take();
        if let Some(kept) = kept {
            kept.awake(&self.runtime);
        }
    }
}

impl<M: Message, B: MessageBroker<M>, F: HandlerFactory<M>> Kept<M, B, F> {
    fn awake(self, runtime: &Handle) {
        let Self { handler, broker, mailbox, factory, ways, departure } = self;
        mailbox.cell.rest.set_dormant(false);
        let context = Context::new(broker, Arc::clone(&mailbox.hub), Arc::clone(&mailbox.cell));
        start(runtime, Actor::new(Some(handler), context, mailbox, factory, ways, departure));
    }
}
