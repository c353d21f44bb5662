//! What is sent to a service or pool that has members on other nodes.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::address::{ActorAddress, ActorId};
use switchboard::balancing::{Strategy, key_hash};
use switchboard::broker::{MessageBroker, Ran, RequestError, RequestErrorKind, SendError, SendErrorKind};
use switchboard::message::{Message, MessageEnvelope};

use crate::candidates::{Candidates, Stop};
use crate::elsewhere::Circle;
use crate::frame::Word;
use crate::node::Node;
use crate::sending::Sent;

/// How often it is begun anew if the one that was waited for has gone.
const ROUNDS: usize = 4;

/// What became of a message at one node.
enum Tried<T, M> {
    Over(T),
    /// It never ran there, and may be tried elsewhere.
    Refused(SendErrorKind, MessageEnvelope<M>),
}

/// What is done with a message at a node: it waits for room there, or is refused at once if there is none.
trait Verb<M: Message> {
    type Done: Send;

    fn here(
        node: &Node<M>,
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
        waits: bool,
    ) -> impl Future<Output = Tried<Self::Done, M>> + Send;

    fn there(
        node: &Node<M>,
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
        way: (crate::NodeId, Bytes),
        waits: bool,
    ) -> impl Future<Output = Tried<Self::Done, M>> + Send;
}

struct Tell;

struct Ask;

impl<M: Message + Serialize + DeserializeOwned> Node<M> {
    /// Sends a message to a member on any node. As in memory, one after the other is offered it, and if all are full, the
    /// sender waits for room at the first.
    pub(crate) async fn tell_among(&self, to: &ActorAddress, envelope: MessageEnvelope<M>) -> Result<(), SendError<M>> {
        if self.local.registry().strategy_for(to, &envelope).is_none() {
            return self.tell_all(to, envelope).await;
        }
        match self.among::<Tell>(to, envelope).await {
            Tried::Over(sent) => sent,
            Tried::Refused(kind, envelope) => Err(SendError::new(kind, to.clone(), envelope)),
        }
    }

    /// Asks a member on any node, likewise.
    pub(crate) async fn ask_among(
        &self,
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
    ) -> Result<M, RequestError<M>> {
        match self.among::<Ask>(to, envelope).await {
            Tried::Over(answered) => answered,
            Tried::Refused(kind, envelope) => Err(RequestError::refused(kind.into(), to.clone(), envelope)),
        }
    }

    /// The members that this message would be offered to first, if some are elsewhere.
    pub(crate) fn first_among(
        &self,
        to: &ActorAddress,
        envelope: &MessageEnvelope<M>,
        most: usize,
    ) -> Option<Vec<ActorId>> {
        Some(self.candidates(to)?.order(self.strategy(to, envelope), key_of(envelope), most))
    }

    /// All members of a group, those here first.
    pub(crate) async fn all_among(&self, to: &ActorAddress) -> Vec<ActorId> {
        let mut members = self.local.members(to).await;
        let circle = self.elsewhere.circle(to);
        members.extend(circle.iter().flat_map(|circle| &circle.members).map(|member| member.provider.actor()));
        members
    }

    /// All members of a group that has some elsewhere.
    fn candidates(&self, to: &ActorAddress) -> Option<Candidates> {
        let circle: Arc<Circle> = self.elsewhere.circle(to)?;
        Some(Candidates::new(self.local.registry().outlook(to), circle))
    }

    /// The nodes to try.
    fn stops(&self, to: &ActorAddress, envelope: &MessageEnvelope<M>) -> Vec<Stop> {
        let here = self.local.registry().contains(to);
        let candidates = match self.candidates(to) {
            // What is to be handled at least once is so in the memory of this process, or not at all.
            Some(candidates) if !(here && envelope.is_at_least_once()) => candidates,
            _ => return vec![Stop::Here],
        };
        candidates.stops(self.strategy(to, envelope), key_of(envelope))
    }

    /// How a member is picked for this message; for a request also where all others go to all.
    fn strategy(&self, to: &ActorAddress, envelope: &MessageEnvelope<M>) -> Strategy {
        self.local.registry().strategy_for(to, envelope).unwrap_or_default()
    }

    async fn among<V: Verb<M>>(&self, to: &ActorAddress, mut envelope: MessageEnvelope<M>) -> Tried<V::Done, M> {
        for _ in 0..ROUNDS {
            let (stops, body) = (self.stops(to, &envelope), self.written(&envelope));
            let (mut why, mut full) = (SendErrorKind::NoMembers, None);
            // The only one is not asked first whether it has room.
            for stop in stops.iter().filter(|_| stops.len() > 1) {
                match self.at::<V>(stop, to, envelope, &body, false).await {
                    Tried::Refused(kind, back) => {
                        envelope = back;
                        full = full.or((kind == SendErrorKind::Full).then_some(stop));
                        // Whatever there is to say is more than that nobody is there.
                        why = if is_gone(why) { kind } else { why };
                    }
                    over @ Tried::Over(_) => return over,
                }
            }
            let only = stops.first().filter(|_| stops.len() == 1);
            let Some(stop) = full.or(only) else { return Tried::Refused(why, envelope) };
            match self.at::<V>(stop, to, envelope, &body, true).await {
                // It has gone while it was waited for, or just before.
                Tried::Refused(kind, back) if is_gone(kind) && !matches!(stop, Stop::Here) => {
                    envelope = back;
                    self.look_again().await;
                    if self.elsewhere.circle(to).is_none() {
                        return self.at::<V>(&Stop::Here, to, envelope, &body, true).await;
                    }
                }
                end => return end,
            }
        }
        Tried::Refused(SendErrorKind::NoMembers, envelope)
    }

