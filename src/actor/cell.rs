use std::sync::{Arc, OnceLock};

use chrono::Utc;

use super::rest::Rest;
use super::waits::Waits;
use super::{ActorEnd, ActorKey, Epoch, Registration, StopCause};
use crate::address::{ActorAddress, ActorId};
use crate::health::{Health, HealthPolicy};
use crate::mailbox::{MailboxOptions, Queue};
use crate::message::Deadline;
use crate::metrics::{ActorMetrics, Outcome, Stopwatch, Tally, Timings, Traffic};
use crate::services::Joined;
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, Ordering};
use crate::sync::{AbortHandle, Mutex};

/// What the registry, the senders and the actor's own task share of one actor.
// The first two in this order, so that the end of the one, which the actor's task writes for each message, is beside the
// beginning of the other, which it writes too.
#[repr(C)]
pub(crate) struct ActorCell<M> {
    pub(crate) queue: Queue<M>,
    pub(crate) tally: Tally,
    pub(crate) id: ActorId,
    pub(crate) epoch: Epoch,
    pub(crate) address: ActorAddress,
    pub(crate) stopwatch: Stopwatch,
    /// What its handler waits for.
    pub(crate) waits: Waits,
    /// The groups that it is in besides that of its address.
    pub(crate) joined: Joined,
    pub(crate) health: Health,
    stopping: AtomicBool,
    /// Who closed its mailbox first: [`OPEN`], [`DRAINED`] or [`UNREGISTERED`].
    closing: AtomicU8,
    left: AtomicBool,
    departed: AtomicBool,
    /// Whether what it has counted has been added to the total of those that have ended.
    account_closed: AtomicBool,
    /// Whether a task of the broker's runs it.
    spawned: bool,
    aborting: AtomicBool,
    /// How many have to do with its end: its task or its inbox, and whoever stops it, for as long as that takes.
    holds: AtomicU16,
    /// How large its share of the messages of its group is, where that goes by weights.
    pub(crate) weight: u32,
    task: Mutex<CurrentTask>,
    pub(crate) rest: Rest,
    /// How it ends, from when that is certain.
    end: OnceLock<Arc<ActorEnd>>,
}

/// The task that runs an actor. There is one after the other if the actor hibernates now and then.
#[derive(Default)]
struct CurrentTask {
    turn: u32,
    handle: Option<AbortHandle>,
}

// There may be a million of them.
#[cfg(all(target_pointer_width = "64", not(shuttle)))]
const _: () = assert!(size_of::<ActorCell<u64>>() <= 400);

const OPEN: u8 = 0;
const DRAINED: u8 = 1;
const UNREGISTERED: u8 = 2;

impl<M> ActorCell<M> {
    pub(crate) fn new(id: ActorId, address: ActorAddress, mailbox: MailboxOptions, spawned: bool) -> Self {
        Self {
            id,
            epoch: Epoch::next(),
            address,
            queue: Queue::new(mailbox),
            weight: 1,
            tally: Tally::new(),
            stopwatch: Stopwatch::default(),
            waits: Waits::new(),
            joined: Joined::default(),
            health: Health::default(),
            stopping: AtomicBool::new(false),
            closing: AtomicU8::new(OPEN),
            left: AtomicBool::new(false),
            departed: AtomicBool::new(false),
            account_closed: AtomicBool::new(false),
            holds: AtomicU16::new(1),
            spawned,
            task: Mutex::new(CurrentTask::default()),
            rest: Rest::new(),
            aborting: AtomicBool::new(false),
            end: OnceLock::new(),
        }
    }

    pub(crate) fn weighing(self, weight: u32) -> Self {
        Self { weight, ..self }
    }

    pub(crate) fn judged_by(self, policy: Option<HealthPolicy>) -> Self {
        Self { health: Health::by(policy), ..self }
    }

    /// About how many messages it has before it: those that wait, and those in hand. Takes no lock.
    #[inline]
    pub(crate) fn load(&self) -> usize {
        self.queue.depth_at_a_glance() + self.tally.in_handler()
    }

