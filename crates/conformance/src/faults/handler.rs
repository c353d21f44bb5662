use std::panic::{AssertUnwindSafe, resume_unwind};

use futures_util::FutureExt;
use switchboard::actor::{HandlerFactory, StopCause};
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, MessageBroker, MessageHandler};
use switchboard::message::{Message, MessageEnvelope};

use super::log::Place;
use super::{Fault, FaultyBroker};

/// Makes handlers that crash.
#[derive(Debug)]
pub(super) struct FaultyFactory<F, B> {
    factory: F,
    broker: FaultyBroker<B>,
}

impl<F, B> FaultyFactory<F, B> {
    pub(super) fn new(factory: F, broker: FaultyBroker<B>) -> Self {
        Self { factory, broker }
    }
}

impl<M: Message + Clone, F: HandlerFactory<M>, B: MessageBroker<M>> HandlerFactory<M> for FaultyFactory<F, B> {
    type Handler = FaultyHandler<F::Handler, B>;

    fn build(&mut self) -> Option<Self::Handler> {
        Some(FaultyHandler { handler: self.factory.build()?, broker: self.broker.clone() })
    }
}

/// A handler that crashes, and whose context is one of the faulty broker.
#[derive(Debug)]
pub(super) struct FaultyHandler<H, B> {
    handler: H,
    broker: FaultyBroker<B>,
}

/// When a handler crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Crash {
    Before,
    After,
}

impl<H, B> FaultyHandler<H, B> {
    fn crash(&self, at: &ActorAddress) -> Option<Crash> {
        let shared = self.broker.shared();
        let strikes = shared.strike(Fault::Crash, "handle", Place::Address(at));
        strikes.then(|| if shared.coin() { Crash::Before } else { Crash::After })
    }
}

impl<M: Message + Clone, H: MessageHandler<M>, B: MessageBroker<M>> MessageHandler<M> for FaultyHandler<H, B> {
    type Error = H::Error;

    async fn handle<I: MessageBroker<M>>(
        &mut self,
        envelope: MessageEnvelope<M>,
        context: &Context<M, I>,
    ) -> Result<(), H::Error> {
        let crash = self.crash(context.address());
        if crash == Some(Crash::Before) {
            panic!("injected: a crash before the message was handled");
        }
        let lent = context.through(self.broker.clone());
        let handled = AssertUnwindSafe(self.handler.handle(envelope, &*lent)).catch_unwind().await;
        drop(lent);
        match handled {
            Ok(_) if crash == Some(Crash::After) => panic!("injected: a crash after the message was handled"),
            Ok(handled) => handled,
            Err(payload) => {
                let place = Place::Address(context.address());
                if self.broker.shared().strike(Fault::ForgetCause, "handle", place) {
                    panic!("injected: a panic without its cause");
                }
                resume_unwind(payload)
            }
        }
    }

    async fn started<I: MessageBroker<M>>(&mut self, context: &Context<M, I>) -> Result<(), H::Error> {
        self.handler.started(&*context.through(self.broker.clone())).await
    }

    async fn stopped<I: MessageBroker<M>>(&mut self, context: &Context<M, I>, cause: &StopCause) {
        self.handler.stopped(&*context.through(self.broker.clone()), cause).await;
    }
}
