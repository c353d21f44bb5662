use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::address::ActorAddress;
use switchboard::broker::{Ran, RequestError, RequestErrorKind, SendError, SendErrorKind};
use switchboard::message::{Message, MessageEnvelope};
use tokio::time::{Instant, timeout_at};

use crate::NodeId;
use crate::frame::{Refusal, Unanswered, Word};
use crate::names::Owner;
use crate::node::Node;
use crate::waiting::{Answer, Pending};
use crate::wire;

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To an actor here, or to nobody: the broker in memory says which.
    Here,
    /// To another node, where the name has this epoch.
    There(NodeId, Option<u64>),
    /// The name is owned here, but the lease has ended: somebody else may have it by now.
    Lapsed,
    /// To a member of a group on one of several nodes.
    Among,
}

/// What came of an attempt to send to another node.
pub(crate) enum Sent<T> {
    Done(T),
    /// It never ran, and the name may be elsewhere by now.
    Elsewhere,
    Never(SendErrorKind),
    /// The deadline came before any word, so it may have run.
    Late,
    /// The node has gone before any word, so it may have run.
    Maybe,
}

impl<M: Message + Serialize + DeserializeOwned> Node<M> {
    /// Where messages to this address go now.
    pub(crate) async fn way(&self, to: &ActorAddress) -> Result<Way, SendErrorKind> {
        // The broker in memory says that it is shut down.
        if *self.leaving.borrow() {
            return Ok(Way::Here);
        }
        let here = self.local.registry().contains(to);
        match to {
            ActorAddress::Named(_) if here && !self.lease.holds() => Ok(Way::Lapsed),
            // In a box, as all that has to do with other nodes: whoever sends would else have room for it.
            _ if to.is_group() && self.elsewhere.circle(to).is_some() => Ok(Way::Among),
            _ if !here => Box::pin(self.way_elsewhere(to)).await,
            _ => Ok(Way::Here),
        }
    }

    async fn way_elsewhere(&self, to: &ActorAddress) -> Result<Way, SendErrorKind> {
        let found = match to {
            ActorAddress::Id(id) => self.seek(*id).await.map(|node| node.map(|node| Way::There(node, None))),
            ActorAddress::Named(name) => {
                let owner = self.names.owner(name).await;
                owner.map(|owner| owner.filter(|owner| owner.node != self.id).map(Way::to))
            }
            ActorAddress::Service(_) | ActorAddress::Pool(_) => {
                self.look_again().await;
                return Ok(if self.elsewhere.circle(to).is_some() { Way::Among } else { Way::Here });
            }
        };
        match found {
            Ok(way) => Ok(way.unwrap_or(Way::Here)),
            Err(error) => {
                tracing::debug!(%to, error = %error.0.escape_debug(), "the server could not say who is there");
                Err(SendErrorKind::Disconnected)
            }
        }
    }

    /// Sends a message to another node, and waits until it is in the mailbox there.
    pub(crate) async fn tell(
        &self,
        mut way: (NodeId, Option<u64>),
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
    ) -> Result<(), SendError<M>> {
        let body = match self.written(&envelope) {
            Ok(body) => body,
            Err(kind) => return Err(SendError::new(kind, to.clone(), envelope)),
        };
        let word = |epoch| Word::Tell { to: to.clone(), epoch };
        let mut again = true;
        loop {
            let kind = match self.told(way.0, word(way.1), body.clone(), envelope.deadline()).await {
                Sent::Done(()) => return Ok(()),
                Sent::Elsewhere if again => match self.sought_again(to, way).await {
                    Some(new) => {
                        (way, again) = (new, false);
                        continue;
                    }
                    None => SendErrorKind::NoSuchActor,
                },
                Sent::Elsewhere => SendErrorKind::NoSuchActor,
                Sent::Never(kind) => kind,
                Sent::Late | Sent::Maybe => SendErrorKind::Unconfirmed,
            };
            return Err(SendError::new(kind, to.clone(), envelope));
        }
    }

    /// Sends a request to where it goes, if that is not here alone, and waits for the answer.
    pub(crate) async fn ask_on(
        &self,
        way: Way,
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
    ) -> Result<M, RequestError<M>> {
        match way {
            Way::There(node, epoch) => self.ask((node, epoch), to, envelope).await,
            Way::Among | Way::Here | Way::Lapsed => self.ask_among(to, envelope).await,
        }
    }

    /// Sends a request to another node, and waits for the answer.
    async fn ask(
        &self,
        mut way: (NodeId, Option<u64>),
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
    ) -> Result<M, RequestError<M>> {
        let refused = |kind: RequestErrorKind, envelope| Err(RequestError::refused(kind, to.clone(), envelope));
        let body = match self.written(&envelope) {
            Ok(body) => body,
            Err(kind) => return refused(kind.into(), envelope),
        };
        let word = |epoch| Word::Ask { to: to.clone(), epoch };
        let mut again = true;
        loop {
            let kind = match self.asked(way.0, word(way.1), body.clone(), envelope.deadline()).await {
                Sent::Done(Ok(answer)) => return Ok(answer),
                Sent::Done(Err((kind, Ran::Maybe))) => {
                    return Err(RequestError::unanswered(kind, Ran::Maybe, to.clone()));
                }
                Sent::Done(Err((kind, _))) => kind,
                Sent::Elsewhere if again => match self.sought_again(to, way).await {
                    Some(new) => {
                        (way, again) = (new, false);
                        continue;
                    }
                    None => SendErrorKind::NoSuchActor.into(),
                },
                Sent::Elsewhere => SendErrorKind::NoSuchActor.into(),
                Sent::Never(kind) => kind.into(),
                Sent::Late => {
                    return Err(RequestError::unanswered(RequestErrorKind::TimedOut, Ran::Maybe, to.clone()));
                }
                Sent::Maybe => {
                    return Err(RequestError::unanswered(RequestErrorKind::ActorStopped, Ran::Maybe, to.clone()));
                }
            };
            return refused(kind, envelope);
        }
    }

