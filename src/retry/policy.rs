use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::retry::{Backoff, Failure, Failures, Jitter};

/// How often, how long and after what a message is tried again.
///
/// Only failures that never ran are retried by themselves; [`Failure::Failed`] and [`Failure::Panicked`] matter only
/// for a message that is sent at least once. See [the module](crate::retry).
///
/// ```
/// use std::time::Duration;
///
/// use switchboard::retry::{Backoff, Failure, Jitter, RetryPolicy};
///
/// let every_second = RetryPolicy::unlimited()
///     .backoff(Backoff::fixed(Duration::from_secs(1)))
///     .within(Duration::from_secs(60));
///
/// let mut jitter = Jitter::seeded(7);
/// let mut after = |seconds| every_second.next_delay(9, Duration::from_secs(seconds), Failure::Nobody, &mut jitter);
/// assert_eq!(after(59), Some(Duration::from_secs(1)));
/// assert_eq!(after(60), None);
/// ```
///
/// Read by serde, a `max_attempts` of zero and fields that this version does not know are refused. Leaving out
/// `max_attempts` or `within` means no such limit, as `null` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct RetryPolicy {
    max_attempts: Option<NonZeroU32>,
    within: Option<Duration>,
    on: Failures,
    backoff: Backoff,
}

/// The attempts of the default policy.
const DEFAULT_ATTEMPTS: u32 = 5;

/// The first ceiling of the backoff unless something else is asked for.
const DEFAULT_BASE: Duration = Duration::from_millis(100);

impl RetryPolicy {
    /// At most `max` attempts in all, the first included; 0 counts as 1. Between them an
    /// [exponential](Backoff::exponential) backoff from 100 ms.
    pub const fn attempts(max: u32) -> Self {
        let max = match NonZeroU32::new(max) {
            Some(max) => max,
            None => NonZeroU32::MIN,
        };
        Self { max_attempts: Some(max), ..Self::unlimited() }
    }

    /// One attempt, and none after it.
    pub const fn never() -> Self {
        Self::attempts(1)
    }

    /// Any number of attempts: only [`within`](Self::within) and the message's own deadline end them. Between them an
    /// [exponential](Backoff::exponential) backoff from 100 ms.
    pub const fn unlimited() -> Self {
        Self { max_attempts: None, within: None, on: Failures::ALL, backoff: Backoff::exponential(DEFAULT_BASE) }
    }

    /// Sets how long to wait between attempts.
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Limits how long it may all take: no attempt begins later than `overall` after the first began.
    pub const fn within(mut self, overall: Duration) -> Self {
        self.within = Some(overall);
        self
    }

    /// Sets which failures are followed by another attempt, in place of all.
    pub const fn on(mut self, failures: Failures) -> Self {
        self.on = failures;
        self
    }

    /// How many attempts there are at most, the first included; `None` if there is no limit.
    pub const fn max_attempts(&self) -> Option<u32> {
        match self.max_attempts {
            Some(max) => Some(max.get()),
            None => None,
        }
    }

    /// How long after the first attempt the last may begin; `None` if there is no limit.
    pub const fn overall(&self) -> Option<Duration> {
        self.within
    }

    /// Which failures are followed by another attempt.
    pub const fn retries_on(&self) -> Failures {
        self.on
    }

    /// How long to wait between attempts.
    pub const fn backoff_policy(&self) -> Backoff {
        self.backoff
    }

    /// Decides what follows when `attempt` has just failed, `elapsed` after the first began: how long to wait before
    /// the next attempt, or `None` if that was the last.
    ///
    /// The first attempt is 1, and 0 counts as that. It was the last if there are no more attempts, if `failure` is
    /// not one to go on after, or if the delay that the backoff came to would end later than [`within`](Self::within)
    /// allows.
    pub fn next_delay(
        &self,
        attempt: u32,
        elapsed: Duration,
        failure: Failure,
        jitter: &mut Jitter,
    ) -> Option<Duration> {
        if !self.goes_on(attempt, failure) {
            return None;
        }
        self.if_in_time(elapsed, self.backoff.delay(attempt, jitter))
    }

    /// As [`next_delay`](Self::next_delay), where the handler named the delay itself: `asked` takes the place of the
    /// backoff, so there is no jitter and no cap. All else that ends a policy ends it here too.
    pub fn next_delay_of(
        &self,
        attempt: u32,
        elapsed: Duration,
        failure: Failure,
        asked: Duration,
    ) -> Option<Duration> {
        if !self.goes_on(attempt, failure) {
            return None;
        }
        self.if_in_time(elapsed, asked)
    }

    fn goes_on(&self, attempt: u32, failure: Failure) -> bool {
        let attempts_left = self.max_attempts.is_none_or(|max| attempt.max(1) < max.get());
        attempts_left && self.on.contains(failure)
    }

    fn if_in_time(&self, elapsed: Duration, delay: Duration) -> Option<Duration> {
        let in_time = self.within.is_none_or(|overall| elapsed.saturating_add(delay) <= overall);
        in_time.then_some(delay)
    }
}

