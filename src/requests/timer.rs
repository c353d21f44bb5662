//! One timer for all requests.
//!
//! A timer per request costs more than the request. Most requests are answered long before their deadline, so this
//! timer sleeps until the earliest deadline it has heard of, and only then looks through the table: it ends what is
//! due and sleeps until the earliest of the rest. A request costs it one comparison. With equal timeouts it looks
//! once per timeout, however many requests come and go meanwhile; at worst, with deadlines spread out and none
//! answered, once per millisecond, which is as finely as tokio's clock wakes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

use super::RequestTable;
use crate::message::Deadline;

/// When the timer is to look next, and what wakes it before that.
pub(crate) struct Timer {
    next: AtomicU64,
    earlier: Notify,
    runs: AtomicBool,
}

const NEVER: u64 = u64::MAX;

impl Timer {
    pub(super) fn new() -> Self {
        Self {
            next: AtomicU64::new(NEVER),
            earlier: Notify::new(),
            runs: AtomicBool::new(false),
        }
    }

    /// Makes sure that the timer looks at `deadline` at the latest.
    #[inline]
    pub(super) fn wake_by(&self, deadline: Deadline) {
        // SeqCst with the swap in `look`: that happens before the look takes the shard's lock, so an entry made after
        // the look has been through its shard finds the new value here.
        if deadline.nanos() < self.next.load(Ordering::SeqCst) {
            self.next.fetch_min(deadline.nanos(), Ordering::SeqCst);
            self.earlier.notify_one();
        }
    }

    /// Whether a task must be started that runs the timer. True once, until that task ends.
    #[inline]
    fn must_start(&self) -> bool {
        !self.runs.load(Ordering::Relaxed) && !self.runs.swap(true, Ordering::AcqRel)
    }

    /// Sleeps until a deadline may have passed. The caller looks, and waits again.
    pub(crate) async fn wait(&self) {
        let earlier = self.earlier.notified();
        match Deadline::from_nanos(self.next.load(Ordering::SeqCst)).instant() {
            None => earlier.await,
            // Woken early or not, the look goes by the clock.
            Some(next) => drop(tokio::time::timeout_at(next, earlier).await),
        }
    }

    /// Wakes the task that waits, so that it can see that the table is gone.
    pub(crate) fn wake(&self) {
        self.earlier.notify_one();
    }

    /// Says that the task that ran the timer has ended, so that the next request starts another.
    pub(crate) fn ended(&self) {
        self.runs.store(false, Ordering::Release);
    }
}

impl<M> RequestTable<M> {
    /// The timer, if the caller must start a task that waits for it and looks: once, until that task has ended.
    #[inline]
    pub(crate) fn timer_to_start(&self) -> Option<Arc<Timer>> {
        self.timer.must_start().then(|| Arc::clone(&self.timer))
    }

    /// Ends the requests whose deadlines have passed, if the earliest has.
    pub(crate) fn look(&self) {
        if self.timer.next.load(Ordering::SeqCst) > Deadline::now().nanos() {
            return;
        }
        self.timer.next.swap(NEVER, Ordering::SeqCst);
        if let Some(next) = self.expire() {
            self.timer.next.fetch_min(next.nanos(), Ordering::SeqCst);
        }
    }
}

impl<M> Drop for RequestTable<M> {
    fn drop(&mut self) {
        self.timer.wake();
    }
}