    /// The envelope as bytes, if it may go over the wire.
    pub(crate) fn written(&self, envelope: &MessageEnvelope<M>) -> Result<Bytes, SendErrorKind> {
        if envelope.is_at_least_once() {
            return Err(SendErrorKind::NotOffered);
        }
        if !self.is_connected() {
            return Err(SendErrorKind::Disconnected);
        }
        self.encoded(envelope)
    }

    /// The envelope as bytes, if there are not too many.
    pub(crate) fn encoded(&self, envelope: &MessageEnvelope<M>) -> Result<Bytes, SendErrorKind> {
        let body = wire::encode(envelope, self.wire, &self.source).map_err(|error| {
            self.note_unsent(envelope.id(), &error.to_string());
            SendErrorKind::NotOffered
        })?;
        if body.len() > self.max_bytes { Err(SendErrorKind::TooLarge) } else { Ok(body) }
    }

    pub(crate) async fn told(&self, node: NodeId, word: Word, body: Bytes, deadline: Option<Instant>) -> Sent<()> {
        match self.say_until(node, word, body, deadline).await {
            Ok((Word::Told(Ok(())), _)) => Sent::Done(()),
            Ok((Word::Told(Err(refusal)), _)) => Sent::refused(&refusal),
            // Another word than the one that was asked for.
            Ok(_) => Sent::Maybe,
            Err(sent) => sent,
        }
    }

    pub(crate) async fn asked(
        &self,
        node: NodeId,
        word: Word,
        body: Bytes,
        deadline: Option<Instant>,
    ) -> Sent<Result<M, (RequestErrorKind, Ran)>> {
        match self.say_until(node, word, body, deadline).await {
            Ok((Word::Answered(Ok(())), body)) => Sent::Done(match wire::decode::<M>(&body) {
                Ok(answer) => Ok(answer.into_message()),
                Err(error) => {
                    tracing::warn!(%node, %error, "an answer can't be read");
                    Err((RequestErrorKind::NoReply, Ran::Maybe))
                }
            }),
            Ok((Word::Answered(Err(Unanswered::Refused(refusal))), _)) => Sent::refused(&refusal),
            Ok((Word::Answered(Err(why)), _)) => Sent::Done(Err(why.into_kind())),
            Ok(_) => Sent::Maybe,
            Err(sent) => sent,
        }
    }

    /// Says it, and waits for the answer until the deadline.
    pub(crate) async fn say_until<T>(
        &self,
        node: NodeId,
        word: Word,
        body: Bytes,
        deadline: Option<Instant>,
    ) -> Result<(Word, Bytes), Sent<T>> {
        let mut pending = match self.say(node, word, body).await {
            Ok(pending) => Withdrawing { node: self, to: node, pending },
            Err(_) => return Err(Sent::Never(SendErrorKind::Disconnected)),
        };
        self.sending.count();
        let answer = match deadline {
            None => pending.pending.answer().await,
            Some(deadline) => match timeout_at(deadline, pending.pending.answer()).await {
                Ok(answer) => answer,
                Err(_) => {
                    self.sending.count_doubt();
                    return Err(Sent::Late);
                }
            },
        };
        match answer {
            Answer::Said(word, body) => Ok((word, body)),
            Answer::Nobody => Err(Sent::Elsewhere),
            Answer::Lost | Answer::Outside(_) => {
                self.sending.count_doubt();
                Err(Sent::Maybe)
            }
        }
    }

    /// Where the address is now, if it is at another place than it was.
    async fn sought_again(&self, to: &ActorAddress, was: (NodeId, Option<u64>)) -> Option<(NodeId, Option<u64>)> {
        match to {
            ActorAddress::Id(id) => self.places.forget(*id),
            ActorAddress::Named(name) => {
                self.names.forget(name, Owner { node: was.0, epoch: was.1? });
            }
            _ => return None,
        }
        match self.way(to).await {
            Ok(Way::There(node, epoch)) if (node, epoch) != was => Some((node, epoch)),
            _ => None,
        }
    }
}

impl Way {
    fn to(owner: Owner) -> Self {
        Self::There(owner.node, Some(owner.epoch))
    }
}

impl<T> Sent<T> {
    fn refused(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Elsewhere => Self::Elsewhere,
            refusal => Self::Never(refusal.kind()),
        }
    }
}

/// Takes back what was said, if whoever waits for the answer goes away first.
struct Withdrawing<'a, M: Message> {
    node: &'a Node<M>,
    to: NodeId,
    pending: Pending,
}

impl<M: Message> Drop for Withdrawing<'_, M> {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if self.pending.is_open() {
            let (client, subject) = (self.node.client.clone(), self.node.subjects.node(self.to));
            let frame = crate::frame::Frame {
                from: self.node.id,
                key: self.pending.key,
                word: Word::Withdraw,
                body: Bytes::new(),
            };
            runtime.spawn(async move { client.publish(subject, frame.encode()).await });
        }
    }
}
