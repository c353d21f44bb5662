//! How a node comes into the cluster, and how it leaves.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::message::Message;

use crate::node::{ANSWER_TIMEOUT, Node};

/// The queue group of all nodes of a namespace.
const QUEUE: &str = "nodes";

impl<M: Message + Serialize + DeserializeOwned> Node<M> {
    /// Takes its place: from here on others can say something to it, and its lease holds.
    pub(crate) async fn begin(self: &Arc<Self>) -> Result<(), String> {
        let subscribe = async |subject| self.client.subscribe(subject).await.map_err(|error| error.to_string());
        let said = subscribe(self.subjects.node(self.id)).await?;
        let nobody = subscribe(self.subjects.all_nobody(self.id)).await?;
        let back = subscribe(self.subjects.all_back(self.id)).await?;
        let loads = subscribe(self.subjects.loads()).await?;
        let questions = self.subscribe_to_questions().await?;
        // Any node of the namespace takes what other programs say, and each message is taken by one.
        let outside = self.client.queue_subscribe(self.subjects.inward(">"), QUEUE.into()).await;
        let outside = outside.map_err(|error| error.to_string())?;
        // Only when the server has all can anybody be told of this node.
        self.client.flush().await.map_err(|error| error.to_string())?;
        self.renew().await?;
        tokio::spawn(Arc::clone(self).hear(said));
        tokio::spawn(Arc::clone(self).hear_of_nobody(nobody));
        tokio::spawn(Arc::clone(self).hear_back(back));
        tokio::spawn(Arc::clone(self).hear_outside(outside));
        tokio::spawn(Arc::clone(self).keep_lease());
        tokio::spawn(Arc::clone(self).keep_peers(self.nodes.clone()));
        tokio::spawn(Arc::clone(self).keep_watch());
        tokio::spawn(Arc::clone(self).keep_asking());
        tokio::spawn(Arc::clone(self).keep_announcing());
        tokio::spawn(Arc::clone(self).keep_telling_loads());
        tokio::spawn(Arc::clone(self).hear_loads(loads));
        tokio::spawn(Arc::clone(self).keep_working());
        tokio::spawn(Arc::clone(self).answer_questions(questions));
        // From the beginning it knows who has been there before it.
        self.look_again().await;
        Ok(())
    }

    /// Gives up the names and the lease, and closes the connection.
    pub(crate) async fn leave(&self) {
        if self.leaving.send_replace(true) {
            return;
        }
        self.await_workers().await;
        for (name, holding) in self.names.owned() {
            self.names.release(&name, holding.epoch).await;
        }
        // What the actors here have answered is to arrive before it is known that they have gone.
        let mut errands = self.errands.subscribe();
        let _ = tokio::time::timeout(ANSWER_TIMEOUT, errands.wait_for(|errands| *errands == 0)).await;
        let _ = self.barrier().await;
        self.lease.give_up();
        if let Err(error) = self.nodes.delete(self.id.to_string()).await {
            tracing::debug!(%error, "the lease is left to end by itself");
        }
        self.waiting.lose(|_| true);
        self.outside.lose();
        if let Err(error) = self.client.drain().await {
            tracing::debug!(%error, "the connection was closed already");
        }
    }
}
