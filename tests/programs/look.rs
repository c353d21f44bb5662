//! What must hold between any two steps.

use switchboard::metrics::{Audit, BrokerMetrics, Outcome};

use crate::ledger::Ledger;
use crate::program::Kind;
use crate::verify::failed_at;
use crate::world::World;

impl World {
    /// Nothing moves while the program itself is at work, so every account must balance.
    pub(crate) fn look(&mut self) {
        self.desk.collect();
        let (audit, metrics) = (self.desk.broker.audit(), self.desk.broker.metrics());
        let mut ledger = self.desk.ledger();
        if !audit.is_balanced() {
            ledger.problem(format!("the accounts do not balance: {audit}"));
        }
        let total = &metrics.total;
        let same = (total.accepted, total.outcomes) == (audit.accepted, audit.outcomes)
            && (total.queued, total.in_handlers, total.waiting) == (audit.queued, audit.in_handlers, audit.waiting);
        if !same || total.unaccounted() != 0 {
            ledger.problem(format!("the metrics are not as the audit: {audit}, {total:?}"));
        }
        if ledger.shut.is_some() && self.scheduled.iter().any(|(_, scheduled)| scheduled.due().is_some()) {
            ledger.problem("something scheduled waits on after a shutdown".into());
        }
        let calls = ledger.calls;
        if metrics.blocked_senders > calls {
            ledger.problem(format!("{} senders are blocked, of {calls}", metrics.blocked_senders));
        }
        let open = open_attempts(&ledger);
        if audit.in_handlers < open {
            ledger.problem(format!("{open} attempts are going on, but {audit}"));
        }
        look_at_actors(&mut ledger, &metrics);
        drop(ledger);
        self.look_at_mailboxes(&metrics);
        self.note_reached(&audit, &metrics, open);
    }

    /// Mailboxes keep to their bounds.
    fn look_at_mailboxes(&mut self, metrics: &BrokerMetrics) {
        let spawned = self.handles.iter().map(|(actor, handle)| (*actor, handle.id(), handle.depth()));
        let by_hand = self.inboxes.iter().map(|(actor, inbox)| (*actor, inbox.id(), inbox.depth()));
        let mut ledger = self.desk.ledger();
        for (actor, id, depth) in spawned.chain(by_hand) {
            if ledger.actors[actor].place.mailbox.capacity().is_some_and(|capacity| depth > capacity) {
                ledger.problem(format!("actor {actor} holds {depth} messages"));
            }
            let queued = metrics.actors.iter().filter(|known| known.id == id).map(|known| known.traffic.queued).sum();
            if depth < queued {
                self.reached.note("in line: a message that nobody waits with");
            }
        }
    }

    fn note_reached(&mut self, audit: &Audit, metrics: &BrokerMetrics, open: usize) {
        let states = [
            ("state: a blocked sender", metrics.blocked_senders > 0),
            ("state: a wait in strict order", audit.in_handlers > open),
            ("state: something waits with the broker", audit.waiting > 0),
            ("state: a request in flight", metrics.requests_in_flight > 0),
        ];
        states.iter().filter(|(_, is_so)| *is_so).for_each(|(state, _)| self.reached.note(*state));
    }
}

fn open_attempts(ledger: &Ledger) -> usize {
    ledger.entries.iter().flat_map(|entry| entry.attempts.last()).filter(|attempt| attempt.end.is_none()).count()
}

/// What each living actor has counted is what is known of it.
fn look_at_actors(ledger: &mut Ledger, metrics: &BrokerMetrics) {
    for known in &metrics.actors {
        let actor = ledger.actors.iter().position(|actor| actor.id == Some(known.id));
        let Some(actor) = actor.filter(|actor| ledger.actors[*actor].place.kind != Kind::Id) else { continue };
        let counted =
            [Outcome::Handled, Outcome::Failed, Outcome::Evicted].map(|outcome| known.traffic.outcomes[outcome]);
        let seen = failed_at(ledger, actor);
        if counted != seen {
            ledger.problem(format!("actor {actor} has counted {counted:?} handled, failed and evicted, not {seen:?}"));
        }
    }
}
