use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::retry::Jitter;

/// How long to wait before the next attempt.
///
/// [`exponential`](Self::exponential) backoff doubles with each attempt, up to a cap, and has *full jitter*: what is
/// waited is drawn evenly from zero to that ceiling. Senders that failed together then don't come back together, which
/// is what makes a receiver fail again. The method, and the comparison with other kinds of jitter in which it cost the
/// receiver the least work, is Marc Brooker's ["Exponential Backoff And Jitter"][jitter], AWS Architecture Blog, 2015.
///
/// [jitter]: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
///
/// ```
/// use std::time::Duration;
///
/// use switchboard::retry::{Backoff, Jitter};
///
/// let backoff = Backoff::exponential(Duration::from_millis(100)).cap(Duration::from_secs(1));
/// let ceilings = [1, 2, 3, 4, 5].map(|attempt| backoff.ceiling(attempt).as_millis());
/// assert_eq!(ceilings, [100, 200, 400, 800, 1_000]);
///
/// let mut jitter = Jitter::seeded(7);
/// assert!(backoff.delay(3, &mut jitter) <= Duration::from_millis(400));
/// assert_eq!(backoff.without_jitter().delay(3, &mut jitter), Duration::from_millis(400));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    doubles: bool,
    jitter: bool,
}

/// The longest delay of an exponential backoff unless something else is asked for.
const DEFAULT_CAP: Duration = Duration::from_secs(10);

impl Backoff {
    /// Up to `base` after the first attempt, and up to twice as much after each further one, with full jitter. No
    /// delay is longer than 10 s, whatever `base` is, unless [`cap`](Self::cap) says otherwise.
    pub const fn exponential(base: Duration) -> Self {
        Self { base, cap: DEFAULT_CAP, doubles: true, jitter: true }
    }

    /// The same `delay` each time, without jitter and without a cap.
    pub const fn fixed(delay: Duration) -> Self {
        Self { base: delay, cap: Duration::MAX, doubles: false, jitter: false }
    }

    /// No delay: the next attempt follows at once.
    pub const fn none() -> Self {
        Self::fixed(Duration::ZERO)
    }

    /// Sets the longest delay.
    pub const fn cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// Always waits for as long as the [`ceiling`](Self::ceiling). For a single sender, or where delays must be known
    /// beforehand; many senders without jitter come back all at once.
    pub const fn without_jitter(mut self) -> Self {
        self.jitter = false;
        self
    }

    /// The longest delay after `attempt`, the first being 1: `base * 2^(attempt - 1)` if it doubles, `base` if not,
    /// and never more than the cap. Attempt 0 counts as 1.
    pub fn ceiling(&self, attempt: u32) -> Duration {
        if !self.doubles {
            return self.base.min(self.cap);
        }
        let factor = 1_u128.checked_shl(attempt.saturating_sub(1)).unwrap_or(u128::MAX);
        let nanos = self.base.as_nanos().saturating_mul(factor);
        // The cap is a duration, so what is not above it is one too.
        Duration::from_nanos_u128(nanos.min(self.cap.as_nanos()))
    }

    /// The delay after `attempt`, the first being 1: drawn evenly from zero to the [`ceiling`](Self::ceiling), both
    /// included, or the ceiling itself if there is no jitter.
    pub fn delay(&self, attempt: u32, jitter: &mut Jitter) -> Duration {
        let ceiling = self.ceiling(attempt);
        if self.jitter { jitter.up_to(ceiling) } else { ceiling }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn ceilings<const N: usize>(backoff: Backoff, attempts: [u32; N]) -> [Duration; N] {
        attempts.map(|attempt| backoff.ceiling(attempt))
    }

    #[test]
    fn exponential_doubles_from_its_base_up_to_ten_seconds() {
        let backoff = Backoff::exponential(millis(100));
        let expected = [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000].map(millis);
        assert_eq!(ceilings(backoff, [1, 2, 3, 4, 5, 6, 7, 8, 9]), expected);
        assert_eq!(Backoff::exponential(millis(60_000)).ceiling(1), millis(10_000));
    }

    #[test]
    fn a_cap_of_its_own_replaces_the_ten_seconds() {
        let backoff = Backoff::exponential(millis(100));
        assert_eq!(ceilings(backoff.cap(millis(350)), [1, 2, 3, 4]), [100, 200, 350, 350].map(millis));
        assert_eq!(backoff.cap(millis(60_000)).ceiling(9), millis(25_600));
        assert_eq!(Backoff::fixed(millis(100)).cap(millis(30)).ceiling(1), millis(30));
    }

    #[test]
    fn fixed_and_none_are_the_same_each_time() {
        let mut jitter = Jitter::seeded(1);
        for attempt in [0, 1, 2, 40, u32::MAX] {
            assert_eq!(Backoff::fixed(millis(70_000)).delay(attempt, &mut jitter), millis(70_000));
            assert_eq!(Backoff::none().delay(attempt, &mut jitter), Duration::ZERO);
        }
    }

    #[test]
    fn attempt_zero_counts_as_the_first() {
        let backoff = Backoff::exponential(millis(100));
        assert_eq!(backoff.ceiling(0), backoff.ceiling(1));
    }

    #[test]
    fn what_would_overflow_saturates_at_the_cap() {
        for base in [Duration::from_nanos(1), millis(1), Duration::MAX] {
            let backoff = Backoff::exponential(base);
            assert_eq!(ceilings(backoff, [95, 128, 129, 130, u32::MAX]), [DEFAULT_CAP; 5]);
            assert_eq!(ceilings(backoff.cap(Duration::MAX), [95, 128, 129, 130, u32::MAX]), [Duration::MAX; 5]);
        }
        assert_eq!(ceilings(Backoff::exponential(Duration::ZERO), [1, 95, 129, u32::MAX]), [Duration::ZERO; 4]);
    }

    #[test]
    fn without_jitter_the_delay_is_the_ceiling_and_nothing_is_drawn() {
        let backoff = Backoff::exponential(millis(100)).without_jitter();
        let (mut used, mut unused) = (Jitter::seeded(2), Jitter::seeded(2));
        for attempt in 1..12 {
            assert_eq!(backoff.delay(attempt, &mut used), backoff.ceiling(attempt));
        }
        assert_eq!(used.up_to(millis(1_000)), unused.up_to(millis(1_000)));
    }

    #[test]
    fn full_jitter_averages_half_the_ceiling_at_every_attempt() {
        let backoff = Backoff::exponential(millis(100));
        let mut jitter = Jitter::seeded(3);
        for attempt in [1, 2, 5, 8, 30] {
            let sum: Duration = (0..10_000).map(|_| backoff.delay(attempt, &mut jitter)).sum();
            let mean = sum.div_duration_f64(backoff.ceiling(attempt)) / 10_000.0;
            // The mean of 10,000 has a standard deviation of 0.0029 of the ceiling.
            assert!((mean - 0.5).abs() < 0.01, "{mean} of the ceiling after attempt {attempt}");
        }
    }

    #[test]
    fn json_names_every_part_and_nothing_unknown_is_read() {
        let backoff = Backoff::exponential(millis(50)).without_jitter();
        let json = serde_json::to_value(backoff).unwrap();
        let mut expected = serde_json::json!({
            "base": {"secs": 0, "nanos": 50_000_000}, "cap": {"secs": 10, "nanos": 0}, "doubles": true, "jitter": false,
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Backoff>(json).unwrap(), backoff);
        expected["gitter"] = true.into();
        assert!(serde_json::from_value::<Backoff>(expected).is_err());
    }
}
