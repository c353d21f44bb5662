use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::actor::{HandlerFactory, StopCause};
use switchboard::broker::{Context, MessageBroker, MessageHandler};
use switchboard::message::{Message, MessageEnvelope};

use crate::NatsMessageBroker;

/// Makes handlers whose contexts are those of the broker with a server behind it.
#[derive(Debug)]
pub(crate) struct NodeFactory<F, M: Message> {
    factory: F,
    broker: NatsMessageBroker<M>,
}

impl<F, M: Message> NodeFactory<F, M> {
    pub(crate) fn new(factory: F, broker: NatsMessageBroker<M>) -> Self {
        Self { factory, broker }
    }
}

impl<M: Message + Serialize + DeserializeOwned, F: HandlerFactory<M>> HandlerFactory<M> for NodeFactory<F, M> {
    type Handler = NodeHandler<F::Handler, M>;

    fn build(&mut self) -> Option<Self::Handler> {
        Some(NodeHandler { handler: self.factory.build()?, broker: self.broker.clone() })
    }
}

/// A handler that is given such contexts.
#[derive(Debug)]
pub(crate) struct NodeHandler<H, M: Message> {
    handler: H,
    broker: NatsMessageBroker<M>,
}

impl<M: Message + Serialize + DeserializeOwned, H: MessageHandler<M>> MessageHandler<M> for NodeHandler<H, M> {
    type Error = H::Error;

    async fn handle<B: MessageBroker<M>>(
        &mut self,
        envelope: MessageEnvelope<M>,
        context: &Context<M, B>,
    ) -> Result<(), H::Error> {
        self.handler.handle(envelope, &*context.through(self.broker.clone())).await
    }

    async fn started<B: MessageBroker<M>>(&mut self, context: &Context<M, B>) -> Result<(), H::Error> {
        self.handler.started(&*context.through(self.broker.clone())).await
    }

    async fn stopped<B: MessageBroker<M>>(&mut self, context: &Context<M, B>, cause: &StopCause) {
        self.handler.stopped(&*context.through(self.broker.clone()), cause).await;
    }
}
