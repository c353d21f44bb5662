use tokio::time::Instant;

use super::HealthPolicy;
use super::standing::Standing;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU8, Ordering};

/// How one actor stands, as its own task and all senders see it. A few words until its handler first fails.
#[derive(Default)]
pub(crate) struct Health {
    /// [`WELL`], [`FAILING`] or [`ASIDE`]: what nearly everybody needs to know. Written under the lock.
    state: AtomicU8,
    record: Mutex<Option<Box<Record>>>,
}

#[cfg(not(shuttle))]
const _: () = assert!(size_of::<Health>() <= 3 * size_of::<usize>());

#[derive(Default)]
struct Record {
    /// Its own, in place of the broker's.
    policy: Option<HealthPolicy>,
    standing: Standing,
}

const WELL: u8 = 0;
const FAILING: u8 = 1;
const ASIDE: u8 = 2;

impl Health {
    /// Goes by `policy`, if there is one, in place of the broker's.
    pub(crate) fn by(policy: Option<HealthPolicy>) -> Self {
        let record = policy.map(|policy| Box::new(Record { policy: Some(policy), ..Record::default() }));
        Self { record: Mutex::new(record), ..Self::default() }
    }

    /// Its handler has handled a message.
    #[inline]
    pub(crate) fn succeeded(&self) {
        // Relaxed: of a spawned actor the same task wrote it. By hand, a failure in another thread at the same moment may
        // as well have come after this.
        if self.state.load(Ordering::Relaxed) != WELL {
            self.recover();
        }
    }

    /// Its handler has failed. True if it is set aside just now. `default` is the broker's policy.
    #[cold]
    pub(crate) fn failed(&self, now: Instant, default: &HealthPolicy) -> bool {
        let mut record = self.record.lock();
        let policy = record.as_ref().and_then(|record| record.policy).unwrap_or(*default);
        if policy.failures_in_a_row().is_none() {
            return false;
        }
        let standing = &mut record.get_or_insert_default().standing;
        let news = standing.failed(now, &policy);
        // Relaxed: whoever learns of this failure does so by what is written after it and read with `Acquire`.
        self.state.store(if standing.is_aside() { ASIDE } else { FAILING }, Ordering::Relaxed);
        news
    }

    #[inline]
    pub(crate) fn is_aside(&self) -> bool {
        self.state.load(Ordering::Relaxed) == ASIDE
    }

    /// How often it has been set aside.
    pub(crate) fn times_aside(&self) -> u64 {
        self.record.lock().as_ref().map_or(0, |record| record.standing.times_aside())
    }

    /// Whether it is not set aside, or a trial is due. Reads the clock only if it is.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        !self.is_aside() || self.is_trial_due()
    }

    /// As [`is_open`](Self::is_open), where the message that is about to go to it is the trial, if one was due.
    #[inline]
    pub(crate) fn claim(&self) -> bool {
        !self.is_aside() || self.claim_trial()
    }

    #[cold]
    pub(crate) fn is_trial_due(&self) -> bool {
        let now = Instant::now();
        self.record.lock().as_ref().is_none_or(|record| record.standing.is_open(now))
    }

    #[cold]
    fn claim_trial(&self) -> bool {
        let now = Instant::now();
        self.record.lock().as_mut().is_none_or(|record| record.standing.claim(now))
    }

    #[cold]
    fn recover(&self) {
        let mut record = self.record.lock();
        if let Some(record) = &mut *record {
            record.standing.succeeded();
        }
        self.state.store(WELL, Ordering::Relaxed);
    }
}
