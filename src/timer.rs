//! One timer for all that a broker has to do by some time: end requests at their deadlines, and deliver what is due.
//!
//! A timer per request costs more than the request. Most requests are answered long before their deadline, so this
//! timer sleeps until the earliest time that it has heard of, and only then looks: it does what is due and sleeps
//! until the earliest of the rest. A request costs it one comparison. With equal timeouts it looks once per timeout,
//! however many requests come and go meanwhile; at worst, with deadlines spread out and none answered, once per
//! millisecond, which is as finely as tokio's clock wakes it.

use tokio::sync::Notify;

use crate::message::Deadline;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// When the timer is to look next, and what wakes it before that.
pub(crate) struct Timer {
    next: AtomicU64,
    earlier: Notify,
    runs: AtomicBool,
}

const NEVER: u64 = u64::MAX;

impl Timer {
    pub(crate) fn new() -> Self {
        Self { next: AtomicU64::new(NEVER), earlier: Notify::new(), runs: AtomicBool::new(false) }
    }

    /// Makes sure that the timer looks at `deadline` at the latest.
    #[inline]
    pub(crate) fn wake_by(&self, deadline: Deadline) {
        // SeqCst with the swap in `look`: that happens before the look takes the shard's lock, so an entry made after
        // the look has been through its shard finds the new value here.
        if deadline.nanos() < self.next.load(Ordering::SeqCst) {
            self.next.fetch_min(deadline.nanos(), Ordering::SeqCst);
            self.earlier.notify_one();
        }
    }

    /// Whether a task must be started that runs the timer. True once, until that task ends.
    #[inline]
    pub(crate) fn must_start(&self) -> bool {
        !self.runs.load(Ordering::Relaxed) && !self.runs.swap(true, Ordering::AcqRel)
    }

    /// Does what is due, if the earliest time has come: `work` does it and says when there is more.
    pub(crate) fn look(&self, work: impl FnOnce() -> Option<Deadline>) {
        if self.next.load(Ordering::SeqCst) > Deadline::now().nanos() {
            return;
        }
        self.next.swap(NEVER, Ordering::SeqCst);
        if let Some(next) = work() {
            self.next.fetch_min(next.nanos(), Ordering::SeqCst);
        }
    }

    /// Whether there is a task that runs the timer.
    pub(crate) fn runs(&self) -> bool {
        self.runs.load(Ordering::Acquire)
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

#[cfg(all(test, shuttle))]
mod interleavings;
#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Waker;
    use std::time::Duration;

    use tokio::time::{Instant, advance};

    use super::*;
    use crate::actor::Epoch;
    use crate::requests::{Ended, Pending, RequestTable};

    /// As finely as the clock wakes.
    const TICK: Duration = Duration::from_millis(1);

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn open(table: &RequestTable<u64>, timeout: Duration) -> Pending<'_, u64> {
        table.open(Epoch::next(), Some(Deadline::after(timeout)), Waker::noop().clone()).unwrap()
    }

    /// What the task does that runs the timer.
    async fn tend(table: &RequestTable<u64>) {
        loop {
            table.timer.wait().await;
            look(table);
        }
    }

    fn look(table: &RequestTable<u64>) {
        table.timer.look(|| table.expire());
    }

    /// How long the request takes to end, and how, while the timer runs.
    async fn ends(table: &RequestTable<u64>, pending: Pending<'_, u64>) -> (Duration, Result<u64, Ended>) {
        let began = Instant::now();
        tokio::select! {
            biased;
            () = tend(table) => unreachable!("the timer never ends by itself"),
            ended = pending => (began.elapsed(), ended),
        }
    }

