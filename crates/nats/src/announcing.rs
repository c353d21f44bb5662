//! What nodes tell each other of their members: who they are when that changes, and how much they have to do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Subscriber;
use bytes::Bytes;
use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::address::ActorAddress;
use switchboard::message::Message;
use tokio::time::{Instant, MissedTickBehavior};

use crate::NodeId;
use crate::elsewhere::{Changed, Load};
use crate::frame::{Frame, Word};
use crate::node::Node;
use crate::peers;
use crate::roster::Roster;

/// How often a node says how much its members have to do, if that has changed.
const LOAD_INTERVAL: Duration = Duration::from_millis(200);

impl<M: Message + Serialize + DeserializeOwned> Node<M> {
    /// Says who is a member here, when that changes, until the broker leaves.
    pub(crate) async fn keep_announcing(self: Arc<Self>) {
        let (mut leaving, mut known) = (self.leaving.subscribe(), 0);
        loop {
            tokio::select! {
                _ = leaving.wait_for(|leaving| *leaving) => return,
                changes = self.local.members_changed(known) => known = changes,
            }
            self.announce().await;
        }
    }

    /// Says who is a member here, unless that has been said. It is said again with each renewal of the lease, so what can't be
    /// said now will be.
    pub(crate) async fn announce(&self) {
        let said = self.said.lock().await;
        if *said != self.roster() && !*self.leaving.borrow() {
            drop(said);
            if let Err(error) = self.renew().await {
                tracing::debug!(error = %error.escape_debug(), "who is a member here could not be said just now");
            }
        }
    }

    /// Who is a member of anything here, as bytes.
    pub(crate) fn roster(&self) -> Bytes {
        let roster = Roster::of(self.local.registry().all_providers()).encode();
        if roster.len() <= self.max_bytes {
            return roster;
        }
        tracing::error!(
            bytes = roster.len(),
            "there are more members here than other nodes can be told of: they know of none"
        );
        Bytes::new()
    }

    /// Takes note of what another node says.
    pub(crate) fn hear_roster(&self, node: NodeId, value: &[u8]) {
        if node == self.id {
            return;
        }
        let Some(roster) = Roster::decode(value) else {
            tracing::warn!(%node, "what a node says of its members can't be read: it may have a later version");
            return;
        };
        roster.actors().for_each(|actor| self.places.note(actor, node));
        self.show(self.elsewhere.note(node, roster));
    }

    /// Forgets the members of a node that has gone.
    pub(crate) fn lose_roster(&self, node: NodeId) {
        self.show(self.elsewhere.lose(node));
    }

    fn show(&self, changed: Changed) {
        changed.into_iter().for_each(|(group, providers)| self.local.show_elsewhere(&group, providers));
    }

    /// Reads what all nodes say of their members: who has just said something may not have been heard yet. Many who want that
    /// at once share one look.
    pub(crate) async fn look_again(&self) {
        let wanted = Instant::now();
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|began| began > wanted) {
            return;
        }
        let began = Instant::now();
        match peers::entries(&self.nodes).await {
            Ok(entries) => {
                entries.iter().for_each(|(node, value)| self.hear_roster(*node, value));
                let gone = self.elsewhere.nodes().into_iter().filter(|node| !entries.iter().any(|(of, _)| of == node));
                gone.for_each(|node| self.lose_roster(node));
            }
            Err(error) => tracing::debug!(error = %error.0.escape_debug(), "the server could not say who is there"),
        }
        *looked = Some(began);
    }

    /// Whether no member of the group here has room.
    pub(crate) fn is_full(&self, group: &ActorAddress) -> bool {
        let members = self.local.registry().outlook(group);
        !members.is_empty() && members.iter().all(|member| member.is_full)
    }

    /// Says how much the members here have to do, when that has changed, until the broker leaves.
    pub(crate) async fn keep_telling_loads(self: Arc<Self>) {
        let mut leaving = self.leaving.subscribe();
        let mut ticks = tokio::time::interval(LOAD_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = Vec::new();
        loop {
            tokio::select! {
                _ = leaving.wait_for(|leaving| *leaving) => return,
                _ = ticks.tick() => {}
            }
            let loads = self.loads();
            if loads == told || !self.is_connected() {
                continue;
            }
            let word = Word::Loads { loads: loads.clone() };
            let frame = Frame { from: self.id, key: 0, word, body: Bytes::new() };
            if self.client.publish(self.subjects.loads(), frame.encode()).await.is_ok() {
                told = loads;
            }
        }
    }

    /// How much each actor that is a member of anything has to do.
    fn loads(&self) -> Vec<Load> {
        let registry = self.local.registry();
        let members = registry.all_providers().into_iter().flat_map(|(group, _)| registry.outlook(&group));
        let loads: BTreeMap<_, _> = members
            .map(|member| {
                let (actor, load) = (member.provider.actor(), u32::try_from(member.load).unwrap_or(u32::MAX));
                (actor, Load { actor, load, is_full: member.is_full, is_aside: member.is_aside })
            })
            .collect();
        loads.into_values().collect()
    }

    /// Hears what other nodes say of that.
    pub(crate) async fn hear_loads(self: Arc<Self>, mut said: Subscriber) {
        while let Some(message) = said.next().await {
            if let Some(Frame { from, word: Word::Loads { loads }, .. }) = Frame::decode(&message.payload) {
                self.elsewhere.weigh(from, loads);
            }
        }
    }
}
