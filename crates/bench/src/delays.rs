//! How late messages come, by the schedule that they were to be sent on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// The longest delay that is told from longer ones.
const LONGEST: Duration = Duration::from_secs(60);

/// A schedule's beginning, and the nanoseconds by which each message came after its time.
pub struct Delays {
    started: Instant,
    noted: Mutex<Histogram<u64>>,
}

impl Delays {
    pub fn from_now() -> Arc<Self> {
        Arc::new(Self { started: Instant::now(), noted: Mutex::new(none()) })
    }

    /// Nanoseconds since the schedule began.
    pub fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// When so many nanoseconds of the schedule are over.
    pub fn instant(&self, nanoseconds: u64) -> Instant {
        self.started + Duration::from_nanos(nanoseconds)
    }

    /// A message that was due at `due` is here.
    pub fn note(&self, due: u64) {
        let delay = self.now().saturating_sub(due);
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(delay);
    }

    /// Begins anew.
    pub fn forget(&self) {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).reset();
    }

    /// All that were noted.
    pub fn noted(&self) -> Histogram<u64> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Without a delay yet. What goes in is exact to three digits.
pub fn none() -> Histogram<u64> {
    let longest = u64::try_from(LONGEST.as_nanos()).expect("a minute has few nanoseconds");
    Histogram::new_with_bounds(1, longest, 3).expect("the bounds are in order")
}
