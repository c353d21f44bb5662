use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::address::{ActorAddress, ActorId};
use crate::metrics::Outcomes;

/// What a broker has counted, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BrokerMetrics {
    /// When the snapshot was taken.
    pub at: DateTime<Utc>,
    /// All actors together, those that have ended included.
    pub total: Traffic,
    /// Requests whose callers wait.
    pub requests_in_flight: usize,
    /// Replies that came after their callers had gone.
    pub late_replies: u64,
    /// Senders that wait for room in a mailbox.
    pub blocked_senders: usize,
    /// Messages that wait as dead letters.
    pub dead_letters: usize,
    /// Dead letters that were let go because there was no room for more.
    pub dead_letters_dropped: u64,
    /// The living actors.
    pub actors: Vec<ActorMetrics>,
}

/// What one actor has counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ActorMetrics {
    /// The actor.
    pub id: ActorId,
    /// The address it was made at.
    pub address: ActorAddress,
    /// Senders that wait for room in its mailbox.
    pub blocked_senders: usize,
    /// Its messages.
    pub traffic: Traffic,
}

/// The accounts of accepted envelopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Traffic {
    /// Envelopes that mailboxes took in.
    pub accepted: u64,
    /// How those that ended did.
    pub outcomes: Outcomes,
    /// Those that wait in a mailbox.
    pub queued: usize,
    /// Those that are being handled.
    pub in_handlers: usize,
    /// The most that any one mailbox held, as seen whenever its receiver fetched or a sender found little room.
    pub deepest_mailbox: usize,
    /// Handlers that panicked.
    pub panics: u64,
    /// Handlers that were rebuilt after a panic.
    pub rebuilds: u64,
}

impl Traffic {
    /// Accepted envelopes that are neither queued, nor in a handler, nor ended. Zero whenever nothing moves; a
    /// snapshot taken in motion may be off by what moved while it was taken.
    pub fn unaccounted(&self) -> i64 {
        let known = self.outcomes.sum() + self.queued as u64 + self.in_handlers as u64;
        self.accepted.wrapping_sub(known).cast_signed()
    }

    /// Adds an actor's account, of which what waits or is being handled is part.
    pub(crate) fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.outcomes.add(&other.outcomes);
        self.queued += other.queued;
        self.in_handlers += other.in_handlers;
        self.deepest_mailbox = self.deepest_mailbox.max(other.deepest_mailbox);
        self.panics += other.panics;
        self.rebuilds += other.rebuilds;
    }
}