    async fn at<V: Verb<M>>(
        &self,
        stop: &Stop,
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
        body: &Result<Bytes, SendErrorKind>,
        waits: bool,
    ) -> Tried<V::Done, M> {
        match (stop, body) {
            (Stop::Here, _) => V::here(self, to, envelope, waits).await,
            (Stop::There(..), Err(kind)) => Tried::Refused(*kind, envelope),
            (Stop::There(node, standing), Ok(body)) => {
                // Counted before, since more may be sent while this is on its way. Its node says soon what is true.
                standing.was_sent();
                V::there(self, to, envelope, (*node, body.clone()), waits).await
            }
        }
    }
}

impl<M: Message + Serialize + DeserializeOwned> Verb<M> for Tell {
    type Done = Result<(), SendError<M>>;

    async fn here(
        node: &Node<M>,
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
        waits: bool,
    ) -> Tried<Self::Done, M> {
        let sent = if waits { node.local.send(to, envelope).await } else { node.local.try_send(to, envelope) };
        match sent {
            Ok(()) => Tried::Over(Ok(())),
            Err(error) => Tried::Refused(error.kind(), error.into_envelope()),
        }
    }

    async fn there(
        node: &Node<M>,
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
        (there, body): (crate::NodeId, Bytes),
        waits: bool,
    ) -> Tried<Self::Done, M> {
        let to = to.clone();
        let word = Word::Offer { to: to.clone(), strategy: node.strategy(&to, &envelope), waits };
        match node.told(there, word, body, envelope.deadline()).await {
            Sent::Done(()) => Tried::Over(Ok(())),
            Sent::Elsewhere => Tried::Refused(SendErrorKind::NoMembers, envelope),
            Sent::Never(kind) => Tried::Refused(kind, envelope),
            Sent::Late | Sent::Maybe => Tried::Over(Err(SendError::new(SendErrorKind::Unconfirmed, to, envelope))),
        }
    }
}

impl<M: Message + Serialize + DeserializeOwned> Verb<M> for Ask {
    type Done = Result<M, RequestError<M>>;

    async fn here(
        node: &Node<M>,
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
        waits: bool,
    ) -> Tried<Self::Done, M> {
        if !waits && node.is_full(to) {
            return Tried::Refused(SendErrorKind::Full, envelope);
        }
        let error = match node.local.request(to, envelope).await {
            Ok(answer) => return Tried::Over(Ok(answer)),
            Err(error) => error,
        };
        match *error.kind() {
            RequestErrorKind::NotSent(kind) => match error.into_envelope() {
                Some(envelope) => Tried::Refused(kind, envelope),
                None => Tried::Over(Err(RequestError::unanswered(kind.into(), Ran::Maybe, to.clone()))),
            },
            _ => Tried::Over(Err(error)),
        }
    }

    async fn there(
        node: &Node<M>,
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
        (there, body): (crate::NodeId, Bytes),
        waits: bool,
    ) -> Tried<Self::Done, M> {
        let to = to.clone();
        let word = Word::Inquire { to: to.clone(), strategy: node.strategy(&to, &envelope), waits };
        let unanswered = |kind| Tried::Over(Err(RequestError::unanswered(kind, Ran::Maybe, to.clone())));
        match node.asked(there, word, body, envelope.deadline()).await {
            Sent::Done(Ok(answer)) => Tried::Over(Ok(answer)),
            Sent::Done(Err((kind, Ran::Maybe))) => unanswered(kind),
            Sent::Done(Err((kind, _))) => Tried::Over(Err(RequestError::refused(kind, to, envelope))),
            Sent::Elsewhere => Tried::Refused(SendErrorKind::NoMembers, envelope),
            Sent::Never(kind) => Tried::Refused(kind, envelope),
            Sent::Late => unanswered(RequestErrorKind::TimedOut),
            Sent::Maybe => unanswered(RequestErrorKind::ActorStopped),
        }
    }
}

/// Whether those who were to have it have gone.
fn is_gone(kind: SendErrorKind) -> bool {
    kind.is_nobody() || kind == SendErrorKind::ActorStopped
}

fn key_of<M: Message>(envelope: &MessageEnvelope<M>) -> Option<u64> {
    envelope.message().routing_key().map(key_hash)
}
