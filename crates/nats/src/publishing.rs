//! What is published goes to other nodes, and what others publish to subscriptions here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;

use async_nats::Subscriber;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::broker::RegisterError;
use switchboard::message::{Message, MessageEnvelope};
use switchboard::topics::{Audience, Interest, Published, Subject};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use crate::ConnectionState;
use crate::names::Unavailable;
use crate::node::Node;
use crate::topics::{Fate, Open, Wanted};
use crate::wire;

impl<M: Message + Serialize + DeserializeOwned> Node<M> {
    /// Gives a message to the subscriptions here, and hands it to the server for all others.
    ///
    /// A group's message goes by way of the server alone, which gives it to one of the group's nodes, this one or another. If
    /// it can't go there, the members here are all there are.
    pub(crate) async fn publish(&self, subject: &Subject, envelope: MessageEnvelope<M>) -> Published<M>
    where
        M: Clone,
    {
        let copy = |envelope: &MessageEnvelope<M>| Some(envelope.clone());
        let is_late = envelope.deadline().is_some_and(|deadline| deadline <= Instant::now());
        if is_late || *self.leaving.borrow() {
            return self.local.publish_to(Audience::All(subject), envelope, copy);
        }
        let is_sent = match self.written_to_all(&envelope) {
            Some(body) => self.hand_over(self.subjects.topic(subject.as_str()), body).await,
            None => false,
        };
        self.topics.count(if is_sent { Fate::Sent } else { Fate::Unsent });
        if is_sent {
            self.local.publish_to(Audience::Alone(subject), envelope, copy).and_sent_on()
        } else {
            self.local.publish_to(Audience::All(subject), envelope, copy)
        }
    }

    /// The envelope as bytes, if it can be sent now.
    fn written_to_all(&self, envelope: &MessageEnvelope<M>) -> Option<Bytes> {
        if !self.is_connected() {
            return None;
        }
        match wire::encode(envelope, self.wire, &self.source) {
            Ok(body) => Some(body).filter(|body| body.len() <= self.max_bytes),
            Err(error) => {
                self.note_unsent(envelope.id(), &error.to_string());
                None
            }
        }
    }

    /// Hands it to the client, which has room unless the connection is slow. Not any more if that is lost meanwhile.
    async fn hand_over(&self, subject: String, body: Bytes) -> bool {
        let mut handing = pin!(self.client.publish_with_reply(subject, self.topics.mark.clone(), body));
        if let Some(handed) = handing.as_mut().now_or_never() {
            return handed.is_ok();
        }
        let mut connection = self.connection.clone();
        tokio::select! {
            biased;
            handed = handing => handed.is_ok(),
            () = async { while connection.changed().await == ConnectionState::Connected {} } => false,
        }
    }

    /// Makes a subscription here that is in force at the server when this returns.
    pub(crate) async fn subscribe<T>(
        self: &Arc<Self>,
        interest: Interest,
        make: impl Future<Output = Result<T, RegisterError>>,
    ) -> Result<T, RegisterError> {
        // The broker in memory says that it is shut down.
        if *self.leaving.borrow() {
            return make.await;
        }
        let wanted = match self.want(interest).await {
            Ok(wanted) => wanted,
            Err(error) => return Err(RegisterError::Unreachable(error.0)),
        };
        let made = make.await?;
        wanted.settle();
        Ok(made)
    }

    async fn want(self: &Arc<Self>, interest: Interest) -> Result<Wanted<'_>, Unavailable> {
        if !self.is_connected() {
            return Err(Unavailable("the connection is lost".into()));
        }
        let mut open = self.topics.open.lock().await;
        match open.get_mut(&interest) {
            Some(open) => open.wanted += 1,
            None => {
                let published = self.subscribe_at_server(&interest).await?;
                let task = tokio::spawn(Arc::clone(self).hear_published(interest.clone(), published)).abort_handle();
                open.insert(interest.clone(), Open { wanted: 1, task });
                self.topics.note_open(open.len());
            }
        }
        // From here on it is given up if this is dropped.
        let wanted = Wanted::new(&self.topics, interest);
        drop(open);
        self.barrier().await?;
        Ok(wanted)
    }

    async fn subscribe_at_server(&self, interest: &Interest) -> Result<Subscriber, Unavailable> {
        let subject = self.subjects.topic(interest.pattern().as_str());
        let subscribed = match interest.group() {
            Some(group) => self.client.queue_subscribe(subject, group.to_string()).await,
            None => self.client.subscribe(subject).await,
        };
        subscribed.map_err(|error| Unavailable(error.to_string()))
    }

    /// Gives up what no subscription here wants any more.
    pub(crate) async fn keep_topics(self: Arc<Self>, mut ends: UnboundedReceiver<Interest>) {
        let mut leaving = self.leaving.subscribe();
        loop {
            let interest = tokio::select! {
                _ = leaving.wait_for(|leaving| *leaving) => return,
                ended = ends.recv() => match ended {
                    Some(interest) => interest,
                    None => return,
                },
            };
            let mut open = self.topics.open.lock().await;
            let Some(known) = open.get_mut(&interest) else { continue };
            known.wanted -= 1;
            if known.wanted == 0 {
                // With the task goes the subscription that it hears.
                known.task.abort();
                open.remove(&interest);
                self.topics.note_open(open.len());
            }
        }
    }

    async fn hear_published(self: Arc<Self>, interest: Interest, mut published: Subscriber) {
        while let Some(message) = published.next().await {
            // What this node published, its subscriptions have had; but not its groups.
            if interest.group().is_none() && message.reply.as_ref() == Some(&self.topics.mark) {
                continue;
            }
            // A message that panics when it is read is not to end the subscription.
            let taking = AssertUnwindSafe(|| self.take_published(&interest, &message.payload));
            self.topics.count(catch_unwind(taking).unwrap_or(Fate::Unreadable));
        }
    }

    /// Gives what came to those who have this interest. Each after the first has it read anew, since a message that nobody
    /// here publishes need not be one that can be cloned.
    fn take_published(&self, interest: &Interest, payload: &[u8]) -> Fate {
        let envelope = match wire::decode::<M>(payload) {
            Ok(envelope) => envelope,
            Err(error) => {
                let pattern = interest.pattern();
                tracing::warn!(%pattern, %error, "something was published that can't be read");
                return Fate::Unreadable;
            }
        };
        let published = self.local.publish_to(Audience::With(interest), envelope, |_| wire::decode(payload).ok());
        if published.delivered > 0 { Fate::Taken } else { Fate::Untaken }
    }
}
