use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::kv::Store;
use bytes::Bytes;
use switchboard::address::{ActorAddress, ActorId, Name};
use switchboard::broker::InMemoryMessageBroker;
use switchboard::message::{Message, MessageId};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::durable::Durable;
use crate::elsewhere::Elsewhere;
use crate::frame::{Frame, Word};
use crate::lease::Lease;
use crate::names::{Claimed, Names, Owner, Unavailable};
use crate::outside::Outside;
use crate::peers::{Peers, entered, is_alive};
use crate::places::Places;
use crate::sent::Sending;
use crate::subjects::Subjects;
use crate::topics::Topics;
use crate::waiting::{Answer, Pending, Waiting};
use crate::wire::WireFormat;
use crate::{ConnectionState, NodeId};

/// Everything that one broker's handles and tasks share in this process.
pub(crate) struct Node<M: Message> {
    pub(crate) id: NodeId,
    pub(crate) local: InMemoryMessageBroker<M>,
    pub(crate) connection: Connection,
    pub(crate) client: Client,
    pub(crate) subjects: Subjects,
    pub(crate) waiting: Arc<Waiting>,
    /// What there is for programs in other languages.
    pub(crate) outside: Outside,
    pub(crate) lease: Lease,
    /// The entries of all nodes whose leases have not ended.
    pub(crate) nodes: Store,
    pub(crate) names: Names,
    pub(crate) peers: Peers,
    /// The members that other nodes have.
    pub(crate) elsewhere: Elsewhere,
    /// What is delivered at least once, if the server keeps that.
    pub(crate) durable: Option<Durable>,
    /// What was said last of the members here. Held while something is said.
    pub(crate) said: tokio::sync::Mutex<Bytes>,
    /// When the last look at all nodes began.
    pub(crate) looked: tokio::sync::Mutex<Option<Instant>>,
    /// Where actors by their ids were found.
    pub(crate) places: Places,
    pub(crate) topics: Topics,
    /// What goes to other nodes.
    pub(crate) sending: Sending,
    pub(crate) wire: WireFormat,
    pub(crate) source: String,
    pub(crate) max_bytes: usize,
    /// Held while a name is claimed and registered here, so that two who want the same one do not undo each other's claim.
    pub(crate) claiming: Claiming,
    /// How many messages of other nodes are being seen to here.
    pub(crate) errands: watch::Sender<usize>,
    /// True once the broker leaves the cluster.
    pub(crate) leaving: watch::Sender<bool>,
}

/// How long another node may take to say whether it has an actor or a name. It looks into a table of its own.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// How often a name is claimed of which it is not clear who has it.
const CLAIMS: usize = 8;

impl<M: Message> Node<M> {
    /// Whether the server can be reached, as far as is known.
    pub(crate) fn is_connected(&self) -> bool {
        self.connection.state() == ConnectionState::Connected
    }

    /// Says something to another node, which is to answer.
    pub(crate) async fn say(&self, node: NodeId, word: Word, body: Bytes) -> Result<Pending, Unavailable> {
        let pending = self.waiting.open(node);
        let frame = Frame { from: self.id, key: pending.key, word, body };
        // The server answers here if nobody listens.
        let nobody = self.subjects.nobody(self.id, pending.key);
        let said = self.client.publish_with_reply(self.subjects.node(node), nobody, frame.encode()).await;
        said.map_err(|error| Unavailable(error.to_string()))?;
        Ok(pending)
    }

    /// Says something to another node that needs no answer, or is one.
    pub(crate) async fn answer(&self, node: NodeId, key: u64, word: Word, body: Bytes) {
        let frame = Frame { from: self.id, key, word, body };
        if let Err(error) = self.client.publish(self.subjects.node(node), frame.encode()).await {
            tracing::debug!(%node, %error, "an answer could not be sent");
        }
    }

    /// Waits until the server has done all that it was told before.
    pub(crate) async fn barrier(&self) -> Result<(), Unavailable> {
        let mut pending = self.waiting.open(self.id);
        let nobody = self.subjects.nobody(self.id, pending.key);
        let asked = self.client.publish_with_reply(self.subjects.nowhere(), nobody, Bytes::new()).await;
        asked.map_err(|error| Unavailable(error.to_string()))?;
        match tokio::time::timeout(ANSWER_TIMEOUT, pending.answer()).await {
            Ok(Answer::Nobody) => Ok(()),
            _ => Err(Unavailable("the server did not answer in time".into())),
        }
    }

