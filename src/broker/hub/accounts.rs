use std::sync::Arc;

use chrono::Utc;

use super::Hub;
use crate::actor::ActorCell;
use crate::broker::offer::Target;
use crate::message::Message;
use crate::metrics::{Account, Audit, BrokerMetrics, Timing, Traffic};

/// What is counted, of the actors there are and of those that have ended.
impl<M: Message> Hub<M> {
    /// Counts the round trip of a request that was first sent to `cell`, which may have ended meanwhile.
    pub(in crate::broker) fn record_round_trip(&self, cell: &ActorCell<M>, nanos: u64) {
        if !cell.record_round_trip(nanos) {
            self.departures.lock().timings.round_trip.merge(&Timing::of(nanos));
        }
    }

    /// Counts that a message which was refused is offered again, with the actor that is there now, if it is for one.
    pub(in crate::broker) fn count_retry(&self, target: &Target<'_, M>) {
        let found = self.look_up(target);
        let mut departures = self.departures.lock();
        if !found.actor().is_some_and(|cell| cell.count_retry()) {
            departures.ended.retries += 1;
        }
    }

    pub(in crate::broker) fn audit(&self) -> Audit {
        let departures = self.departures.lock();
        let actors = self.all_actors(&departures);
        let of_actor =
            |cell: Arc<ActorCell<M>>| (Account::Actor { id: cell.id, address: cell.address.clone() }, cell.traffic());
        let mut accounts: Vec<_> = actors.into_iter().map(of_actor).collect();
        accounts.push((Account::Ended, departures.ended));
        drop(departures);
        accounts.push((Account::Waiting, self.agenda.traffic()));
        let mut total = Traffic::default();
        accounts.iter().for_each(|(_, traffic)| total.add(traffic));
        Audit::of(&total, accounts)
    }

    pub(in crate::broker) fn metrics(&self) -> BrokerMetrics {
        let departures = self.departures.lock();
        let (mut total, mut timings) = (departures.ended, departures.timings.clone());
        let actors: Vec<_> = self.all_actors(&departures).iter().map(|cell| cell.metrics()).collect();
        drop(departures);
        total.add(&self.agenda.traffic());
        for actor in &actors {
            total.add(&actor.traffic);
            timings.merge(&actor.timings);
        }
        let (dead_letters, dead_letters_dropped) = self.dead_letters.counts();
        BrokerMetrics {
            at: Utc::now(),
            total,
            timings,
            requests_in_flight: self.requests.in_flight(),
            late_replies: self.requests.late_replies(),
            blocked_senders: actors.iter().map(|actor| actor.blocked_senders).sum(),
            dead_letters,
            dead_letters_dropped,
            message_panics: self.dead_letters.disposal.panics() + self.requests.disposal.panics(),
            refused_at_limits: self.bounds.refused(),
            publishing: self.subscriptions.counts(),
            actors,
        }
    }
}
