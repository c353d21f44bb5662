use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_nats::{StatusCode, Subscriber};
use bytes::Bytes;
use foldhash::fast::RandomState;
use futures_util::future::{AbortHandle, abortable};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::address::ActorAddress;
use switchboard::balancing::Strategy;
use switchboard::broker::{MessageBroker, SendErrorKind};
use switchboard::message::{Message, MessageEnvelope};

use crate::NodeId;
use crate::begun::begin;
use crate::frame::{Frame, Refusal, Unanswered, Word};
use crate::node::Node;
use crate::subjects::key_of;
use crate::waiting::Answer;
use crate::wire;

/// What other nodes have asked for here and is not done, so that it can be withdrawn.
type UnderWay = HashMap<(NodeId, u64), AbortHandle, RandomState>;

/// A message that another node has for an actor here, and who waits to be told what becomes of it.
struct Errand<M> {
    from: NodeId,
    key: u64,
    to: ActorAddress,
    kind: Kind,
    envelope: MessageEnvelope<M>,
}

/// What is to be done with it, and what is answered.
#[derive(Clone, Copy)]
enum Kind {
    /// That an actor has it.
    Tell,
    /// The same, at once or not at all.
    TellAtOnce,
    /// What the actor answers.
    Ask,
    /// The same, if it gets it at once.
    AskAtOnce,
}

impl<M: Message> Errand<M> {
    /// The same, for a member that is picked so.
    fn balanced_by(mut self, strategy: Strategy) -> Self {
        self.envelope = self.envelope.balanced_by(strategy);
        self
    }
}

impl Kind {
    /// The word that says that it was refused.
    fn refused(self, refusal: Refusal) -> Word {
        match self {
            Self::Tell | Self::TellAtOnce => Word::Told(Err(refusal)),
            Self::Ask | Self::AskAtOnce => Word::Answered(Err(Unanswered::Refused(refusal))),
        }
    }
}

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
    ///
    /// What has to wait for an actor waits in this one task. A task for each would be woken by itself, and the answers to what
    /// came together would leave one by one: that cost half of all requests in a second.
    pub(crate) async fn hear(self: Arc<Self>, mut said: Subscriber) {
        let (mut errands, mut under_way) = (FuturesUnordered::new(), UnderWay::default());
        loop {
            tokio::select! {
                message = said.next() => {
                    let Some(message) = message else { return };
                    let Some(frame) = Frame::decode(&message.payload) else {
                        tracing::warn!(bytes = message.payload.len(), "something came that is no frame of this version");
                        continue;
                    };
                    let Some(errand) = self.act(frame, &mut under_way).await else { continue };
                    let number = (errand.from, errand.key);
                    if let Some(rest) = begin(Arc::clone(&self).run(errand)).await {
                        let (rest, handle) = abortable(rest);
                        under_way.insert(number, handle);
                        errands.push(async move {
                            // Withdrawn or done, it is over.
                            let _ = rest.await;
                            number
                        });
                    }
                }
                Some(number) = errands.next(), if !errands.is_empty() => {
                    under_way.remove(&number);
                }
            }
            // Whoever waits for this only wants to know when there are none.
            self.errands.send_if_modified(|known| std::mem::replace(known, under_way.len()) != under_way.len());
        }
    }

    /// Does what a frame asks for, but for what may have to wait for an actor.
    async fn act(&self, frame: Frame, under_way: &mut UnderWay) -> Option<Errand<M>> {
        let Frame { from, key, word, body } = frame;
        match word {
            Word::Tell { to, epoch } => return self.admit((from, key), Kind::Tell, to, epoch, &body).await,
            Word::Ask { to, epoch } => return self.admit((from, key), Kind::Ask, to, epoch, &body).await,
            Word::Offer { to, strategy, waits } => {
                let kind = if waits { Kind::Tell } else { Kind::TellAtOnce };
                let errand = self.admit((from, key), kind, to, None, &body).await;
                return errand.map(|errand| errand.balanced_by(strategy));
            }
            Word::Inquire { to, strategy, waits } => {
                let kind = if waits { Kind::Ask } else { Kind::AskAtOnce };
                let errand = self.admit((from, key), kind, to, None, &body).await;
                return errand.map(|errand| errand.balanced_by(strategy));
            }
            Word::Spread { to } => {
                let given = self.spread_here(&to, &body);
                self.answer(from, key, given, Bytes::new()).await;
            }
            Word::Withdraw => {
                under_way.remove(&(from, key)).inspect(AbortHandle::abort);
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
                keys.retain(|key| under_way.contains_key(&(from, *key)));
                self.answer(from, key, Word::Recalled { keys }, Bytes::new()).await;
            }
            // It is said to all, where it is heard.
            Word::Loads { .. } => {}
            answer @ (Word::Told(_)
            | Word::Answered(_)
            | Word::Here(_)
            | Word::Recalled { .. }
            | Word::Given { .. }) => {
                self.waiting.end(key, Some(from), Answer::Said(answer, body));
            }
        }
        None
    }

    /// Gives the actor its message, and says what came of that.
    async fn run(self: Arc<Self>, errand: Errand<M>) {
        let Errand { from, key, to, kind, envelope } = errand;
        let done = AssertUnwindSafe(self.do_errand(&to, kind, envelope)).catch_unwind().await;
        // What panics is the message itself, when it is written or dropped.
        if let Ok((word, body)) = done {
            self.answer(from, key, word, body).await;
        }
    }

    async fn do_errand(&self, to: &ActorAddress, kind: Kind, envelope: MessageEnvelope<M>) -> (Word, Bytes) {
        let told = match kind {
            Kind::Tell => self.local.send(to, envelope).await,
            Kind::TellAtOnce => self.local.try_send(to, envelope),
            Kind::AskAtOnce if self.is_full(to) => {
                return (kind.refused(Refusal::Kind(SendErrorKind::Full)), Bytes::new());
            }
            Kind::Ask | Kind::AskAtOnce => {
                return match self.local.request(to, envelope).await {
                    Ok(answer) => self.answered(answer),
                    Err(error) => (Word::Answered(Err(Unanswered::of(error.kind(), error.ran()))), Bytes::new()),
                };
            }
        };
        (Word::Told(told.map_err(|error| Refusal::Kind(error.kind()))), Bytes::new())
    }

    /// Takes in a message for an actor here, if it can be read and the actor may act now. Else it is refused.
    async fn admit(
        &self,
        (from, key): (NodeId, u64),
        kind: Kind,
        to: ActorAddress,
        epoch: Option<u64>,
        body: &[u8],
    ) -> Option<Errand<M>> {
        let is_lapsed = |name| !epoch.is_some_and(|epoch| self.owns(name, epoch));
        let refusal = match &to {
            ActorAddress::Named(name) if is_lapsed(name) => Refusal::Elsewhere,
            _ => match wire::decode(body) {
                Ok(envelope) => return Some(Errand { from, key, to, kind, envelope }),
                Err(error) => {
                    tracing::warn!(%to, %error, "an envelope came that can't be read");
                    Refusal::Unreadable(error.to_string())
                }
            },
        };
        self.answer(from, key, kind.refused(refusal), Bytes::new()).await;
        None
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
