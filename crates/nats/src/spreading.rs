//! What is given to all members of a group, on whichever nodes they are.

use std::collections::HashMap;

use bytes::Bytes;
use foldhash::fast::RandomState;
use futures_util::future::join_all;
use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::address::{ActorAddress, ActorId};
use switchboard::broker::{Broadcasted, MessageBroker, SendError, SendErrorKind};
use switchboard::message::{Message, MessageEnvelope};
use tokio::time::Instant;

use crate::NodeId;
use crate::frame::Word;
use crate::node::Node;
use crate::sending::Sent;
use crate::wire;

/// What other nodes did with their copies.
#[derive(Debug, Default)]
struct Given {
    delivered: usize,
    refused: Vec<(ActorId, SendErrorKind)>,
}

impl<M: Message + Serialize + DeserializeOwned> Node<M> {
    /// Gives a copy to every member of a group on every node. Waits for no mailbox.
    pub(crate) async fn broadcast(&self, to: &ActorAddress, envelope: MessageEnvelope<M>) -> Broadcasted<M>
    where
        M: Clone,
    {
        let given = self.spread(to, self.written(&envelope), envelope.deadline()).await;
        let mut all = self.local.broadcast(to, envelope).await;
        all.delivered += given.delivered;
        all.refused.extend(given.refused);
        if all.delivered > 0 {
            all.returned = None;
        }
        all
    }

    /// The same for a message that is for all because its group was set so, by the broker in memory.
    pub(crate) async fn tell_all(&self, to: &ActorAddress, envelope: MessageEnvelope<M>) -> Result<(), SendError<M>> {
        let given = self.spread(to, self.written(&envelope), envelope.deadline()).await;
        match self.local.send(to, envelope).await {
            Err(error) if given.delivered == 0 => match given.refused.first() {
                Some((_, kind)) if error.kind().is_nobody() => {
                    Err(SendError::new(*kind, to.clone(), error.into_envelope()))
                }
                _ => Err(error),
            },
            _ => Ok(()),
        }
    }

    /// Has all other nodes with members give each of them a copy.
    async fn spread(&self, to: &ActorAddress, body: Result<Bytes, SendErrorKind>, deadline: Option<Instant>) -> Given {
        let Some(circle) = self.elsewhere.circle(to) else { return Given::default() };
        let mut nodes: HashMap<NodeId, Vec<ActorId>, RandomState> = HashMap::default();
        for member in &circle.members {
            nodes.entry(member.node).or_default().push(member.provider.actor());
        }
        let spreading = nodes.into_iter().map(|(node, members)| {
            let body = body.clone();
            async move {
                let body = match body {
                    Ok(body) => body,
                    Err(kind) => return Given::refused(&members, kind),
                };
                match self.given(node, to, body, deadline).await {
                    Sent::Done(given) => given,
                    Sent::Elsewhere => Given::refused(&members, SendErrorKind::ActorStopped),
                    Sent::Never(kind) => Given::refused(&members, kind),
                    Sent::Late | Sent::Maybe => Given::refused(&members, SendErrorKind::Unconfirmed),
                }
            }
        });
        let mut all = Given::default();
        for given in join_all(spreading).await {
            all.delivered += given.delivered;
            all.refused.extend(given.refused);
        }
        all
    }

    async fn given(&self, node: NodeId, to: &ActorAddress, body: Bytes, deadline: Option<Instant>) -> Sent<Given> {
        match self.say_until(node, Word::Spread { to: to.clone() }, body, deadline).await {
            Ok((Word::Given { delivered, refused }, _)) => Sent::Done(Given { delivered: delivered as usize, refused }),
            Ok(_) => Sent::Maybe,
            Err(sent) => sent,
        }
    }

    /// Gives each member here a copy, as another node asked for.
    pub(crate) fn spread_here(&self, to: &ActorAddress, body: &[u8]) -> Word {
        let (mut delivered, mut refused) = (0, Vec::new());
        for member in self.local.registry().outlook(to) {
            let actor = member.provider.actor();
            // Read anew for each, since a message that nobody here broadcasts need not be one that can be cloned.
            let given = match wire::decode::<M>(body) {
                Ok(envelope) => self.local.try_send(&actor.into(), envelope).map_err(|error| error.kind()),
                Err(error) => {
                    tracing::warn!(%to, %error, "an envelope came that can't be read");
                    Err(SendErrorKind::NotOffered)
                }
            };
            match given {
                Ok(()) => delivered += 1,
                Err(kind) => refused.push((actor, kind)),
            }
        }
        Word::Given { delivered, refused }
    }
}

impl Given {
    fn refused(members: &[ActorId], kind: SendErrorKind) -> Self {
        Self { delivered: 0, refused: members.iter().map(|member| (*member, kind)).collect() }
    }
}
