//! How tests have the checker run them.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use shuttle::rand::{RngCore, thread_rng};
use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

pub(crate) use shuttle::thread::{JoinHandle, scope, spawn};

/// By default so many schedules of each kind, as often as `SWITCHBOARD_SCHEDULES` says more.
const SCHEDULES: usize = 3_000;

/// How often a schedule that is made by priorities goes against them.
const CHANGES: usize = 3;

/// Bytes for the stack of each thread. Futures are large in builds that are not optimised.
const STACK: usize = 0x4_0000;

const SEED: u64 = 0x5eed;

/// Runs a test under schedules that are chosen by chance, half of them step by step, half by priorities of the threads that
/// change a few times (PCT: Burckhardt et al., 2010), which finds what takes one thread to be put aside for long.
pub(crate) fn check(test: impl Fn() + Send + Sync + 'static) {
    let test = Arc::new(test);
    let schedules = SCHEDULES * times();
    for step_by_step in [true, false] {
        let test = Arc::clone(&test);
        let seeded = move || {
            // Whom a pool's strategy picks is part of the schedule.
            fastrand::seed(thread_rng().next_u64());
            test();
        };
        if step_by_step {
            run(RandomScheduler::new_from_seed(SEED, schedules), seeded);
        } else {
            run(PctScheduler::new_from_seed(SEED, CHANGES, schedules), seeded);
        }
    }
}

/// Runs a test under every schedule there is. For a few steps only.
pub(crate) fn check_all(test: impl Fn() + Send + Sync + 'static) {
    run(DfsScheduler::new(None, false), test);
}

/// Waits for a future, which is polled again only when it was woken.
// The checker's own goes on for other reasons too, the end of a scope's last thread for one, and would hide that nobody
// has woken it.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let (mut future, mut wakes) = (pin!(future), None);
    shuttle::future::block_on(std::future::poll_fn(|cx| {
        let new = || Arc::new(Wakes { due: AtomicBool::new(true), waker: cx.waker().clone() });
        let wakes = wakes.get_or_insert_with(new);
        if !wakes.due.swap(false, Ordering::SeqCst) {
            return Poll::Pending;
        }
        future.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(wakes))))
    }))
}

/// Whether somebody has woken a future since it was polled last.
struct Wakes {
    due: AtomicBool,
    waker: Waker,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.due.store(true, Ordering::SeqCst);
        self.waker.wake_by_ref();
    }
}

fn run(scheduler: impl Scheduler + 'static, test: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    config.stack_size = STACK;
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(test);
}

fn times() -> usize {
    std::env::var("SWITCHBOARD_SCHEDULES").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}
