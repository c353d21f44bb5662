use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;

use super::outlet::Opening;
use super::retries::Retries;
use super::settings::Settings;
use super::{ActorRegistry, RegisterError, WatchError};
use crate::actor::{ActorCell, Epoch, SpawnOptions};
use crate::address::{ActorAddress, ActorId, Name};
use crate::dead_letters::LetterStore;
use crate::hibernation::Rounds;
use crate::limits::{Bounds, Table};
use crate::mailbox::MailboxOptions;
use crate::message::{Message, MessageEnvelope};
use crate::metrics::{Outcome, Timings, Traffic};
use crate::requests::RequestTable;
use crate::schedule::Agenda;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::topics::Subscriptions;
use crate::watching::{Endings, Watch};

mod accounts;
mod burial;

/// Everything that one broker's handles, routes and actors share in this process.
pub(crate) struct Hub<M> {
    pub(super) registry: ActorRegistry<M>,
    pub(crate) requests: RequestTable<M>,
    pub(crate) dead_letters: LetterStore<M>,
    /// What is to be delivered later.
    pub(crate) agenda: Agenda<M>,
    pub(super) retries: Retries,
    /// The looks at actors that may hibernate, if any may.
    pub(super) rounds: Option<Rounds<M>>,
    /// Who gets what is published.
    pub(crate) subscriptions: Subscriptions<M>,
    /// Where what is for others goes, if a broker that is built on this one has others.
    pub(super) outlet: OnceLock<Opening<M>>,
    pub(super) settings: Settings,
    /// How much of all this there may be.
    pub(crate) bounds: Arc<Bounds>,
    /// Also the lock under which actors come and go, so that a snapshot has each of them once.
    departures: Mutex<Departures<M>>,
    shut: AtomicBool,
    /// How actors end, and who wants to know.
    pub(crate) endings: Endings,
    /// Notified whenever something has come to an end that a shutdown may wait for.
    pub(super) progress: tokio::sync::Notify,
}

/// The actors that the registry no longer knows, or not by their names.
struct Departures<M> {
    /// Those whose ids have been taken by others before they ended.
    displaced: HashMap<Epoch, Arc<ActorCell<M>>, RandomState>,
    /// The latest that gave up each name and have not ended.
    leaving: HashMap<Name, Arc<ActorCell<M>>, RandomState>,
    /// The accounts of those that have.
    ended: Traffic,
    timings: Timings,
}

impl<M: Message> Hub<M> {
    pub(super) fn new(settings: Settings) -> Self {
        let bounds = Arc::new(Bounds::new(settings.limits));
        let requests = RequestTable::new().within(Arc::clone(&bounds));
        Self {
            registry: ActorRegistry::new(settings.strategy, Arc::clone(&bounds)),
            agenda: Agenda::new(Arc::clone(&requests.timer)),
            rounds: settings.hibernate_after.map(|after| Rounds::new(after, Arc::clone(&requests.timer))),
            requests,
            retries: Retries::new(settings.retry, settings.jitter.clone()),
            dead_letters: LetterStore::new(settings.dead_letters),
            subscriptions: Subscriptions::new(),
            endings: Endings::new(settings.remembered_ends),
            outlet: OnceLock::new(),
            settings,
            bounds,
            departures: Mutex::new(Departures::new()),
            shut: AtomicBool::new(false),
            progress: tokio::sync::Notify::new(),
        }
    }

    /// Enters a new actor, with the default mailbox if none is named.
    pub(crate) fn register(
        &self,
        address: &ActorAddress,
        mailbox: Option<MailboxOptions>,
        spawned: bool,
    ) -> Result<Arc<ActorCell<M>>, RegisterError> {
        self.enter(self.cell(address, mailbox, spawned)?)
    }

    /// Enters a new actor that a task of the broker's runs.
    pub(crate) fn register_spawned(
        &self,
        address: &ActorAddress,
        options: &SpawnOptions,
    ) -> Result<Arc<ActorCell<M>>, RegisterError> {
        let cell = self.cell(address, options.mailbox_options(), true)?;
        self.enter(cell.weighing(options.share()).judged_by(options.health_policy()))
    }

