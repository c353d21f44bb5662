use std::time::Duration;

use histogram::{Config, Histogram, Histogram32, SparseHistogram, SparseHistogram32};
use serde::{Deserialize, Serialize};

use crate::message::LONGEST_STAMP;

/// Durations of one kind, counted in a histogram.
///
/// Each of its buckets is no wider than an eighth of the durations in it, so a [`quantile`](Self::quantile) is up to
/// 12.5 % above the duration it stands for, and never below. It tells durations up to 4.9 hours (2⁴⁴ ns) apart;
/// longer ones are in the last bucket. [`sum`](Self::sum), [`mean`](Self::mean) and [`max`](Self::max) are not rounded.
///
/// Histograms of several actors, brokers or processes can be [merged](Self::merge), and the result is the histogram
/// of all their durations.
///
/// # Serialised
///
/// `{"count": 3, "sum_nanos": 160, "max_nanos": 150, "buckets": [[5, 2], [159, 1]]}`: only buckets that are not empty,
/// in ascending order, each with the longest duration that it takes, in nanoseconds, and how many there are in it.
/// These are not cumulative. What was read back can be merged like any other.
///
/// ```
/// use std::time::Duration;
///
/// use switchboard::metrics::Timing;
///
/// let form = r#"{"count": 3, "sum_nanos": 160, "max_nanos": 150, "buckets": [[5, 2], [159, 1]]}"#;
/// let mut timing: Timing = serde_json::from_str(form)?;
/// assert_eq!(timing.quantile(0.5), Some(Duration::from_nanos(5)));
/// assert_eq!(timing.max(), Some(Duration::from_nanos(150)));
///
/// timing.merge(&timing.clone());
/// assert_eq!(timing.count(), 6);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Form", try_from = "Form")]
pub struct Timing {
    buckets: SparseHistogram,
    /// In nanoseconds, as is `max`.
    sum: u64,
    max: u64,
}

/// Up to 2⁴⁴ ns, which is also what a [stamp](crate::message::Stamp) can tell, with eight buckets per power of two.
pub(super) const BUCKETS: Config = match Config::new(3, 44) {
    Ok(config) => config,
    Err(_) => panic!("the powers are in range"),
};

const _: () = assert!(LONGEST_STAMP == (1 << BUCKETS.max_value_power()) - 1);

impl Timing {
    /// How many durations there are.
    pub fn count(&self) -> u64 {
        self.buckets.count().iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// All of them together.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum)
    }

    /// The arithmetic mean. `None` if there are no durations.
    pub fn mean(&self) -> Option<Duration> {
        self.sum.checked_div(self.count()).map(Duration::from_nanos)
    }

    /// The longest. `None` if there are no durations.
    pub fn max(&self) -> Option<Duration> {
        (!self.buckets.is_empty()).then(|| Duration::from_nanos(self.max))
    }

    /// The duration that the part `q` of all, from 0 to 1, does not exceed: `0.5` is the median. Up to 12.5 % too long,
    /// never too short, and never longer than [`max`](Self::max). `None` if there are no durations, or for any other
    /// `q`.
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let found = self.buckets.quantile(q).ok()??;
        // Of more durations than an `f64` can count, as only a form that was made up has, the last may be past all buckets.
        let bucket = found.entries().values().next().unwrap_or_else(|| found.max());
        Some(Duration::from_nanos(end_of(bucket.end(), self.max)))
    }

    /// The buckets that are not empty, in ascending order: the longest duration that each takes, and how many there are
    /// in it.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        self.buckets.iter().map(|bucket| (Duration::from_nanos(bucket.end()), bucket.count()))
    }

    /// Adds the durations of another.
    pub fn merge(&mut self, other: &Self) {
        self.add_buckets(&other.buckets);
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
    }

    /// A single duration.
    pub(crate) fn of(nanos: u64) -> Self {
        let mut timing = Self::default();
        let mut one = Histogram32::with_config(&BUCKETS);
        // Never refused: see `clamped`.
        let _ = one.increment(clamped(nanos));
        timing.add_counts(&one);
        timing.add_nanos(nanos);
        timing
    }

    /// Adds durations that are in buckets, but not yet in the sum.
    pub(super) fn add_counts(&mut self, counts: &Histogram32) {
        self.add_buckets(&SparseHistogram::from(&SparseHistogram32::from(counts)));
    }

    /// Adds a duration that is in no bucket to the sum.
    pub(super) fn add_nanos(&mut self, nanos: u64) {
        self.sum = self.sum.saturating_add(nanos);
        self.max = self.max.max(nanos);
    }

    fn add_buckets(&mut self, buckets: &SparseHistogram) {
        if buckets.is_empty() {
            return;
        }
        // It can't be refused, since all have the same buckets. A count past 2⁶⁴ begins anew, which only a form that
        // was made up can bring about.
        if let Ok(sum) = self.buckets.wrapping_add(buckets) {
            self.buckets = sum;
        }
    }
}

