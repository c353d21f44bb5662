use std::time::Duration;

use crate::message::Deadline;

/// How often senders have waited for room, and for how long, all of them together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waits {
    times: u64,
    /// What those took that have ended.
    ended: Duration,
    /// Those that go on.
    open: u64,
    /// The moments at which those began, added up, so that nobody has to walk along the line to say how long they have
    /// taken.
    began: u128,
}

impl Waits {
    pub(super) const fn new() -> Self {
        Self { times: 0, ended: Duration::ZERO, open: 0, began: 0 }
    }

    pub(super) fn begin(&mut self, now: Deadline) {
        self.times += 1;
        self.open += 1;
        self.began += u128::from(now.nanos());
    }

    /// Ends the wait that began at `since`, unless all have been ended.
    pub(super) fn end(&mut self, since: Deadline, now: Deadline) {
        if self.open > 0 {
            self.open -= 1;
            self.began -= u128::from(since.nanos());
            self.ended = self.ended.saturating_add(Duration::from_nanos(now.nanos_since(since)));
        }
    }

    /// Ends all that go on. None begins after that.
    pub(super) fn end_all(&mut self, now: Deadline) {
        *self = Self { times: self.times, ended: self.time(now), open: 0, began: 0 };
    }

    /// How often senders began to wait.
    pub(crate) fn times(&self) -> u64 {
        self.times
    }

    /// How long they have waited, those included that still do.
    pub(crate) fn time(&self, now: Deadline) -> Duration {
        let open = (u128::from(self.open) * u128::from(now.nanos())).saturating_sub(self.began);
        self.ended.saturating_add(Duration::from_nanos(u64::try_from(open).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Deadline {
        Deadline::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn adds_up_what_has_ended_and_what_goes_on() {
        let mut waits = Waits::new();
        waits.begin(at(10));
        waits.begin(at(12));
        assert_eq!((waits.times(), waits.time(at(15))), (2, Duration::from_secs(5 + 3)));
        waits.end(at(10), at(16));
        assert_eq!((waits.times(), waits.time(at(20))), (2, Duration::from_secs(6 + 8)));
        waits.end(at(12), at(20));
        assert_eq!((waits.times(), waits.time(at(100))), (2, Duration::from_secs(6 + 8)));
    }

    #[test]
    fn what_was_ended_with_all_is_not_ended_again() {
        let mut waits = Waits::new();
        waits.begin(at(10));
        waits.begin(at(11));
        waits.end_all(at(13));
        waits.end(at(10), at(20));
        waits.end(at(11), at(20));
        assert_eq!((waits.times(), waits.time(at(30))), (2, Duration::from_secs(3 + 2)));
    }

    #[test]
    fn a_clock_that_was_read_before_the_wait_began_counts_nothing() {
        let mut waits = Waits::new();
        waits.begin(at(10));
        assert_eq!(waits.time(at(9)), Duration::ZERO);
        waits.end(at(10), at(9));
        assert_eq!(waits.time(at(20)), Duration::ZERO);
    }
}
