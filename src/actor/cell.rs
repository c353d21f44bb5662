use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::AbortHandle;

use super::{Epoch, Registration};
use crate::address::{ActorAddress, ActorId};
use crate::mailbox::{MailboxOptions, Queue};
use crate::message::Deadline;
use crate::metrics::{ActorMetrics, Outcome, Stopwatch, Tally, Timings, Traffic};

/// What the registry, the senders and the actor's own task share of one actor.
pub(crate) struct ActorCell<M> {
    pub(crate) id: ActorId,
    pub(crate) epoch: Epoch,
    pub(crate) address: ActorAddress,
    pub(crate) queue: Queue<M>,
    pub(crate) tally: Tally,
    pub(crate) stopwatch: Stopwatch,
    stopping: AtomicBool,
    ended: AtomicBool,
    departed: AtomicBool,
    /// Whether what it has counted has been added to the total of those that have ended.
    account_closed: AtomicBool,
    /// Whether a task of the broker's runs it.
    spawned: bool,
    task: OnceLock<AbortHandle>,
    aborting: AtomicBool,
}

impl<M> ActorCell<M> {
    pub(crate) fn new(id: ActorId, address: ActorAddress, mailbox: MailboxOptions, spawned: bool) -> Self {
        Self {
            id,
            epoch: Epoch::next(),
            address,
            queue: Queue::new(mailbox),
            tally: Tally::new(),
            stopwatch: Stopwatch::default(),
            stopping: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            departed: AtomicBool::new(false),
            account_closed: AtomicBool::new(false),
            spawned,
            task: OnceLock::new(),
            aborting: AtomicBool::new(false),
        }
    }

    pub(crate) fn registration(&self) -> Registration {
        Registration { address: self.address.clone(), actor: self.id, epoch: self.epoch }
    }

    /// Asks the actor to begin no further message. True if that is news.
    pub(crate) fn ask_to_stop(&self) -> bool {
        !self.stopping.swap(true, Ordering::AcqRel)
    }

    #[inline]
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Says that its mailbox is gone for good.
    pub(crate) fn end(&self) {
        // SeqCst, as what `Tally::put_down` does: of the last delivery that ends and the mailbox that goes, one sees
        // that the other has been.
        self.ended.store(true, Ordering::SeqCst);
    }

    /// Whether its mailbox is gone and nothing of what it accepted is in hand any more.
    pub(crate) fn has_settled(&self) -> bool {
        self.ended.load(Ordering::SeqCst) && self.tally.in_handler() == 0
    }

    /// Whether nothing that it accepted waits, is in hand, or is to come back.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_idle() && self.tally.in_handler() == 0
    }

    /// Says that its task has let go of all it owned.
    pub(crate) fn depart(&self) {
        self.departed.store(true, Ordering::Release);
    }

    pub(crate) fn has_departed(&self) -> bool {
        self.departed.load(Ordering::Acquire)
    }

    pub(crate) fn is_spawned(&self) -> bool {
        self.spawned
    }

    /// Names the task that runs it, once that is known.
    pub(crate) fn set_task(&self, task: AbortHandle) {
        let _ = self.task.set(task);
        // SeqCst with `abort`: one of the two sees what the other has set.
        if self.aborting.load(Ordering::SeqCst) {
            self.abort();
        }
    }

    /// Ends its task at the next `await`.
    pub(crate) fn abort(&self) {
        self.aborting.store(true, Ordering::SeqCst);
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }

    /// Notes the round trip of a request to it. False if its account is closed, and the total has to take it.
    pub(crate) fn record_round_trip(&self, nanos: u64) -> bool {
        // Relaxed: read under the stopwatch's lock, which whoever closes the account takes after the store.
        self.stopwatch.record_round_trip(nanos, || !self.account_closed.load(Ordering::Relaxed))
    }

    /// What it has counted. Nothing is added to it after this.
    pub(crate) fn close_account(&self) -> (Traffic, Timings) {
        self.account_closed.store(true, Ordering::Relaxed);
        (self.traffic(), self.stopwatch.timings())
    }

    pub(crate) fn traffic(&self) -> Traffic {
        // What comes out is read before what goes in, so that a message on its way is never counted twice.
        let mut outcomes = self.tally.outcomes();
        let in_handlers = self.tally.in_handler();
        let given_back = self.tally.given_back();
        let (counts, queued) = self.queue.counts();
        outcomes[Outcome::Evicted] += counts.evicted;
        let waits = self.queue.waits();
        Traffic {
            accepted: counts.accepted - given_back,
            outcomes,
            queued,
            in_handlers,
            waiting: 0,
            deepest_mailbox: counts.deepest,
            panics: self.tally.panics(),
            rebuilds: self.tally.rebuilds(),
            redeliveries: self.tally.redeliveries(),
            times_blocked: waits.times(),
            time_blocked: waits.time(Deadline::now()),
        }
    }

    pub(crate) fn metrics(&self) -> ActorMetrics {
        ActorMetrics {
            id: self.id,
            address: self.address.clone(),
            blocked_senders: self.queue.blocked_senders(),
            traffic: self.traffic(),
            timings: self.stopwatch.timings(),
        }
    }
}
