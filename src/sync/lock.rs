//! The lock before what each message passes: a mailbox's messages, and a part of the request table.

use std::time::Duration;

use spin::mutex::{SpinMutex, SpinMutexGuard};

/// A lock for what is held for some tens of nanoseconds, and for each message.
///
/// What it costs when nobody else wants it is a large part of what a message costs. Letting go of it is a plain store,
/// where a lock that keeps a list of sleepers needs a second atomic exchange to find out about them. In return, whoever
/// finds it taken has to look again by itself: at once, then after letting other threads run, and in the end after short
/// sleeps, so that not even a holder that the system has put aside, at whatever priority, is kept from going on.
pub(crate) struct Lock<T>(SpinMutex<T>);

pub(crate) type Guard<'a, T> = SpinMutexGuard<'a, T>;

/// Looks in a row before other threads are let run. Few: under contention, going away for a moment lets the others work
/// in peace, which measured a third better with four senders than spinning on.
const SPINS: u32 = 4;

/// Looks before naps are taken.
const NAPS_FROM: u32 = 64;

const NAP: Duration = Duration::from_micros(50);

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(SpinMutex::new(value))
    }

    #[inline(always)]
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        match self.try_lock() {
            Some(guard) => guard,
            None => self.lock_patiently(),
        }
    }

    #[inline(always)]
    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        self.0.try_lock()
    }

    /// What is behind it, for the one that owns it.
    #[inline(always)]
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    #[cold]
    fn lock_patiently(&self) -> Guard<'_, T> {
        let mut looks = 0_u32;
        loop {
            if !self.0.is_locked()
                && let Some(guard) = self.try_lock()
            {
                return guard;
            }
            looks = looks.saturating_add(1);
            if looks < SPINS {
                std::hint::spin_loop();
            } else if looks < NAPS_FROM {
                std::thread::yield_now();
            } else {
                std::thread::sleep(NAP);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};

    use super::*;

    #[test]
    fn only_one_holds_it_at_a_time() {
        let count = Lock::new(0_u64);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50_000).for_each(|_| *count.lock() += 1));
            }
        });
        assert_eq!(*count.lock(), 200_000);
    }

    #[test]
    fn whoever_finds_it_taken_for_long_gets_it_in_the_end() {
        let (lock, taken) = (Arc::new(Lock::new(0)), Arc::new(Barrier::new(2)));
        let holder = std::thread::spawn({
            let (lock, taken) = (Arc::clone(&lock), Arc::clone(&taken));
            move || {
                let mut guard = lock.lock();
                taken.wait();
                // Longer than all looks that are not naps take.
                std::thread::park_timeout(NAP * 20);
                *guard = 1;
            }
        });
        taken.wait();
        assert_eq!(*lock.lock(), 1);
        holder.join().unwrap();
    }
}