    #[test]
    fn one_task_runs_the_timer_at_a_time() {
        let timer = Timer::new();
        assert!(timer.must_start());
        assert!(!timer.must_start() && !timer.must_start());
        timer.ended();
        assert!(timer.must_start());
        assert!(!timer.must_start());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_ends_at_its_deadline_and_not_before() {
        let table = RequestTable::new();
        let pending = open(&table, millis(50));
        let (after, ended) = ends(&table, pending).await;
        assert_eq!(ended, Err(Ended::TimedOut { begun: false }));
        assert!((millis(50)..=millis(50) + TICK).contains(&after), "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_ends_what_is_due_and_nothing_else() {
        let table = RequestTable::new();
        let [soon, later] = [10, 20].map(|timeout| open(&table, millis(timeout)));
        let ended = |pending: &Pending<'_, u64>| {
            table.poll(pending.key(), &std::task::Context::from_waker(Waker::noop())).is_ready()
        };
        advance(millis(9)).await;
        look(&table);
        assert!(!ended(&soon));
        advance(millis(1)).await;
        look(&table);
        assert!(ended(&soon) && !ended(&later));
        advance(millis(10)).await;
        look(&table);
        assert!(ended(&later));
    }

    #[tokio::test(start_paused = true)]
    async fn the_timer_sleeps_from_one_deadline_to_the_next() {
        let table = RequestTable::new();
        let _pending = [30, 10, 20].map(|timeout| open(&table, millis(timeout)));
        // The permit of the first deadline, which was news to it.
        table.timer.wait().await;
        for _ in 0..3 {
            let began = Instant::now();
            table.timer.wait().await;
            let slept = began.elapsed();
            assert!((millis(9)..=millis(10) + TICK).contains(&slept), "{slept:?}");
            look(&table);
        }
        let next = table.timer.next.load(Ordering::SeqCst);
        assert_eq!(next, NEVER);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_earlier_than_all_known_wakes_the_timer() {
        let table = Arc::new(RequestTable::new());
        let later = open(&table, millis(1_000));
        let tended = Arc::clone(&table);
        let tending = tokio::spawn(async move { tend(&tended).await });
        tokio::task::yield_now().await;
        let began = Instant::now();
        let sooner = open(&table, millis(10));
        assert_eq!(sooner.await, Err(Ended::TimedOut { begun: false }));
        assert!((millis(10)..=millis(10) + TICK).contains(&began.elapsed()), "{:?}", began.elapsed());
        assert_eq!(later.await, Err(Ended::TimedOut { begun: false }));
        assert!((millis(1_000)..=millis(1_000) + TICK).contains(&began.elapsed()), "{:?}", began.elapsed());
        tending.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_no_earlier_than_the_known_lets_the_timer_sleep() {
        let table = RequestTable::new();
        let _first = open(&table, millis(10));
        table.timer.wait().await;
        let mut wait = std::pin::pin!(table.timer.wait());
        let mut cx = std::task::Context::from_waker(Waker::noop());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        let _others = [10, 11, 500].map(|timeout| open(&table, millis(timeout)));
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        let _sooner = open(&table, millis(9));
        assert!(wait.as_mut().poll(&mut cx).is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answered_request_costs_the_timer_no_more_than_one_look() {
        let table = RequestTable::new();
        let pending = open(&table, millis(10));
        table.reply(pending.key(), 7);
        assert_eq!(pending.await, Ok(7));
        look(&table);
        assert_ne!(table.timer.next.load(Ordering::SeqCst), NEVER, "it looked before it was due");
        advance(millis(20)).await;
        look(&table);
        assert_eq!(table.timer.next.load(Ordering::SeqCst), NEVER);
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_without_end_never_passes() {
        let table = RequestTable::new();
        let mut endless = open(&table, Duration::MAX);
        let mut none = table.open(Epoch::next(), None, Waker::noop().clone()).unwrap();
        assert_eq!(table.timer.next.load(Ordering::SeqCst), NEVER);
        advance(Duration::from_secs(86_400)).await;
        assert_eq!(table.expire(), None);
        let mut cx = std::task::Context::from_waker(Waker::noop());
        assert!(std::pin::Pin::new(&mut endless).poll(&mut cx).is_pending());
        assert!(std::pin::Pin::new(&mut none).poll(&mut cx).is_pending());
    }

    #[tokio::test(start_paused = true)]
    async fn a_table_that_goes_away_wakes_its_timer() {
        let table = RequestTable::<u64>::new();
        let timer = Arc::clone(&table.timer);
        let began = Instant::now();
        let waiting = tokio::spawn(async move { timer.wait().await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(table);
        waiting.await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
