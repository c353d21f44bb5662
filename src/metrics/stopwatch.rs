use histogram::Histogram32;

use super::timing::{BUCKETS, clamped};
use crate::message::{Deadline, Stamp};
use crate::metrics::{Timing, Timings};
use crate::sync::Mutex;

/// Takes the timings of one actor. Nothing but two words until there is the first, then up to 4.5 KB.
///
/// One message in 64 comes here, from the actor's own task, and one request in 64 from its caller, so the lock is free.
#[derive(Default)]
pub(crate) struct Stopwatch(Mutex<Option<Box<Laps>>>);

#[cfg(not(shuttle))]
const _: () = assert!(size_of::<Stopwatch>() <= 2 * size_of::<usize>());

#[derive(Default)]
struct Laps {
    queued: Recording,
    handling: Recording,
    round_trip: Recording,
    /// When the actor's task began with the message in hand. Here, and not in every actor, since few are timed.
    began: Option<Deadline>,
}

impl Stopwatch {
    /// The actor's task begins with a message that was stamped.
    pub(crate) fn begin(&self, stamp: Stamp) {
        let now = Deadline::now();
        self.record(|laps| {
            laps.queued.add(stamp.nanos_before(now));
            laps.began = Some(now);
        });
    }

    /// The actor's task is done with it.
    pub(crate) fn end(&self) {
        let now = Deadline::now();
        self.record(|laps| {
            if let Some(began) = laps.began.take() {
                laps.handling.add(now.nanos_since(began));
            }
        });
    }

    /// A message that was stamped is taken in hand, perhaps while others are. Gives the moment, for
    /// [`put_down`](Self::put_down).
    pub(crate) fn take_in_hand(&self, stamp: Stamp) -> Deadline {
        let now = Deadline::now();
        self.record(|laps| laps.queued.add(stamp.nanos_before(now)));
        now
    }

    pub(crate) fn put_down(&self, taken: Deadline) {
        let nanos = Deadline::now().nanos_since(taken);
        self.record(|laps| laps.handling.add(nanos));
    }

    /// Notes a request's round trip if the account is still `open`, and says whether it was.
    pub(crate) fn record_round_trip(&self, nanos: u64, open: impl FnOnce() -> bool) -> bool {
        let mut laps = self.0.lock();
        let open = open();
        if open {
            laps.get_or_insert_default().round_trip.add(nanos);
        }
        open
    }

    pub(crate) fn timings(&self) -> Timings {
        self.0.lock().as_ref().map_or_else(Timings::default, |laps| Timings {
            queued: laps.queued.timing(),
            handling: laps.handling.timing(),
            round_trip: laps.round_trip.timing(),
        })
    }

    fn record(&self, record: impl FnOnce(&mut Laps)) {
        record(self.0.lock().get_or_insert_default());
    }
}

/// Durations as they are recorded: counted in 32 bits each, which is half the memory, until there are so many that they
/// might not suffice.
#[derive(Default)]
struct Recording {
    counts: Option<Histogram32>,
    counted: u32,
    /// What was counted before, and the sum of all.
    rest: Timing,
}

impl Recording {
    fn add(&mut self, nanos: u64) {
        if self.counted == u32::MAX {
            self.rest = self.timing();
            self.counts.iter_mut().for_each(Histogram32::reset);
            self.counted = 0;
        }
        self.counted += 1;
        let counts = self.counts.get_or_insert_with(|| Histogram32::with_config(&BUCKETS));
        // Never refused: see `clamped`.
        let _ = counts.increment(clamped(nanos));
        self.rest.add_nanos(nanos);
    }

    fn timing(&self) -> Timing {
        let mut timing = self.rest.clone();
        if let Some(counts) = &self.counts {
            timing.add_counts(counts);
        }
        timing
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn times_the_one_message_that_the_task_has_in_hand() {
        let watch = Stopwatch::default();
        let stamp = Stamp::now();
        tokio::time::advance(Duration::from_secs(5)).await;
        watch.begin(stamp);
        tokio::time::advance(Duration::from_secs(2)).await;
        watch.end();
        // Nothing was begun.
        watch.end();
        let timings = watch.timings();
        assert_eq!((timings.queued.count(), timings.handling.count(), timings.round_trip.count()), (1, 1, 0));
        assert_eq!(timings.handling.max(), Some(Duration::from_secs(2)));
        let queued = timings.queued.max().unwrap();
        assert!(queued >= Duration::from_secs(5) && queued < Duration::from_micros(5_000_009), "{queued:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn times_each_of_several_in_hand() {
        let watch = Stopwatch::default();
        let first = watch.take_in_hand(Stamp::now());
        tokio::time::advance(Duration::from_secs(1)).await;
        let second = watch.take_in_hand(Stamp::now());
        tokio::time::advance(Duration::from_secs(1)).await;
        watch.put_down(first);
        tokio::time::advance(Duration::from_secs(2)).await;
        watch.put_down(second);
        let handling = watch.timings().handling;
        assert_eq!(
            (handling.count(), handling.sum(), handling.max()),
            (2, Duration::from_secs(5), Some(Duration::from_secs(3)))
        );
    }

    #[test]
    fn a_round_trip_counts_only_while_the_account_is_open() {
        let watch = Stopwatch::default();
        assert!(!watch.record_round_trip(7, || false));
        assert_eq!(watch.timings(), Timings::default());
        assert!(watch.record_round_trip(7, || true));
        assert_eq!(watch.timings().round_trip, Timing::of(7));
    }

    #[test]
    fn more_than_32_bits_can_count_are_counted_all_the_same() {
        let mut recording = Recording::default();
        let mut full = Histogram32::with_config(&BUCKETS);
        full.add(7, u32::MAX).unwrap();
        (recording.counts, recording.counted) = (Some(full), u32::MAX);
        for _ in 0..3 {
            recording.add(7);
        }
        assert_eq!(recording.timing().count(), u64::from(u32::MAX) + 3);
        assert_eq!(recording.timing().buckets().count(), 1);
    }
}
