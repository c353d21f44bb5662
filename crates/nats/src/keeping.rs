//! What a node does beside its messages: it keeps its lease, and hears who comes and goes.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::kv::Store;
use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::address::Name;
use switchboard::broker::MessageBroker;
use switchboard::message::Message;

use crate::NodeId;
use crate::frame::Word;
use crate::names::{Holding, Unavailable};
use crate::node::Node;
use crate::waiting::Answer;

/// How often nodes are asked for what waits for them.
const RECALL_INTERVAL: Duration = Duration::from_millis(500);

/// How many keys there are in one such question at most.
const RECALLED_AT_ONCE: usize = 1_000;

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
        // Held until it is done, so that none that knows less comes after one that knows more.
        let mut said = self.said.lock().await;
        let (held, roster) = (self.lease.holds(), self.roster());
        let renewed = self.lease.renew(&self.nodes, roster.clone()).await?;
        *said = roster;
        drop(said);
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
                followed = self.peers.follow(&store, |node, there| match there {
                    Some(value) => self.hear_roster(node, value),
                    None => self.lose(node),
                }) => followed,
            };
            if let Err(error) = followed {
                tracing::warn!(error = %error.0.escape_debug(), "who is there can't be followed just now");
            }
            // It ends with the connection, which comes again.
            tokio::time::sleep(self.lease.interval()).await;
        }
    }

    /// A node has gone. It may have answered before it went: what came before a word of this node's to itself has been heard
    /// when that is.
    fn lose(self: &Arc<Self>, node: NodeId) {
        self.places.lose(node);
        self.lose_roster(node);
        let here = Arc::clone(self);
        tokio::spawn(async move {
            // Without the server there is nothing more to hear.
            let _ = here.ask_node(here.id, Word::Recall { keys: Vec::new() }).await;
            here.waiting.lose(|waits_for| waits_for == node);
        });
    }

    /// When the connection goes, so does all hope of an answer.
    pub(crate) async fn keep_watch(self: Arc<Self>) {
        let mut connection = self.connection.clone();
        let mut losses = 0;
        while let Some(lost) = connection.lost(losses).await {
            losses = lost;
            self.lose_all();
        }
        self.lose_all();
    }

    fn lose_all(&self) {
        self.waiting.lose(|_| true);
        self.outside.lose();
    }

    /// Asks the nodes for what has waited for them a while: whether they are there, and still see to it. What went lost on
    /// its way, as the connection of another node was, would else be waited for without end.
    pub(crate) async fn keep_asking(self: Arc<Self>) {
        let mut leaving = self.leaving.subscribe();
        let mut ticks = tokio::time::interval(RECALL_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut until, mut suspects) = (0, Vec::new());
        loop {
            tokio::select! {
                _ = leaving.wait_for(|leaving| *leaving) => return,
                _ = ticks.tick() => {}
            }
            let mut silent = Vec::new();
            for (node, keys) in self.waiting.older_than(until) {
                if self.recall(node, keys).await {
                    silent.push(node);
                }
            }
            // Twice in a row, since a server that has just been joined may not know of all its clients yet.
            self.waiting.lose(|node| silent.contains(&node) && suspects.contains(&node));
            (until, suspects) = (self.waiting.next_key(), silent);
        }
    }

    /// Ends what the node does not see to any more. True if the server says that nobody is there.
    async fn recall(&self, node: NodeId, keys: Vec<u64>) -> bool {
        for keys in keys.chunks(RECALLED_AT_ONCE) {
            match self.ask_node(node, Word::Recall { keys: keys.to_vec() }).await {
                Ok(Answer::Said(Word::Recalled { keys: served }, _)) => {
                    let lost = keys.iter().filter(|key| !served.contains(key));
                    lost.for_each(|key| self.waiting.end(*key, Some(node), Answer::Lost));
                }
                Ok(Answer::Nobody) => return true,
                Ok(_) | Err(_) => return false,
            }
        }
        false
    }
}
