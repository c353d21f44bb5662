use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::Utc;
use foldhash::fast::RandomState;
use parking_lot::Mutex;

use super::retries::Retries;
use super::settings::Settings;
use super::{ActorRegistry, RegisterError};
use crate::actor::{ActorCell, Epoch};
use crate::address::{ActorAddress, ActorId};
use crate::dead_letters::{DeadLetter, DeadLetterReason, LetterStore};
use crate::mailbox::MailboxOptions;
use crate::message::{Message, MessageEnvelope};
use crate::metrics::{Account, Audit, BrokerMetrics, Outcome, Timing, Timings, Traffic};
use crate::requests::{Ended, RequestTable};
use crate::schedule::Agenda;

/// Everything that one broker's handles, routes and actors share in this process.
pub(crate) struct Hub<M> {
    pub(super) registry: ActorRegistry<M>,
    pub(crate) requests: RequestTable<M>,
    pub(crate) dead_letters: LetterStore<M>,
    /// What is to be delivered later.
    pub(crate) agenda: Agenda<M>,
    pub(super) retries: Retries,
    pub(super) settings: Settings,
    /// Also the lock under which actors come and go, so that a snapshot has each of them once.
    departures: Mutex<Departures<M>>,
    shut: AtomicBool,
    /// Notified whenever a spawned actor is gone.
    pub(crate) gone: tokio::sync::Notify,
}

/// The actors that the registry no longer knows.
struct Departures<M> {
    /// Those whose ids have been taken by others before they ended.
    displaced: HashMap<Epoch, Arc<ActorCell<M>>, RandomState>,
    /// The accounts of those that have.
    ended: Traffic,
    timings: Timings,
}

impl<M: Message> Hub<M> {
    pub(super) fn new(settings: Settings) -> Self {
        let requests = RequestTable::new();
        Self {
            registry: ActorRegistry::new(),
            agenda: Agenda::new(Arc::clone(&requests.timer)),
            requests,
            retries: Retries::new(settings.retry, settings.jitter.clone()),
            dead_letters: LetterStore::new(settings.dead_letters),
            settings,
            departures: Mutex::new(Departures {
                displaced: HashMap::default(),
                ended: Traffic::default(),
                timings: Timings::default(),
            }),
            shut: AtomicBool::new(false),
            gone: tokio::sync::Notify::new(),
        }
    }

    /// Enters a new actor, with the default mailbox if none is named.
    pub(crate) fn register(
        &self,
        address: &ActorAddress,
        mailbox: Option<MailboxOptions>,
        spawned: bool,
    ) -> Result<Arc<ActorCell<M>>, RegisterError> {
        let mailbox = mailbox.unwrap_or(self.settings.mailbox).check()?;
        let id = if let ActorAddress::Id(id) = address { *id } else { ActorId::next() };
        let cell = Arc::new(ActorCell::new(id, address.clone(), mailbox, spawned));
        let mut departures = self.departures.lock();
        if self.is_shut() {
            return Err(RegisterError::ShutDown);
        }
        let displaced = self.registry.enter(&cell)?;
        departures.displaced.extend(displaced.map(|cell| (cell.epoch, cell)));
        Ok(cell)
    }

    /// Frees the actor's address and closes its mailbox: what it has accepted it may still handle. True if that is
    /// news.
    pub(crate) fn close(&self, cell: &ActorCell<M>) -> bool {
        self.registry.free_address(cell);
        cell.queue.close()
    }

    /// Lets the actor begin no further message, and ends the requests that it has not begun.
    pub(crate) fn stop(&self, cell: &ActorCell<M>) {
        cell.ask_to_stop();
        if !self.close(cell) {
            // It may be waiting for what is to come back.
            cell.queue.wake_receiver();
        }
        for envelope in self.abandon_unfetched(cell) {
            self.bury_unbegun(cell, envelope, self.why_abandoned());
        }
        // What it has fetched, it discards itself; but that may be after a long time in the handler it is in.
        self.requests.end_unbegun(cell.epoch);
    }

    /// Takes what the actor has not fetched, counted as abandoned.
    fn abandon_unfetched(&self, cell: &ActorCell<M>) -> Vec<MessageEnvelope<M>> {
        // Under the lock under which accounts are closed: the actor may end and retire meanwhile, and what is counted
        // after that would be in no account.
        let _departures = self.departures.lock();
        let unfetched = cell.queue.drain_unfetched();
        unfetched.iter().for_each(|_| cell.tally.count(Outcome::Abandoned));
        unfetched
    }

