use std::collections::HashMap;
use std::sync::Arc;

use async_nats::{StatusCode, Subscriber};
use bytes::Bytes;
use foldhash::fast::RandomState;
use futures_util::StreamExt;
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::address::ActorAddress;
use switchboard::broker::MessageBroker;
use switchboard::message::{Message, MessageEnvelope};
use tokio::task::AbortHandle;

use crate::NodeId;
use crate::begun::begin;
use crate::frame::{Frame, Refusal, Unanswered, Word};
use crate::node::Node;
use crate::subjects::key_of;
use crate::waiting::Answer;
use crate::wire;

/// What other nodes have asked for here and is not done, so that it can be withdrawn.
type Serving = Arc<Mutex<HashMap<(NodeId, u64), AbortHandle, RandomState>>>;

impl<M: Message + Serialize + DeserializeOwned> Node<M> {
    /// Listens to what the server says of nodes that are not there.
    pub(crate) async fn hear_of_nobody(self: Arc<Self>, mut nobody: Subscriber) {
        while let Some(message) = nobody.next().await {
            if message.status == Some(StatusCode::NO_RESPONDERS)
                && let Some(key) = key_of(&message.subject)
            {
                self.waiting.end(key, None, Answer::Nobody);
            }
        }
    }

    /// Listens to what other nodes say.
    pub(crate) async fn hear(self: Arc<Self>, mut said: Subscriber) {
        let serving = Serving::default();
        while let Some(message) = said.next().await {
            match Frame::decode(&message.payload) {
                Some(frame) => self.act(frame, &serving).await,
                None => {
                    tracing::warn!(bytes = message.payload.len(), "something came that is no frame of this version");
                }
            }
        }
        serving.lock().drain().for_each(|(_, task)| task.abort());
    }

    /// Does what a frame asks for. Nothing here waits for an actor.
    async fn act(self: &Arc<Self>, frame: Frame, serving: &Serving) {
        let Frame { from, key, word, body } = frame;
        match word {
            Word::Tell { to, epoch } => {
                let admitted = self.admit(&to, epoch, &body);
                let tell = async move |node: Arc<Self>, envelope| {
                    let told = node.local.send(&to, envelope).await;
                    (Word::Told(told.map_err(|error| Refusal::Kind(error.kind()))), Bytes::new())
                };
                self.take_in((from, key), admitted, |refusal| Word::Told(Err(refusal)), tell, serving).await;
            }
            Word::Ask { to, epoch } => {
                let admitted = self.admit(&to, epoch, &body);
                let refused = |refusal| Word::Answered(Err(Unanswered::Refused(refusal)));
                let ask = async move |node: Arc<Self>, envelope| match node.local.request(&to, envelope).await {
                    Ok(answer) => node.answered(answer),
                    Err(error) => (Word::Answered(Err(Unanswered::of(error.kind(), error.ran()))), Bytes::new()),
                };
                self.take_in((from, key), admitted, refused, ask, serving).await;
            }
            Word::Withdraw => {
                let task = serving.lock().remove(&(from, key));
                task.inspect(AbortHandle::abort);
            }
            Word::Seek { actor } => {
                let here = self.local.registry().contains(&ActorAddress::Id(actor));
                self.answer(from, key, Word::Here(here), Bytes::new()).await;
            }
            Word::Owns { name, epoch } => {
                // A lease that has ended here has not at the server, which is why it is asked; so it is not what counts.
                let here = self.names.epoch(&name) == Some(epoch) && self.has(&name);
                self.answer(from, key, Word::Here(here), Bytes::new()).await;
            }
            Word::Recall { mut keys } => {
                {
                    let serving = serving.lock();
                    keys.retain(|key| serving.contains_key(&(from, *key)));
                }
                self.answer(from, key, Word::Recalled { keys }, Bytes::new()).await;
            }
            answer @ (Word::Told(_) | Word::Answered(_) | Word::Here(_) | Word::Recalled { .. }) => {
                self.waiting.end(key, Some(from), Answer::Said(answer, body));
            }
        }
    }

    /// Sees to a message for an actor here: refuses it at once, or begins the work that comes to an answer.
    async fn take_in<W>(
        self: &Arc<Self>,
        (from, key): (NodeId, u64),
        admitted: Result<MessageEnvelope<M>, Refusal>,
        refused: impl FnOnce(Refusal) -> Word,
        work: impl FnOnce(Arc<Self>, MessageEnvelope<M>) -> W,
        serving: &Serving,
    ) where
        W: Future<Output = (Word, Bytes)> + Send + 'static,
    {
        let envelope = match admitted {
            Ok(envelope) => envelope,
            Err(refusal) => return self.answer(from, key, refused(refusal), Bytes::new()).await,
        };
        let (node, work) = (Arc::clone(self), work(Arc::clone(self), envelope));
        let work = async move {
            let (word, body) = work.await;
            node.answer(from, key, word, body).await;
        };
        serve(from, key, work, serving).await;
    }

    /// The envelope of a message for an actor here, if it is one and may act now.
    fn admit(&self, to: &ActorAddress, epoch: Option<u64>, body: &[u8]) -> Result<MessageEnvelope<M>, Refusal> {
        if let ActorAddress::Named(name) = to
            && !epoch.is_some_and(|epoch| self.owns(name, epoch))
        {
            return Err(Refusal::Elsewhere);
        }
        wire::decode(body).map_err(|error| {
            tracing::warn!(%to, %error, "an envelope came that can't be read");
            Refusal::Unreadable(error.to_string())
        })
    }

    fn answered(&self, answer: M) -> (Word, Bytes) {
        match wire::encode(&MessageEnvelope::new(answer), self.wire, &self.source) {
            Ok(body) if body.len() <= self.max_bytes => (Word::Answered(Ok(())), body),
            Ok(_) => {
                (Word::Answered(Err(Unanswered::Failed("its answer is too large to be sent".into()))), Bytes::new())
            }
            Err(error) => (Word::Answered(Err(Unanswered::Failed(error.to_string()))), Bytes::new()),
        }
    }
}

/// Begins at once, and goes on in a task, that can be withdrawn, if it has to wait.
async fn serve(from: NodeId, key: u64, work: impl Future<Output = ()> + Send + 'static, serving: &Serving) {
    let Some(work) = begin(work).await else {
        return;
    };
    let done = Arc::clone(serving);
    // Under the lock, so that the task can't be done before it is entered.
    let mut serving = serving.lock();
    let task = tokio::spawn(async move {
        work.await;
        done.lock().remove(&(from, key));
    });
    serving.insert((from, key), task.abort_handle());
}
