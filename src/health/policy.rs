use std::num::NonZeroU32;
use std::time::Duration;

/// When a member of a group is set aside, and for how long.
///
/// See [the module](crate::health).
///
/// ```
/// use std::time::Duration;
///
/// use switchboard::health::HealthPolicy;
///
/// const POLICY: HealthPolicy = HealthPolicy::failures(2).longest_hold(Duration::from_secs(5));
/// assert_eq!(POLICY.failures_in_a_row(), Some(2));
/// assert_eq!(POLICY.next_hold(Duration::from_secs(4)), Duration::from_secs(5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct HealthPolicy {
    failures: Option<NonZeroU32>,
    hold: Duration,
    longest: Duration,
}

impl HealthPolicy {
    /// Sets a member aside after so many failures in a row; 0 counts as 1. At first for a second, and for 30 at the
    /// longest.
    pub const fn failures(failures: u32) -> Self {
        let failures = match NonZeroU32::new(failures) {
            Some(failures) => failures,
            None => NonZeroU32::MIN,
        };
        Self { failures: Some(failures), ..Self::never() }
    }

    /// Sets nobody aside.
    pub const fn never() -> Self {
        Self { failures: None, hold: Duration::from_secs(1), longest: Duration::from_secs(30) }
    }

    /// Sets for how long a member is set aside at first.
    pub const fn hold(mut self, hold: Duration) -> Self {
        self.hold = hold;
        self
    }

    /// Sets for how long a member is set aside at the longest, however many trials fail. It limits the first hold too.
    pub const fn longest_hold(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// How many failures in a row set a member aside; `None` if none do.
    pub const fn failures_in_a_row(&self) -> Option<u32> {
        match self.failures {
            Some(failures) => Some(failures.get()),
            None => None,
        }
    }

    /// For how long a member is set aside at first.
    pub fn first_hold(&self) -> Duration {
        self.hold.min(self.longest)
    }

    /// For how long a member is set aside whose trial has failed after a hold of `hold`.
    pub fn next_hold(&self, hold: Duration) -> Duration {
        hold.saturating_mul(2).min(self.longest)
    }
}

impl Default for HealthPolicy {
    /// Five failures in a row; held for 1 s at first and 30 s at the longest.
    fn default() -> Self {
        Self::failures(5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn by_default_five_failures_count_and_holds_double_from_one_second_to_thirty() {
        let policy = HealthPolicy::default();
        assert_eq!(policy.failures_in_a_row(), Some(5));
        let holds = std::iter::successors(Some(policy.first_hold()), |&hold| Some(policy.next_hold(hold)));
        assert_eq!(holds.take(7).collect::<Vec<_>>(), [1, 2, 4, 8, 16, 30, 30].map(Duration::from_secs));
    }

    #[test]
    fn no_failure_at_all_counts_as_one_and_never_has_no_number() {
        assert_eq!(HealthPolicy::failures(0), HealthPolicy::failures(1));
        assert_eq!(HealthPolicy::never().failures_in_a_row(), None);
    }

    #[test]
    fn no_hold_is_longer_than_the_longest_and_none_overflows() {
        let policy = HealthPolicy::failures(1).hold(9 * SECOND).longest_hold(4 * SECOND);
        assert_eq!((policy.first_hold(), policy.next_hold(4 * SECOND)), (4 * SECOND, 4 * SECOND));
        let policy = policy.hold(Duration::MAX).longest_hold(Duration::MAX);
        assert_eq!((policy.first_hold(), policy.next_hold(Duration::MAX)), (Duration::MAX, Duration::MAX));
    }
}