    /// The node that has an actor, if one has.
    pub(crate) async fn seek(&self, actor: ActorId) -> Result<Option<NodeId>, Unavailable> {
        if let Some(node) = self.places.get(actor) {
            return Ok(Some(node));
        }
        let known = self.peers.of_process(actor.node());
        if let Some(node) = self.seek_among(&known, actor).await? {
            return Ok(Some(node));
        }
        // A node that has just come may not have been heard of.
        let mut others = entered(&self.nodes, actor.node()).await?;
        others.retain(|node| !known.contains(node));
        self.seek_among(&others, actor).await
    }

    async fn seek_among(&self, nodes: &[NodeId], actor: ActorId) -> Result<Option<NodeId>, Unavailable> {
        for node in nodes.iter().copied().filter(|node| *node != self.id) {
            if self.confirms(node, Word::Seek { actor }).await? {
                self.places.note(actor, node);
                return Ok(Some(node));
            }
        }
        Ok(None)
    }

    /// Claims a name for an actor here. Gives the epoch, or `None` if somebody has it.
    pub(crate) async fn claim(&self, name: &Name) -> Result<Option<u64>, Unavailable> {
        // Somebody else may give it up or take it in between, but not for ever.
        for _ in 0..CLAIMS {
            let owner = match self.names.claim(name).await? {
                Claimed::Mine(epoch) => return Ok(Some(epoch)),
                Claimed::Owned(owner) => owner,
                Claimed::GivenUp => continue,
            };
            if self.is_owned(name, owner).await? {
                return Ok(None);
            }
            if let Some(epoch) = self.names.take_over(name, owner).await? {
                return Ok(Some(epoch));
            }
        }
        Ok(None)
    }

    /// Whether the owner that the server knows still is one.
    async fn is_owned(&self, name: &Name, owner: Owner) -> Result<bool, Unavailable> {
        if owner.node == self.id {
            return Ok(self.has(name));
        }
        if !is_alive(&self.nodes, owner.node).await? {
            return Ok(false);
        }
        // Its lease holds, so it owns the name unless it says itself that it does not.
        let word = Word::Owns { name: name.clone(), epoch: owner.epoch };
        match self.ask_node(owner.node, word).await? {
            Answer::Said(Word::Here(here), _) => Ok(here),
            _ => Ok(true),
        }
    }

    /// Whether an actor here has this name.
    pub(crate) fn has(&self, name: &Name) -> bool {
        self.local.registry().contains(&ActorAddress::Named(name.clone()))
    }

    /// Whether an actor here has this name with this epoch, and may act as its owner now.
    pub(crate) fn owns(&self, name: &Name, epoch: u64) -> bool {
        self.names.epoch(name) == Some(epoch) && self.lease.holds() && self.has(name)
    }

    async fn confirms(&self, node: NodeId, word: Word) -> Result<bool, Unavailable> {
        Ok(matches!(self.ask_node(node, word).await?, Answer::Said(Word::Here(true), _)))
    }

    /// What a node answers to a question that takes it no time.
    pub(crate) async fn ask_node(&self, node: NodeId, word: Word) -> Result<Answer, Unavailable> {
        let mut pending = self.say(node, word, Bytes::new()).await?;
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, pending.answer()).await;
        Ok(answer.unwrap_or(Answer::Lost))
    }

    /// A text that says which envelope could not be sent, for the log.
    pub(crate) fn note_unsent(&self, id: MessageId, why: &str) {
        tracing::debug!(message = %id, why = %why.escape_debug(), "an envelope could not be sent");
    }
}

impl<M: Message> fmt::Debug for Node<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("id", &self.id).field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// Locks by name. A few names share one.
#[derive(Debug, Default)]
pub(crate) struct Claiming([tokio::sync::Mutex<()>; 16]);

impl Claiming {
    /// Waits until nobody here claims the name.
    pub(crate) async fn begin(&self, name: &Name) -> tokio::sync::MutexGuard<'_, ()> {
        let number = name.as_str().bytes().fold(0_usize, |number, byte| number.wrapping_mul(31) + usize::from(byte));
        self.0[number % self.0.len()].lock().await
    }
}
