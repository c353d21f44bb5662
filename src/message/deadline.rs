use std::num::NonZeroU64;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::time::Instant;

/// A point on the monotonic clock in eight bytes, none of them spent when there is none.
///
/// Nanoseconds since the first use in this process, which lasts for 584 years. It exists because an
/// `Option<Instant>` takes sixteen bytes of every envelope.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Deadline(NonZeroU64);

/// An hour before the first use, so that a clock paused earlier than that still counts upwards from zero.
static ORIGIN: LazyLock<std::time::Instant> = LazyLock::new(|| {
    let now = std::time::Instant::now();
    // A machine that has just started may not have an instant that lies so far back.
    now.checked_sub(Duration::from_secs(3_600)).unwrap_or(now)
});

impl Deadline {
    /// A deadline that has passed whatever the clock says: what a timeout of zero becomes.
    pub(crate) const PASSED: Self = Self(NonZeroU64::MIN);

    /// The end of time: what a duration too long to add becomes.
    pub(crate) const NEVER: Self = Self(NonZeroU64::MAX);

    pub(crate) fn at(instant: Instant) -> Self {
        let since = instant.into_std().saturating_duration_since(*ORIGIN);
        let nanos = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        Self(NonZeroU64::new(nanos).unwrap_or(NonZeroU64::MIN))
    }

    /// `timeout` from now; [`NEVER`](Self::NEVER) where the clock can't count so far, [`PASSED`](Self::PASSED) if it is
    /// zero.
    pub(crate) fn after(timeout: Duration) -> Self {
        if timeout.is_zero() {
            return Self::PASSED;
        }
        Instant::now().checked_add(timeout).map_or(Self::NEVER, Self::at)
    }

    /// `time` after this; [`NEVER`](Self::NEVER) where that can't be counted.
    pub(crate) fn plus(self, time: Duration) -> Self {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self::from_nanos(self.0.get().saturating_add(time))
    }

    /// How long ago this was; zero if it has not been yet.
    pub(crate) fn elapsed(self) -> Duration {
        Duration::from_nanos(Self::now().nanos().saturating_sub(self.nanos()))
    }

    pub(crate) fn now() -> Self {
        Self::at(Instant::now())
    }

    /// The instant this stands for. `None` for [`NEVER`](Self::NEVER) and whatever the clock can't count to.
    pub(crate) fn instant(self) -> Option<Instant> {
        if self == Self::NEVER {
            return None;
        }
        ORIGIN.checked_add(Duration::from_nanos(self.0.get())).map(Instant::from_std)
    }

    pub(crate) fn has_passed(self) -> bool {
        self != Self::NEVER && self <= Self::now()
    }

    pub(crate) fn nanos(self) -> u64 {
        self.0.get()
    }

    /// The nanoseconds from `earlier` to this; zero if it is not earlier.
    pub(crate) fn nanos_since(self, earlier: Self) -> u64 {
        self.nanos().saturating_sub(earlier.nanos())
    }

    pub(crate) fn from_nanos(nanos: u64) -> Self {
        Self(NonZeroU64::new(nanos).unwrap_or(NonZeroU64::MIN))
    }

    /// The earlier of two deadlines, where none is later than any.
    pub(crate) fn earlier(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}

const _: () = assert!(size_of::<Option<Deadline>>() == 8);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn counts_on_the_clock_that_tests_pause() {
        let deadline = Deadline::after(Duration::from_millis(10));
        assert!(!deadline.has_passed());
        tokio::time::advance(Duration::from_nanos(9_999_999)).await;
        assert!(!deadline.has_passed());
        tokio::time::advance(Duration::from_nanos(1)).await;
        assert!(deadline.has_passed());
    }

    #[test]
    fn comes_back_as_the_instant_it_was_made_of() {
        let instant = Instant::now() + Duration::from_secs(7);
        assert_eq!(Deadline::at(instant).instant(), Some(instant));
    }

    #[test]
    fn a_timeout_too_long_to_add_never_passes() {
        let deadline = Deadline::after(Duration::MAX);
        assert_eq!(deadline, Deadline::NEVER);
        assert!(!deadline.has_passed());
        assert_eq!(deadline.instant(), None);
    }

    #[test]
    fn no_time_at_all_has_always_passed() {
        assert_eq!(Deadline::after(Duration::ZERO), Deadline::PASSED);
        assert!(Deadline::PASSED.has_passed());
    }

    #[test]
    fn the_earlier_of_two_ignores_none() {
        let (soon, late) = (Deadline::from_nanos(1), Deadline::from_nanos(2));
        assert_eq!(Deadline::earlier(Some(late), Some(soon)), Some(soon));
        assert_eq!(Deadline::earlier(None, Some(late)), Some(late));
        assert_eq!(Deadline::earlier(Some(late), None), Some(late));
        assert_eq!(Deadline::earlier(None, None), None);
    }
}
