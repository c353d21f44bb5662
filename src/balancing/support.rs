//! What the tests of the policies share.

use fastrand::Rng;

use crate::balancing::Members;

/// Members that are as they are told to be.
pub(super) struct Fixed {
    pub(super) loads: Vec<usize>,
    pub(super) weights: Vec<u32>,
    pub(super) identities: Vec<u64>,
}

impl Fixed {
    /// Members of equal weight that have nothing to do.
    pub(super) fn idle(members: usize) -> Self {
        Self::with_loads(vec![0; members])
    }

    pub(super) fn with_loads(loads: impl Into<Vec<usize>>) -> Self {
        let loads = loads.into();
        Self { weights: vec![1; loads.len()], identities: (0u64..).take(loads.len()).collect(), loads }
    }
}

impl Members for Fixed {
    fn len(&self) -> usize {
        self.loads.len()
    }

    fn load(&self, place: usize) -> usize {
        self.loads[place]
    }

    fn weight(&self, place: usize) -> u32 {
        self.weights[place]
    }

    fn identity(&self, place: usize) -> u64 {
        self.identities[place]
    }
}

/// How often each of `places` is picked in so many draws, the same ones in every run.
pub(super) fn shares(places: usize, draws: usize, pick: impl Fn(u64) -> Option<usize>) -> Vec<u64> {
    let mut rng = Rng::with_seed(42);
    let mut shares = vec![0; places];
    for _ in 0..draws {
        shares[pick(rng.u64(..)).unwrap()] += 1;
    }
    shares
}

/// Fails if `observed` are not what chance makes of `weights`, by Pearson's chi-squared.
///
/// The bound is one that chance goes beyond less than once in a thousand times (Laurent and Massart, *Adaptive
/// Estimation of a Quadratic Functional by Model Selection*, 2000, lemma 1, with x = 7).
#[track_caller]
pub(super) fn assert_fits(observed: &[u64], weights: &[f64]) {
    let draws = observed.iter().sum::<u64>() as f64;
    let whole = weights.iter().sum::<f64>();
    let (mut distance, mut freedom) = (0.0, -1.0);
    for (&count, weight) in observed.iter().zip(weights) {
        let expected = draws * weight / whole;
        if expected == 0.0 {
            assert_eq!(count, 0, "{observed:?}");
        } else {
            distance += (count as f64 - expected).powi(2) / expected;
            freedom += 1.0;
        }
    }
    let bound = freedom + 2.0 * f64::sqrt(freedom * 7.0) + 14.0;
    assert!(distance < bound, "{distance} is not less than {bound}: {observed:?}");
}