    pub(crate) fn key(&self) -> ActorKey {
        ActorKey { id: self.id, epoch: self.epoch }
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

    /// Notes that its mailbox is about to close, and whether that is unregistering. True if it is the first to.
    pub(crate) fn begin_closing(&self, unregistered: bool) -> bool {
        let closing = if unregistered { UNREGISTERED } else { DRAINED };
        self.closing.compare_exchange(OPEN, closing, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Whether it is about to close its mailbox, or has.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire) != OPEN
    }

    /// Why it ends if nothing happens but that its mailbox was closed.
    pub(crate) fn cause_of_closing(&self) -> StopCause {
        match self.closing.load(Ordering::Acquire) {
            UNREGISTERED => StopCause::Unregistered,
            _ => StopCause::Drained,
        }
    }

    /// Notes why it ends. What was noted first stays.
    pub(crate) fn end_because(&self, cause: StopCause) -> &Arc<ActorEnd> {
        let end = || ActorEnd { actor: self.id, address: self.address.clone(), cause, at: Utc::now() };
        self.end.get_or_init(|| Arc::new(end()))
    }

    /// Puts off its end until [`release`](Self::release). False if it has ended.
    pub(crate) fn hold(&self) -> bool {
        let one_more = |holds: u16| (holds > 0).then(|| holds + 1);
        self.holds.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok()
    }

    /// True if nobody has to do with its end any more.
    pub(crate) fn release(&self) -> bool {
        self.holds.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Says that it has let go of all it owned.
    pub(crate) fn leave(&self) {
        // SeqCst, as what `Tally::put_down` does: of the last delivery that ends and the actor that goes, one sees that
        // the other has been.
        self.left.store(true, Ordering::SeqCst);
    }

    /// Whether it has left and nothing of what it accepted is in hand any more.
    pub(crate) fn has_settled(&self) -> bool {
        self.left.load(Ordering::SeqCst) && self.tally.in_handler() == 0
    }

    /// Whether nothing that it accepted waits, is in hand, or is to come back.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_idle() && self.tally.in_handler() == 0
    }

    /// Makes its end known.
    pub(crate) fn depart(&self) -> &Arc<ActorEnd> {
        // A task that was not ended from outside has noted its cause.
        let end = self.end_because(if self.spawned { StopCause::Aborted } else { self.cause_of_closing() });
        self.departed.store(true, Ordering::Release);
        end
    }

    pub(crate) fn has_departed(&self) -> bool {
        self.departed.load(Ordering::Acquire)
    }

    /// Its end, if that is known.
    pub(crate) fn end(&self) -> Option<&Arc<ActorEnd>> {
        if self.has_departed() { self.end.get() } else { None }
    }

    pub(crate) fn is_spawned(&self) -> bool {
        self.spawned
    }

    /// Says that another task is about to run it. Gives what [`set_task`](Self::set_task) is to be told.
    pub(crate) fn begin_task(&self) -> u32 {
        let mut task = self.task.lock();
        task.turn = task.turn.wrapping_add(1);
        task.turn
    }

    /// Names the task that runs it, once that is known. It may be over by then, and the next be there.
    pub(crate) fn set_task(&self, turn: u32, handle: AbortHandle) {
        let mut task = self.task.lock();
        if task.turn == turn {
            task.handle = Some(handle);
        }
        drop(task);
        // SeqCst with `abort`: one of the two sees what the other has set.
        if self.is_aborting() {
            self.abort();
        }
    }

    /// Whether its task is to end in the middle of whatever it does.
    pub(crate) fn is_aborting(&self) -> bool {
        self.aborting.load(Ordering::SeqCst)
    }

    /// Ends its task at the next `await`.
    pub(crate) fn abort(&self) {
        self.aborting.store(true, Ordering::SeqCst);
        let handle = self.task.lock().handle.clone();
        if let Some(handle) = handle {
            handle.abort();
        }
    }

    /// Its task ends, and there is to be another when there is something to do.
    pub(super) fn begin_rest(&self) {
        self.rest.set_dormant(true);
        let mut task = self.task.lock();
        task.turn = task.turn.wrapping_add(1);
        // It would keep the task's memory.
        let handle = task.handle.take();
        drop(task);
        drop(handle);
    }

    /// Whether it has done nothing for a while.
    #[inline]
    pub(super) fn may_rest(&self) -> bool {
        self.rest.is_due(self.tally.handled())
    }

    /// Has it rest if it has done nothing since this was last called. False if it need not be called again for the time
    /// being.
    pub(crate) fn look_after(&self) -> bool {
        if self.has_departed() || self.rest.unlist() {
            return false;
        }
        if !self.may_rest() {
            self.rest.note(self.tally.handled());
        } else if self.is_idle() {
            self.queue.wake_receiver();
        }
        true
    }

    /// Notes the round trip of a request to it. False if its account is closed, and the total has to take it.
    pub(crate) fn record_round_trip(&self, nanos: u64) -> bool {
        // Relaxed: read under the stopwatch's lock, which whoever closes the account takes after the store.
        self.stopwatch.record_round_trip(nanos, || !self.account_closed.load(Ordering::Relaxed))
    }

    /// Counts that a message which was refused is offered to it again. False if its account is closed, and the total has to
    /// take it. Asked under the lock under which accounts are closed.
    pub(crate) fn count_retry(&self) -> bool {
        let counts = !self.account_closed.load(Ordering::Relaxed);
        if counts {
            self.tally.count_retry();
        }
        counts
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
            retries: self.tally.retries(),
            times_blocked: waits.times(),
            time_blocked: waits.time(Deadline::now()),
        }
    }

    pub(crate) fn metrics(&self) -> ActorMetrics {
        ActorMetrics {
            id: self.id,
            address: self.address.clone(),
            blocked_senders: self.queue.blocked_senders(),
            hibernates: self.rest.is_dormant(),
            set_aside: self.health.is_aside(),
            times_set_aside: self.health.times_aside(),
            traffic: self.traffic(),
            timings: self.stopwatch.timings(),
        }
    }
}

#[cfg(all(test, shuttle))]
mod interleavings;