/// What a bucket that ends at `end` says of the durations in it, none of which is longer than `max`. The last bucket
/// has no end.
fn end_of(end: u64, max: u64) -> u64 {
    if end == LONGEST_STAMP { max } else { end.min(max) }
}

/// The duration as a bucket takes it.
pub(super) fn clamped(nanos: u64) -> u64 {
    nanos.min(LONGEST_STAMP)
}

impl Default for Timing {
    fn default() -> Self {
        Self { buckets: SparseHistogram::with_config(&BUCKETS), sum: 0, max: 0 }
    }
}

/// The serialised form.
#[derive(Serialize, Deserialize)]
struct Form {
    count: u64,
    sum_nanos: u64,
    max_nanos: u64,
    buckets: Vec<(u64, u64)>,
}

#[derive(Debug, thiserror::Error)]
enum FormError {
    #[error("the buckets hold {found:?} durations and not {count}; pass a timing whole, as it was written")]
    Count { count: u64, found: Option<u64> },
    #[error("no bucket takes {nanos} ns; pass a timing as it was written, with none above {LONGEST_STAMP} ns")]
    Bucket { nanos: u64 },
}

impl From<Timing> for Form {
    fn from(timing: Timing) -> Self {
        let buckets = timing.buckets.iter().map(|bucket| (bucket.end(), bucket.count())).collect();
        Self { count: timing.count(), sum_nanos: timing.sum, max_nanos: timing.max, buckets }
    }
}

impl TryFrom<Form> for Timing {
    type Error = FormError;

    fn try_from(form: Form) -> Result<Self, FormError> {
        let found = form.buckets.iter().try_fold(0_u64, |sum, (_, count)| sum.checked_add(*count));
        if found != Some(form.count) {
            return Err(FormError::Count { count: form.count, found });
        }
        let mut buckets = Histogram::with_config(&BUCKETS);
        for (nanos, count) in form.buckets {
            buckets.add(nanos, count).map_err(|_| FormError::Bucket { nanos })?;
        }
        Ok(Self { buckets: SparseHistogram::from(&buckets), sum: form.sum_nanos, max: form.max_nanos })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn timing(nanos: impl IntoIterator<Item = u64>) -> Timing {
        nanos.into_iter().fold(Timing::default(), |mut all, nanos| {
            all.merge(&Timing::of(nanos));
            all
        })
    }

    fn quantile(timing: &Timing, q: f64) -> u64 {
        timing.quantile(q).unwrap().as_nanos() as u64
    }

    #[test]
    fn nothing_has_no_quantiles_and_no_extremes() {
        let nothing = Timing::default();
        assert_eq!((nothing.count(), nothing.sum(), nothing.buckets().count()), (0, Duration::ZERO, 0));
        assert_eq!((nothing.quantile(0.5), nothing.mean(), nothing.max()), (None, None, None));
    }

    #[test]
    fn only_parts_from_nought_to_one_are_quantiles() {
        let one = Timing::of(7);
        for q in [0.0, 0.5, 1.0] {
            assert_eq!(one.quantile(q), Some(Duration::from_nanos(7)));
        }
        for q in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(one.quantile(q), None);
        }
    }

