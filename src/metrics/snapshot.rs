use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::address::{ActorAddress, ActorId};
use crate::metrics::{Outcomes, Publishing, Timings};

/// What a broker has counted, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BrokerMetrics {
    /// When the snapshot was taken.
    pub at: DateTime<Utc>,
    /// All actors together, those that have ended included.
    pub total: Traffic,
    /// How long the messages of all actors took, those that have ended included.
    pub timings: Timings,
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
    /// How often a message panicked when the broker dropped or cloned it. Where it was handled, it is in [`Traffic::panics`].
    pub message_panics: u64,
    /// How often a caller was refused because of the broker's [limits](crate::limits::Limits), or a message to be handled again
    /// was a dead letter because of them.
    pub refused_at_limits: u64,
    /// What was published.
    pub publishing: Publishing,
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
    /// Whether it has given up its task until the next message:
    /// [`InMemoryBuilder::hibernate_after`](crate::broker::InMemoryBuilder::hibernate_after).
    pub hibernates: bool,
    /// Whether services and pools pass it over, because its handler keeps [failing](crate::health).
    pub set_aside: bool,
    /// How often it has been set aside. Staying so after a trial has failed is not once more.
    pub times_set_aside: u64,
    /// Its messages.
    pub traffic: Traffic,
    /// How long they took.
    pub timings: Timings,
}

/// The accounts of accepted envelopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Traffic {
    /// Envelopes that were accepted. One that an actor has handled in vain and that is to be handled again counts no
    /// longer with that actor, but where it waits and then where it goes.
    pub accepted: u64,
    /// How those that ended did.
    pub outcomes: Outcomes,
    /// Those that wait in a mailbox.
    pub queued: usize,
    /// Those that are being handled.
    pub in_handlers: usize,
    /// Those that wait with the broker, scheduled or to be handled again. An actor has none.
    pub waiting: usize,
    /// The most that any one mailbox held, as seen whenever its receiver fetched or a sender found little room.
    pub deepest_mailbox: usize,
    /// Handlers that panicked.
    pub panics: u64,
    /// Handlers that were rebuilt after a panic.
    pub rebuilds: u64,
    /// Times that a handler began with a message which one had had before.
    pub redeliveries: u64,
    /// Times that a message was offered again after it had been refused. It counts with the actor that it was offered to, and
    /// in the total only if it was for a group, or nobody was there.
    pub retries: u64,
    /// How often a sender has had to wait for room in a mailbox.
    pub times_blocked: u64,
    /// How long senders have waited for room, each counted by itself, and those included that still wait.
    pub time_blocked: Duration,
}

impl Traffic {
    /// Accepted envelopes that are neither queued, nor in a handler, nor waiting, nor ended. Zero whenever nothing moves; a
    /// snapshot taken in motion may be off by what moved while it was taken.
    pub fn unaccounted(&self) -> i64 {
        // Saturating, as a snapshot that was read from outside may hold any numbers.
        let on_its_way = [self.queued, self.in_handlers, self.waiting];
        let known = on_its_way.into_iter().fold(self.outcomes.sum(), |sum, count| sum.saturating_add(count as u64));
        let missing = i128::from(self.accepted) - i128::from(known);
        missing.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }

    /// Adds an actor's account, of which what waits or is being handled is part.
    pub(crate) fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.outcomes.add(&other.outcomes);
        self.queued += other.queued;
        self.in_handlers += other.in_handlers;
        self.waiting += other.waiting;
        self.deepest_mailbox = self.deepest_mailbox.max(other.deepest_mailbox);
        self.panics += other.panics;
        self.rebuilds += other.rebuilds;
        self.redeliveries += other.redeliveries;
        self.retries += other.retries;
        self.times_blocked += other.times_blocked;
        self.time_blocked = self.time_blocked.saturating_add(other.time_blocked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Outcome;

    fn traffic() -> Traffic {
        let mut outcomes = Outcomes::default();
        outcomes[Outcome::Handled] = 5;
        outcomes[Outcome::Evicted] = 2;
        Traffic {
            accepted: 12,
            outcomes,
            queued: 3,
            in_handlers: 1,
            waiting: 1,
            deepest_mailbox: 4,
            panics: 6,
            rebuilds: 7,
            redeliveries: 8,
            retries: 9,
            times_blocked: 8,
            time_blocked: Duration::from_secs(10),
        }
    }

    #[test]
    fn at_rest_everything_accepted_is_accounted_for() {
        assert_eq!(traffic().unaccounted(), 0);
        assert_eq!(Traffic::default().unaccounted(), 0);
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_both_show() {
        assert_eq!(Traffic { accepted: 15, ..traffic() }.unaccounted(), 3);
        assert_eq!(Traffic { accepted: 10, ..traffic() }.unaccounted(), -2);
        assert_eq!(Traffic { queued: 2, ..traffic() }.unaccounted(), 1);
        assert_eq!(Traffic { in_handlers: 2, ..traffic() }.unaccounted(), -1);
        assert_eq!(Traffic { waiting: 0, ..traffic() }.unaccounted(), 1);
        let mut one_ended = traffic();
        one_ended.outcomes[Outcome::Failed] += 1;
        assert_eq!(one_ended.unaccounted(), -1);
    }

    #[test]
    fn a_snapshot_that_was_made_up_may_hold_any_numbers() {
        let full = Traffic { queued: usize::MAX, in_handlers: usize::MAX, waiting: 1, ..traffic() };
        assert_eq!(full.unaccounted(), i64::MIN);
        assert_eq!(Traffic { accepted: u64::MAX, ..traffic() }.unaccounted(), i64::MAX);
        assert_eq!(Traffic { accepted: u64::MAX, ..full }.unaccounted(), 0);
    }

    #[test]
    fn adding_sums_everything_but_the_deepest_mailbox() {
        let mut total = traffic();
        total.add(&Traffic { deepest_mailbox: 9, ..traffic() });
        total.add(&Traffic { deepest_mailbox: 1, ..traffic() });
        let mut outcomes = Outcomes::default();
        outcomes[Outcome::Handled] = 15;
        outcomes[Outcome::Evicted] = 6;
        let expected = Traffic {
            accepted: 36,
            outcomes,
            queued: 9,
            in_handlers: 3,
            waiting: 3,
            deepest_mailbox: 9,
            panics: 18,
            rebuilds: 21,
            redeliveries: 24,
            retries: 27,
            times_blocked: 24,
            time_blocked: Duration::from_secs(30),
        };
        assert_eq!(total, expected);
        assert_eq!(total.unaccounted(), 0);
    }

    #[test]
    fn adding_nothing_changes_nothing() {
        let mut total = traffic();
        total.add(&Traffic::default());
        assert_eq!(total, traffic());
    }
}