    /// Forgets an actor that has left and ended, and keeps its account, once nothing of what it accepted is in hand
    /// any more.
    pub(crate) fn retire(&self, cell: &ActorCell<M>) {
        let mut departures = self.departures.lock();
        let known = |departures: &mut Departures<M>| {
            self.registry.remove(cell) || departures.displaced.remove(&cell.epoch).is_some()
        };
        if cell.has_settled() && known(&mut departures) {
            let (traffic, timings) = cell.close_account();
            departures.ended.add(&traffic);
            departures.timings.merge(&timings);
        }
    }

    /// Counts the round trip of a request that was first sent to `cell`, which may have ended meanwhile.
    pub(super) fn record_round_trip(&self, cell: &ActorCell<M>, nanos: u64) {
        if !cell.record_round_trip(nanos) {
            self.departures.lock().timings.round_trip.merge(&Timing::of(nanos));
        }
    }

    /// Ends an accepted message that is not handled: counts it, tells its caller, and keeps it as a dead letter.
    #[inline(never)]
    pub(crate) fn discard(&self, cell: &ActorCell<M>, envelope: MessageEnvelope<M>, reason: DeadLetterReason) {
        // The mailbox has counted what it evicted, in the step that did it.
        if reason != DeadLetterReason::Evicted {
            cell.tally.count(reason.outcome());
        }
        self.bury_unbegun(cell, envelope, reason);
    }

    /// Ends a message that was in a handler when its actor ended.
    pub(crate) fn abandon_begun(&self, cell: &ActorCell<M>, envelope: MessageEnvelope<M>, attempts: u32) {
        let reason = self.why_abandoned();
        cell.tally.count(reason.outcome());
        self.bury(cell.address.clone(), Some(cell.id), envelope, reason, attempts, None);
    }

    /// Ends a message that its actor has handled before.
    pub(crate) fn end_duplicate(&self, cell: &ActorCell<M>, envelope: &MessageEnvelope<M>) {
        cell.tally.count(Outcome::Duplicate);
        if let Some(key) = envelope.request() {
            self.requests.end(key, Ended::Duplicate);
        }
    }

    /// Why what an actor leaves is dead.
    pub(crate) fn why_abandoned(&self) -> DeadLetterReason {
        if self.is_shut() { DeadLetterReason::ShutDown } else { DeadLetterReason::ActorStopped }
    }

    fn bury_unbegun(&self, cell: &ActorCell<M>, envelope: MessageEnvelope<M>, reason: DeadLetterReason) {
        let attempts = envelope.attempt() - 1;
        self.bury(cell.address.clone(), Some(cell.id), envelope, reason, attempts, None);
    }

    /// Tells the caller of a message that has ended, and keeps it as a dead letter.
    pub(super) fn bury(
        &self,
        address: ActorAddress,
        actor: Option<ActorId>,
        envelope: MessageEnvelope<M>,
        reason: DeadLetterReason,
        attempts: u32,
        cause: Option<String>,
    ) {
        if let Some(key) = envelope.request() {
            self.requests.end(key, ended_by(reason));
        }
        self.dead_letters.keep(DeadLetter { envelope, address, actor, reason, cause, attempts, at: Utc::now() });
        self.note_progress();
    }

    /// Whether a shutdown has come to its end.
    pub(super) fn has_closed(&self) -> bool {
        self.agenda.is_closed()
    }

    pub(super) fn is_shut(&self) -> bool {
        self.shut.load(Ordering::Acquire)
    }

    /// Refuses new actors from now on. Gives those there are.
    pub(super) fn shut(&self) -> Vec<Arc<ActorCell<M>>> {
        let departures = self.departures.lock();
        self.shut.store(true, Ordering::Release);
        self.all_actors(&departures)
    }

    /// The actors that have not ended.
    fn all_actors(&self, departures: &Departures<M>) -> Vec<Arc<ActorCell<M>>> {
        let mut actors = self.registry.all();
        actors.extend(departures.displaced.values().cloned());
        actors
    }

    pub(super) fn audit(&self) -> Audit {
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

    pub(super) fn metrics(&self) -> BrokerMetrics {
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
            retries: self.retries.made(),
            blocked_senders: actors.iter().map(|actor| actor.blocked_senders).sum(),
            dead_letters,
            dead_letters_dropped,
            actors,
        }
    }
}

fn ended_by(reason: DeadLetterReason) -> Ended {
    match reason {
        DeadLetterReason::Expired | DeadLetterReason::Cancelled => Ended::TimedOut { begun: false },
        DeadLetterReason::Evicted => Ended::Evicted { begun: false },
        DeadLetterReason::ActorStopped | DeadLetterReason::Undeliverable(_) | DeadLetterReason::ShutDown => {
            Ended::Stopped { begun: false }
        }
        // Whoever knows what the handler said has told the caller.
        DeadLetterReason::Failed | DeadLetterReason::Panicked | DeadLetterReason::Rejected => Ended::NoReply,
    }
}
