use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::Utc;
use parking_lot::Mutex;

use super::settings::Settings;
use super::{ActorRegistry, RegisterError};
use crate::actor::ActorCell;
use crate::address::{ActorAddress, ActorId};
use crate::dead_letters::{DeadLetter, DeadLetterReason, DeadLetters};
use crate::mailbox::{MailboxOptions, Slot};
use crate::message::Message;
use crate::metrics::{BrokerMetrics, Traffic};
use crate::requests::{Ended, RequestTable};

/// Everything that one broker's handles, routes and actors share in this process.
pub(crate) struct Hub<M> {
    pub(super) registry: ActorRegistry<M>,
    pub(crate) requests: RequestTable<M>,
    pub(super) dead_letters: DeadLetters<M>,
    pub(super) settings: Settings,
    /// The accounts of actors that have ended. Also the lock under which actors come and go, so that a snapshot has
    /// each of them once.
    ended: Mutex<Traffic>,
    shut: AtomicBool,
    /// Notified whenever an actor has gone.
    pub(super) gone: tokio::sync::Notify,
}

impl<M: Message> Hub<M> {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            registry: ActorRegistry::new(),
            requests: RequestTable::new(),
            dead_letters: DeadLetters::new(settings.dead_letters),
            settings,
            ended: Mutex::default(),
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
        let id = if let ActorAddress::Id(id) = address {
            *id
        } else {
            ActorId::next()
        };
        let cell = Arc::new(ActorCell::new(id, address.clone(), mailbox, spawned));
        let _actors = self.ended.lock();
        if self.is_shut() {
            return Err(RegisterError::ShutDown);
        }
        self.registry.enter(&cell)?;
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
        self.close(cell);
        for envelope in cell.queue.drain_unfetched() {
            self.discard(cell, Some(envelope), DeadLetterReason::ActorStopped);
        }
        // What it has fetched, it discards itself; but that may be after a long time in the handler it is in.
        self.requests.end_unbegun(cell.id);
    }

    /// Forgets an actor that has ended and keeps its account, once nothing of what it accepted is in hand any more.
    pub(crate) fn retire(&self, cell: &ActorCell<M>) {
        let mut ended = self.ended.lock();
        if cell.has_settled() && self.registry.remove(cell) {
            ended.add(&cell.traffic());
        }
        drop(ended);
        self.gone.notify_waiters();
    }

    /// Ends an accepted message that is not handled: counts it, tells its caller, and keeps it as a dead letter.
    pub(crate) fn discard(&self, cell: &ActorCell<M>, slot: Slot<M>, reason: DeadLetterReason) {
        let Some(envelope) = slot else { return };
        if let Some(key) = envelope.request() {
            self.requests.end(key, ended_by(reason));
        }
        let letter = DeadLetter {
            envelope,
            address: cell.address.clone(),
            actor: cell.id,
            reason,
            at: Utc::now(),
        };
        self.dead_letters.keep(letter);
        // The mailbox has counted what it evicted, in the step that did it.
        if reason != DeadLetterReason::Evicted {
            cell.tally.count(reason.outcome());
        }
    }

    pub(super) fn is_shut(&self) -> bool {
        self.shut.load(Ordering::Acquire)
    }

    /// Refuses new actors from now on. Gives those there are.
    pub(super) fn shut(&self) -> Vec<Arc<ActorCell<M>>> {
        let _actors = self.ended.lock();
        self.shut.store(true, Ordering::Release);
        self.registry.all()
    }

    pub(super) fn metrics(&self) -> BrokerMetrics {
        let ended = self.ended.lock();
        let mut total = *ended;
        let actors: Vec<_> = self
            .registry
            .all()
            .iter()
            .map(|cell| cell.metrics())
            .collect();
        drop(ended);
        actors.iter().for_each(|actor| total.add(&actor.traffic));
        let (dead_letters, dead_letters_dropped) = self.dead_letters.counts();
        BrokerMetrics {
            at: Utc::now(),
            total,
            requests_in_flight: self.requests.in_flight(),
            late_replies: self.requests.late_replies(),
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
        DeadLetterReason::Evicted => Ended::Evicted,
        DeadLetterReason::ActorStopped => Ended::Stopped { begun: false },
    }
}