    fn cell(
        &self,
        address: &ActorAddress,
        mailbox: Option<MailboxOptions>,
        spawned: bool,
    ) -> Result<ActorCell<M>, RegisterError> {
        let mailbox = mailbox.unwrap_or(self.settings.mailbox).check()?.with_line(self.bounds.of(Table::Senders));
        let id = if let ActorAddress::Id(id) = address { *id } else { ActorId::next() };
        Ok(ActorCell::new(id, address.clone(), mailbox, spawned))
    }

    fn enter(&self, cell: ActorCell<M>) -> Result<Arc<ActorCell<M>>, RegisterError> {
        let cell = Arc::new(cell);
        let mut departures = self.departures.lock();
        if self.is_shut() {
            return Err(RegisterError::ShutDown);
        }
        self.bounds.check(Table::Actors, self.registry.len() + departures.displaced.len())?;
        let displaced = self.registry.enter(&cell)?;
        departures.displaced.extend(displaced.map(|cell| (cell.epoch, cell)));
        drop(departures);
        self.registry.directory.wake();
        Ok(cell)
    }

    /// Frees the actor's address and closes its mailbox: what it has accepted it may still handle.
    pub(crate) fn close(&self, cell: &ActorCell<M>) {
        self.close_first(cell, false);
    }

    /// As [`close`](Self::close), which if it is news is why the actor ends. True if it is.
    pub(crate) fn unregister(&self, cell: &ActorCell<M>) -> bool {
        self.close_first(cell, true)
    }

    fn close_first(&self, cell: &ActorCell<M>, unregistered: bool) -> bool {
        let first = cell.begin_closing(unregistered);
        if !cell.queue.is_closed() {
            let earlier = self.free_address(cell);
            self.leave_all(cell);
            cell.queue.close();
            drop(earlier);
            self.registry.directory.wake();
        }
        first
    }

    /// Notes an actor that gives up its name as on its way out. Gives back the one that was noted before.
    fn free_address(&self, cell: &ActorCell<M>) -> Option<Arc<ActorCell<M>>> {
        // In one step, so that whoever looks for the actor by its name finds it there or on its way out.
        let mut departures = self.departures.lock();
        let (name, owner) = self.registry.free_address(cell)?;
        departures.leaving.insert(name, owner)
    }

    /// Lets the actor begin no further message, and ends the requests that it has not begun.
    pub(crate) fn stop(&self, cell: &ActorCell<M>) {
        cell.ask_to_stop();
        self.close(cell);
        // It may have been closed before, and be waiting for what is to come back.
        cell.queue.wake_receiver();
        // Held, so that the actor has not ended before what waited is kept.
        if let Some(_hold) = Hold::on(self, cell) {
            for envelope in self.abandon_unfetched(cell) {
                self.bury_unbegun(cell, envelope, self.why_abandoned());
            }
        }
        // What it has fetched, it discards itself; but that may be after a long time in the handler it is in.
        self.requests.end_unbegun(cell.epoch);
    }

    /// Ends the actor's task at its next `await`, and the requests that it has not begun.
    pub(crate) fn abort(&self, cell: &ActorCell<M>) {
        // First, so that the task does not take itself for one that was only stopped.
        cell.abort();
        self.stop(cell);
    }

    /// Takes what the actor has not fetched, counted as abandoned.
    fn abandon_unfetched(&self, cell: &ActorCell<M>) -> Vec<MessageEnvelope<M>> {
        // Under the lock under which accounts are read, so that none is in between.
        let _departures = self.departures.lock();
        let unfetched = cell.queue.drain_unfetched();
        unfetched.iter().for_each(|_| cell.tally.count(Outcome::Abandoned));
        unfetched
    }

    /// Forgets an actor that has left and ended, and keeps its account, once nothing of what it accepted is in hand
    /// any more.
    pub(crate) fn retire(&self, cell: &ActorCell<M>) {
        self.departures.lock().retire(&self.registry, cell);
    }