impl Default for RetryPolicy {
    /// Five attempts, between which 1.5 s pass at most.
    fn default() -> Self {
        Self::attempts(DEFAULT_ATTEMPTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Duration = Duration::from_millis(10);

    /// The moments at which attempts begin if all fail with `failure` at once.
    fn attempts(policy: RetryPolicy, failure: Failure) -> Vec<Duration> {
        let mut jitter = Jitter::seeded(1);
        let mut begun = vec![Duration::ZERO];
        while let Some(delay) = policy.next_delay(begun.len() as u32, begun[begun.len() - 1], failure, &mut jitter) {
            begun.push(begun[begun.len() - 1] + delay);
        }
        begun
    }

    #[test]
    fn there_are_as_many_attempts_as_it_says_and_never_means_one() {
        for (policy, expected) in [
            (RetryPolicy::attempts(7), 7),
            (RetryPolicy::attempts(1), 1),
            (RetryPolicy::attempts(0), 1),
            (RetryPolicy::never(), 1),
            (RetryPolicy::default(), 5),
        ] {
            assert_eq!(policy.max_attempts(), Some(expected));
            assert_eq!(attempts(policy, Failure::Full).len(), expected as usize);
        }
        assert_eq!(RetryPolicy::never(), RetryPolicy::attempts(0));
    }

    #[test]
    fn attempt_zero_counts_as_the_first() {
        let mut jitter = Jitter::seeded(1);
        assert_eq!(RetryPolicy::never().next_delay(0, TEN, Failure::Full, &mut jitter), None);
        assert_eq!(RetryPolicy::never().next_delay_of(0, TEN, Failure::Full, TEN), None);
        assert_eq!(RetryPolicy::attempts(2).next_delay_of(0, TEN, Failure::Full, TEN), Some(TEN));
    }

    #[test]
    fn without_a_limit_only_the_overall_deadline_ends_it() {
        let policy = RetryPolicy::unlimited().backoff(Backoff::fixed(TEN));
        assert_eq!((policy.max_attempts(), policy.overall()), (None, None));
        let far = policy.next_delay(u32::MAX, Duration::MAX, Failure::Full, &mut Jitter::seeded(1));
        assert_eq!(far, Some(TEN));
        let expected: Vec<_> = (0..10).map(|turn| turn * TEN).collect();
        // An attempt may begin at the very end, and not a nanosecond later.
        assert_eq!(attempts(policy.within(9 * TEN), Failure::Full), expected);
        assert_eq!(attempts(policy.within(10 * TEN - Duration::from_nanos(1)), Failure::Full), expected);
    }

    #[test]
    fn only_the_chosen_failures_are_followed_by_another_attempt() {
        let policy = RetryPolicy::attempts(3);
        assert_eq!(policy.retries_on(), Failures::ALL);
        for &failure in Failure::ALL {
            assert_eq!(attempts(policy, failure).len(), 3, "{failure:?}");
            let others = policy.on(Failures::ALL.without(failure));
            assert_eq!(attempts(others, failure).len(), 1, "{failure:?}");
            assert_eq!(others.next_delay_of(1, TEN, failure, TEN), None, "{failure:?}");
        }
    }

    #[test]
    fn a_delay_that_the_handler_named_is_taken_as_it_is() {
        let hour = Duration::from_secs(3_600);
        let policy = RetryPolicy::attempts(3).within(2 * hour);
        assert_eq!(policy.next_delay_of(1, TEN, Failure::Failed, hour), Some(hour));
        assert_eq!(policy.next_delay_of(2, hour, Failure::Failed, hour), Some(hour));
        assert_eq!(policy.next_delay_of(2, hour + TEN, Failure::Failed, hour), None);
        assert_eq!(policy.next_delay_of(3, TEN, Failure::Failed, hour), None);
    }

    #[test]
    fn the_longest_durations_and_the_last_attempt_saturate() {
        let policy = RetryPolicy::unlimited().backoff(Backoff::fixed(Duration::MAX));
        let longest = Some(Duration::MAX);
        let mut jitter = Jitter::seeded(1);
        let mut next = |policy: RetryPolicy| policy.next_delay(u32::MAX, Duration::MAX, Failure::Full, &mut jitter);
        assert_eq!(next(policy), longest);
        assert_eq!(next(policy.within(Duration::MAX)), longest);
        assert_eq!(next(policy.within(Duration::from_secs(1))), None);
        assert_eq!(policy.next_delay_of(u32::MAX, Duration::MAX, Failure::Full, Duration::MAX), longest);
        assert_eq!(RetryPolicy::attempts(u32::MAX).next_delay_of(u32::MAX, TEN, Failure::Full, TEN), None);
    }

    #[test]
    fn the_default_waits_between_attempts_for_as_long_as_it_says() {
        let backoff = RetryPolicy::default().backoff_policy();
        assert_eq!(backoff, Backoff::exponential(Duration::from_millis(100)));
        assert_eq!((1..5).map(|attempt| backoff.ceiling(attempt)).sum::<Duration>(), Duration::from_millis(1_500));
    }

    #[test]
    fn json_without_limits_has_none_and_what_makes_no_sense_is_refused() {
        let policy = RetryPolicy::unlimited().on(Failures::NEVER_RAN);
        let mut json = serde_json::to_value(policy).unwrap();
        assert_eq!(json["on"], serde_json::json!(["full", "nobody", "stopped"]));
        json.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        assert_eq!(serde_json::from_value::<RetryPolicy>(json.clone()).unwrap(), policy);
        for (field, value) in [("max_attempts", 0), ("max_atempts", 3)] {
            let mut wrong = json.clone();
            wrong[field] = value.into();
            assert!(serde_json::from_value::<RetryPolicy>(wrong).is_err(), "{field}: {value}");
        }
    }
}