    #[test]
    fn durations_too_long_for_a_bucket_are_in_the_last_and_not_forgotten() {
        let long = timing([1, LONGEST_STAMP + 1, u64::MAX / 4]);
        assert_eq!(long.count(), 3);
        assert_eq!(long.max(), Some(Duration::from_nanos(u64::MAX / 4)));
        assert_eq!(quantile(&long, 1.0), u64::MAX / 4);
        assert_eq!(quantile(&long, 0.1), 1);
    }

    #[test]
    fn more_durations_than_a_float_can_count_have_quantiles_too() {
        let form = format!(r#"{{"count": {0}, "sum_nanos": 9, "max_nanos": 7, "buckets": [[7, {0}]]}}"#, u64::MAX);
        let all: Timing = serde_json::from_str(&form).unwrap();
        assert_eq!([0.0, 0.5, 1.0].map(|q| quantile(&all, q)), [7; 3]);
    }

    #[test]
    fn a_form_that_was_cut_short_or_made_up_is_refused() {
        let read = |form: &str| serde_json::from_str::<Timing>(form);
        assert!(read(r#"{"count": 2, "sum_nanos": 9, "max_nanos": 5, "buckets": [[5, 1], [4, 1]]}"#).is_ok());
        for wrong in [
            r#"{"count": 3, "sum_nanos": 9, "max_nanos": 5, "buckets": [[5, 1], [4, 1]]}"#,
            r#"{"count": 1, "sum_nanos": 9, "max_nanos": 5, "buckets": [[18446744073709551615, 1]]}"#,
            r#"{"count": 1, "sum_nanos": 9, "max_nanos": 5, "buckets": [[5, 18446744073709551615], [4, 2]]}"#,
            r#"{"count": 0, "sum_nanos": 0, "max_nanos": 0}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_quantile_is_at_most_an_eighth_too_long(
            mut nanos in prop::collection::vec(0..1_u64 << 44, 1..60),
            q in 0.0..=1.0_f64,
        ) {
            let all = timing(nanos.iter().copied());
            nanos.sort_unstable();
            let rank = ((q * nanos.len() as f64).ceil() as usize).max(1);
            let (exact, told) = (nanos[rank - 1], quantile(&all, q));
            prop_assert!((exact..=exact + exact / 8).contains(&told), "{} for {}", told, exact);
        }

        #[test]
        fn sum_mean_and_max_are_exact(nanos in prop::collection::vec(0..1_u64 << 50, 1..60)) {
            let (all, sum) = (timing(nanos.iter().copied()), nanos.iter().sum::<u64>());
            prop_assert_eq!(all.sum(), Duration::from_nanos(sum));
            prop_assert_eq!(all.mean(), Some(Duration::from_nanos(sum / nanos.len() as u64)));
            prop_assert_eq!(all.max(), nanos.iter().max().copied().map(Duration::from_nanos));
        }

        #[test]
        fn merged_is_as_if_counted_together_and_in_any_order(a: Vec<u32>, b: Vec<u32>) {
            let (one, other) = (timing(a.iter().map(|n| u64::from(*n))), timing(b.iter().map(|n| u64::from(*n))));
            let (mut there, mut back) = (one.clone(), other.clone());
            there.merge(&other);
            back.merge(&one);
            prop_assert_eq!(&there, &back);
            prop_assert_eq!(there, timing(a.iter().chain(&b).map(|n| u64::from(*n))));
        }

        #[test]
        fn what_was_written_reads_back_the_same(nanos in prop::collection::vec(0..1_u64 << 50, 0..60)) {
            let all = timing(nanos);
            let form = serde_json::to_string(&all).unwrap();
            prop_assert_eq!(serde_json::from_str::<Timing>(&form).unwrap(), all);
        }
    }
}
