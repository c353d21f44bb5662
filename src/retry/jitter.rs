use std::time::Duration;

use fastrand::Rng;

/// A source of random delays that can be seeded, so that a test sees the same delays each time.
///
/// It is quick and small, and no source of secrets. A clone goes on with the same delays as the original.
#[derive(Clone, Debug)]
pub struct Jitter(Rng);

impl Jitter {
    /// Delays that nobody can tell beforehand: the seed is random.
    pub fn new() -> Self {
        Self(Rng::new())
    }

    /// The same delays each time for the same `seed`. Another version of this crate may make other delays of it.
    pub fn seeded(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    /// A delay from zero to `ceiling`, both included, each nanosecond as likely as any other.
    pub(crate) fn up_to(&mut self, ceiling: Duration) -> Duration {
        Duration::from_nanos_u128(self.0.u128(..=ceiling.as_nanos()))
    }
}

impl Default for Jitter {
    /// As [`new`](Self::new).
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(mut jitter: Jitter) -> Vec<Duration> {
        (0..64).map(|_| jitter.up_to(Duration::from_secs(1))).collect()
    }

    /// How far `counts` are from an even spread (Pearson's chi-squared).
    fn unevenness(counts: &[u32]) -> f64 {
        let expected = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
        counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum()
    }

    #[test]
    fn the_same_seed_gives_the_same_delays_and_another_seed_gives_others() {
        assert_eq!(draws(Jitter::seeded(3)), draws(Jitter::seeded(3)));
        assert_ne!(draws(Jitter::seeded(3)), draws(Jitter::seeded(4)));
    }

    #[test]
    fn without_a_seed_no_two_sources_agree() {
        assert_ne!(draws(Jitter::new()), draws(Jitter::new()));
        assert_ne!(draws(Jitter::default()), draws(Jitter::default()));
    }

    #[test]
    fn a_clone_goes_on_with_the_same_delays() {
        let mut jitter = Jitter::seeded(5);
        jitter.up_to(Duration::from_secs(1));
        assert_eq!(draws(jitter.clone()), draws(jitter));
    }

    #[test]
    fn both_ends_are_drawn_as_often_as_what_lies_between() {
        let mut jitter = Jitter::seeded(6);
        let mut counts = [0; 4];
        for _ in 0..40_000 {
            counts[jitter.up_to(Duration::from_nanos(3)).as_nanos() as usize] += 1;
        }
        // With three degrees of freedom, one seed in a thousand exceeds 16.3.
        assert!(unevenness(&counts) < 16.3, "{counts:?}");
    }

    #[test]
    fn long_delays_are_spread_evenly_up_to_the_longest_there_is() {
        for ceiling in [Duration::from_millis(100), Duration::from_secs(10), Duration::MAX] {
            let mut jitter = Jitter::seeded(7);
            let mut counts = [0; 100];
            for _ in 0..100_000 {
                counts[(jitter.up_to(ceiling).div_duration_f64(ceiling) * 100.0) as usize] += 1;
            }
            // With 99 degrees of freedom, one seed in a thousand exceeds 148.3, and one in a thousand is below 61.1.
            assert!((61.1..148.3).contains(&unevenness(&counts)), "up to {ceiling:?}: {counts:?}");
        }
    }

    #[test]
    fn up_to_nothing_is_nothing() {
        assert_eq!(Jitter::seeded(8).up_to(Duration::ZERO), Duration::ZERO);
    }
}
