//! What a node does beside its messages: it keeps its lease, and hears who comes and goes.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::kv::Store;
use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::address::{ActorId, Name};
use switchboard::broker::MessageBroker;
use switchboard::message::Message;

use crate::frame::Word;
use crate::names::{Holding, Unavailable};
use crate::node::Node;
use crate::waiting::Answer;
use crate::{ConnectionState, NodeId};

/// How often it is asked whether the nodes are still there that something waits for.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);

impl<M: Message + Serialize + DeserializeOwned> Node<M> {
    /// Renews the lease until the broker leaves.
    pub(crate) async fn keep_lease(self: Arc<Self>) {
        let mut leaving = self.leaving.subscribe();
        let mut ticks = tokio::time::interval(self.lease.interval());
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = leaving.wait_for(|leaving| *leaving) => return,
                _ = ticks.tick() => {}
            }
            if let Err(error) = self.renew().await {
                tracing::warn!(error = %error.escape_debug(), "the lease was not renewed");
            }
        }
    }

    /// Renews the lease. If it had ended, what others have taken meanwhile is let go first.
    pub(crate) async fn renew(&self) -> Result<(), String> {
        let held = self.lease.holds();
        let renewed = self.lease.renew(&self.nodes).await?;
        if !held {
            for (name, holding) in self.names.owned() {
                self.check(&name, holding).await.map_err(|error| error.0)?;
            }
        }
        self.lease.extend(&renewed);
        Ok(())
    }

    /// Ends the actor of a name that somebody else has taken.
    async fn check(&self, name: &Name, holding: Holding) -> Result<(), Unavailable> {
        if self.names.is_mine(name, holding.epoch).await? || !self.names.lose(name, holding.epoch) {
            return Ok(());
        }
        tracing::warn!(%name, "another node took the name while the lease had ended: its actor here is ended");
        if let Some(registration) = holding.registration {
            self.local.unregister(&registration).await;
        }
        Ok(())
    }

    /// Hears which nodes come and go.
    pub(crate) async fn keep_peers(self: Arc<Self>, store: Store) {
        let mut leaving = self.leaving.subscribe();
        loop {
            let followed = tokio::select! {
                _ = leaving.wait_for(|leaving| *leaving) => return,
                followed = self.peers.follow(&store, |node| {
                    self.places.lose(node);
                    self.waiting.lose(|waits_for| waits_for == node);
                }) => followed,
            };
            if let Err(error) = followed {
                tracing::warn!(error = %error.0.escape_debug(), "who is there can't be followed just now");
            }
            // It ends with the connection, which comes again.
            tokio::time::sleep(self.lease.interval()).await;
        }
    }

    /// When the connection goes, so does all hope of an answer.
    pub(crate) async fn keep_watch(self: Arc<Self>) {
        let mut connection = self.connection.clone();
        loop {
            match connection.changed().await {
                ConnectionState::Connected => {}
                ConnectionState::Disconnected => self.lose_all(),
                ConnectionState::Closed => return self.lose_all(),
            }
        }
    }

    fn lose_all(&self) {
        self.waiting.lose(|_| true);
        self.outside.lose();
    }

    /// Asks the nodes that something waits for whether they are there, which the server answers if they are not.
    pub(crate) async fn keep_asking(self: Arc<Self>) {
        let mut leaving = self.leaving.subscribe();
        let mut ticks = tokio::time::interval(PROBE_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut suspects = Vec::new();
        loop {
            tokio::select! {
                _ = leaving.wait_for(|leaving| *leaving) => return,
                _ = ticks.tick() => {}
            }
            let mut silent = Vec::new();
            for node in self.waiting.nodes() {
                if self.is_nobody(node).await {
                    silent.push(node);
                }
            }
            // Twice in a row, since a server that has just been joined may not know of all its clients yet.
            self.waiting.lose(|node| silent.contains(&node) && suspects.contains(&node));
            suspects = silent;
        }
    }

    /// Whether the server says that nobody listens to what is said to this node.
    async fn is_nobody(&self, node: NodeId) -> bool {
        match self.ask_node(node, Word::Seek { actor: ActorId::next() }).await {
            Ok(Answer::Nobody) => true,
            Ok(_) | Err(_) => false,
        }
    }
}
