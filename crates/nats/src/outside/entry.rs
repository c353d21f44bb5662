use std::sync::Arc;

use async_nats::{Message as Received, Subject, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::address::ActorAddress;
use switchboard::broker::MessageBroker;
use switchboard::message::{Message, MessageEnvelope};
use tokio::sync::Semaphore;

use super::place::{self, Verb};
use super::said::{Problem, Said};
use crate::NatsMessageBroker;
use crate::begun::begin;
use crate::node::Node;
use crate::wire::{self, WireFormat};

/// How many messages of other programs a node has in hand at once. What comes beyond that is refused.
const MOST: usize = 1_024;

/// Why a message of another program was not even tried.
const BUSY: &str = "busy";
const UNREADABLE: &str = "unreadable";
const BAD_SUBJECT: &str = "bad_subject";

/// A message of another program, and where it is to go.
struct Order<M> {
    verb: Verb,
    to: ActorAddress,
    envelope: MessageEnvelope<M>,
}

impl<M: Message + Serialize + DeserializeOwned> Node<M> {
    /// Takes what other programs say, each message as one of this node's own, until the broker is about to leave.
    pub(crate) async fn hear_outside(self: Arc<Self>, mut said: Subscriber) {
        let (room, mut closing) = (Arc::new(Semaphore::new(MOST)), self.outside.closing());
        loop {
            let message = tokio::select! {
                message = said.next() => message,
                // What has been given to this node is still taken; the rest goes to others.
                true = closed(&mut closing) => match said.drain().await {
                    Ok(()) => continue,
                    Err(_) => return,
                },
            };
            let Some(message) = message else { return };
            self.take(message, &room).await;
        }
    }

    async fn take(self: &Arc<Self>, message: Received, room: &Arc<Semaphore>) {
        let order = match self.read_order(&message) {
            Ok(order) => order,
            Err(problem) => return self.say_outside(message.reply, Said::Error(problem).to_bytes()).await,
        };
        let Ok(place) = Arc::clone(room).try_acquire_owned() else {
            let text = "this node has as many messages of other programs in hand as it may: send it again later";
            let busy = Said::Error(Problem::never(BUSY, text));
            return self.say_outside(message.reply, busy.to_bytes()).await;
        };
        let (node, reply) = (Arc::clone(self), message.reply);
        let work = async move {
            let answer = node.carry_out(order).await;
            node.say_outside(reply, answer).await;
            drop(place);
        };
        if let Some(rest) = begin(work).await {
            tokio::spawn(rest);
        }
    }

    fn read_order(&self, message: &Received) -> Result<Order<M>, Problem> {
        let tokens = message.subject.strip_prefix(&self.subjects.inward("")).and_then(place::read);
        let (verb, to) = tokens.ok_or_else(|| {
            Problem::never(BAD_SUBJECT, "the subject names no verb or no address: compare it with `WIRE.md`")
        })?;
        let envelope = wire::decode(&message.payload).map_err(|error| Problem::never(UNREADABLE, error.to_string()))?;
        Ok(Order { verb, to, envelope })
    }

    /// Sends it on, and says what came of it.
    async fn carry_out(self: &Arc<Self>, order: Order<M>) -> Bytes {
        let broker = NatsMessageBroker { node: Arc::clone(self) };
        let Order { verb, to, envelope } = order;
        let asked = envelope.id();
        match verb {
            Verb::Tell => match broker.send(&to, envelope).await {
                Ok(()) => Said::Accepted(true).to_bytes(),
                Err(error) => Said::Error(Problem::of_send(error.kind())).to_bytes(),
            },
            Verb::Ask => match broker.request(&to, envelope).await {
                Ok(answer) => self.written_outside(&MessageEnvelope::new(answer).with_correlation(asked)),
                Err(error) => Said::Error(Problem::of_request(error.kind(), error.ran())).to_bytes(),
            },
        }
    }

    fn written_outside(&self, answer: &MessageEnvelope<M>) -> Bytes {
        let problem = match wire::encode(answer, WireFormat::Json, &self.source) {
            Ok(bytes) if bytes.len() <= self.max_bytes => return bytes,
            Ok(_) => Problem::failed("its answer is too large to be sent"),
            Err(error) => Problem::failed(error.to_string()),
        };
        Said::Error(problem).to_bytes()
    }

    async fn say_outside(&self, reply: Option<Subject>, answer: Bytes) {
        let Some(reply) = reply else {
            if let Some(Said::Error(problem)) = Said::read(&answer) {
                let (kind, text) = (problem.kind, problem.text.escape_debug());
                tracing::warn!(%kind, %text, "a message of another program was lost, which did not want to know");
            }
            return;
        };
        if let Err(error) = self.client.publish(reply, answer).await {
            tracing::debug!(%error, "another program could not be answered");
        }
    }
}

/// Becomes true when it is time to close, and never otherwise.
async fn closed(closing: &mut tokio::sync::watch::Receiver<bool>) -> bool {
    match closing.changed().await {
        Ok(()) => *closing.borrow_and_update(),
        Err(_) => std::future::pending().await,
    }
}