    /// Says that one of those who have to do with an actor's end is done. After the last, the actor has ended: forgets
    /// it, and tells those who watch.
    pub(crate) fn release(&self, cell: &ActorCell<M>) {
        if !cell.release() {
            return;
        }
        // In one step, so that whoever looks for the actor finds it alive or remembered.
        let mut departures = self.departures.lock();
        cell.leave();
        departures.retire(&self.registry, cell);
        let left = departures.end_leaving(cell);
        let news = self.endings.record(cell);
        drop(departures);
        drop(left);
        self.endings.tell(news);
        self.note_progress();
    }

    /// Watches the actor that is at an id or a name, or was the last to be.
    pub(super) fn watch(&self, address: &ActorAddress) -> Result<Watch, WatchError> {
        let departures = self.departures.lock();
        let there = match address {
            ActorAddress::Id(id) => self.registry.actor(*id),
            ActorAddress::Named(name) => self.registry.owner(name).or_else(|| departures.leaving.get(name).cloned()),
            ActorAddress::Service(_) | ActorAddress::Pool(_) => {
                return Err(WatchError::Group { address: address.clone() });
            }
        };
        match there {
            Some(cell) => Ok(self.endings.watch_in(self.bounds.take(Table::Watches)?, &cell)),
            None => {
                self.endings.remembered(address).ok_or_else(|| WatchError::NoSuchActor { address: address.clone() })
            }
        }
    }

    /// Whether a shutdown has come to its end.
    pub(super) fn has_closed(&self) -> bool {
        self.agenda.is_closed()
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.shut.load(Ordering::Acquire)
    }

    /// Refuses new actors from now on. Gives those there are.
    pub(super) fn shut(&self) -> Vec<Arc<ActorCell<M>>> {
        let departures = self.departures.lock();
        self.shut.store(true, Ordering::Release);
        let actors = self.all_actors(&departures);
        drop(departures);
        actors.iter().for_each(|cell| cell.queue.wake_for_keys());
        actors
    }

    /// The actors that have not ended.
    pub(super) fn actors(&self) -> Vec<Arc<ActorCell<M>>> {
        self.all_actors(&self.departures.lock())
    }

    fn all_actors(&self, departures: &Departures<M>) -> Vec<Arc<ActorCell<M>>> {
        let mut actors = self.registry.all();
        actors.extend(departures.displaced.values().cloned());
        actors
    }
}

/// Puts off the end of an actor for as long as it lives.
struct Hold<'a, M: Message> {
    hub: &'a Hub<M>,
    cell: &'a ActorCell<M>,
}

impl<'a, M: Message> Hold<'a, M> {
    /// `None` if the actor has ended.
    fn on(hub: &'a Hub<M>, cell: &'a ActorCell<M>) -> Option<Self> {
        cell.hold().then(|| Self { hub, cell })
    }
}

impl<M: Message> Drop for Hold<'_, M> {
    fn drop(&mut self) {
        self.hub.release(self.cell);
    }
}

impl<M: Message> Departures<M> {
    fn new() -> Self {
        Self {
            displaced: HashMap::default(),
            leaving: HashMap::default(),
            ended: Traffic::default(),
            timings: Timings::default(),
        }
    }

    fn retire(&mut self, registry: &ActorRegistry<M>, cell: &ActorCell<M>) {
        if cell.has_settled() && (registry.remove(cell) || self.displaced.remove(&cell.epoch).is_some()) {
            let groups = cell.joined.settle();
            groups.iter().chain([&cell.address]).for_each(|group| registry.settle_keys(group, cell.epoch));
            let (traffic, timings) = cell.close_account();
            self.ended.add(&traffic);
            self.timings.merge(&timings);
        }
    }

    /// Forgets that the actor is on its way out, if it was the latest at its name to be.
    fn end_leaving(&mut self, cell: &ActorCell<M>) -> Option<Arc<ActorCell<M>>> {
        let ActorAddress::Named(name) = &cell.address else { return None };
        self.leaving.get(name).is_some_and(|latest| latest.epoch == cell.epoch).then(|| self.leaving.remove(name))?
    }
}
