//! What holds for every backoff and every policy, whatever the numbers.

use std::time::Duration;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::retry::{Backoff, Failure, Failures, Jitter, RetryPolicy};

/// Durations of every magnitude, both ends among them.
fn durations() -> impl Strategy<Value = Duration> {
    let magnitudes = (0..94_u32, any::<u128>());
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::MAX),
        (0..20_000_u64).prop_map(Duration::from_millis),
        magnitudes.prop_map(|(bits, nanos)| Duration::from_nanos_u128(nanos & ((1 << bits) - 1))),
    ]
}

/// Attempts near the first, near where doubling overflows, and near the last.
fn attempts() -> impl Strategy<Value = u32> {
    prop_oneof![0..12_u32, 60..140_u32, u32::MAX - 2..=u32::MAX]
}

fn backoffs() -> impl Strategy<Value = Backoff> {
    let kinds = prop_oneof![
        durations().prop_map(Backoff::exponential),
        durations().prop_map(|base| Backoff::exponential(base).without_jitter()),
        durations().prop_map(Backoff::fixed),
        Just(Backoff::none()),
    ];
    (kinds, option::of(durations())).prop_map(|(backoff, cap)| match cap {
        Some(cap) => backoff.cap(cap),
        None => backoff,
    })
}

fn failures() -> impl Strategy<Value = Failures> {
    subsequence(Failure::ALL, 0..=Failure::ALL.len()).prop_map(|failures| Failures::of(&failures))
}

fn policies() -> impl Strategy<Value = RetryPolicy> {
    (option::of(attempts()), option::of(durations()), failures(), backoffs()).prop_map(|(max, within, on, backoff)| {
        let policy = max.map_or(RetryPolicy::unlimited(), RetryPolicy::attempts).on(on).backoff(backoff);
        match within {
            Some(overall) => policy.within(overall),
            None => policy,
        }
    })
}

fn failure() -> impl Strategy<Value = Failure> {
    prop::sample::select(Failure::ALL)
}

/// Doubling one step at a time, as one would by hand.
fn doubled(base: Duration, attempt: u32) -> Duration {
    (1..attempt.min(200)).fold(base, |delay, _| delay.saturating_mul(2))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_delay_exceeds_the_ceiling(backoff in backoffs(), attempt in attempts(), seed: u64) {
        let mut jitter = Jitter::seeded(seed);
        for _ in 0..8 {
            prop_assert!(backoff.delay(attempt, &mut jitter) <= backoff.ceiling(attempt));
        }
    }

    #[test]
    fn a_ceiling_neither_falls_nor_exceeds_the_cap(backoff in backoffs(), attempt in attempts(), cap in durations()) {
        let capped = backoff.cap(cap);
        prop_assert!(capped.ceiling(attempt) <= cap);
        prop_assert!(capped.ceiling(attempt) <= capped.ceiling(attempt.saturating_add(1)));
    }

    #[test]
    fn a_ceiling_is_the_base_doubled_up_to_the_cap(base in durations(), cap in durations(), attempt in attempts()) {
        let ceiling = Backoff::exponential(base).cap(cap).ceiling(attempt);
        prop_assert_eq!(ceiling, doubled(base, attempt).min(cap));
    }

    #[test]
    fn the_same_seed_gives_the_same_delays(backoff in backoffs(), seed: u64) {
        let delays = || {
            let mut jitter = Jitter::seeded(seed);
            (0..20).map(|attempt| backoff.delay(attempt, &mut jitter)).collect::<Vec<_>>()
        };
        prop_assert_eq!(delays(), delays());
    }

    #[test]
    fn another_attempt_follows_exactly_if_all_limits_allow_it(
        (policy, attempt, elapsed, failure, seed) in (policies(), attempts(), durations(), failure(), any::<u64>()),
    ) {
        let delay = policy.backoff_policy().delay(attempt, &mut Jitter::seeded(seed));
        let allowed = policy.max_attempts().is_none_or(|max| attempt.max(1) < max)
            && policy.overall().is_none_or(|overall| elapsed.saturating_add(delay) <= overall)
            && policy.retries_on().contains(failure);
        let next = policy.next_delay(attempt, elapsed, failure, &mut Jitter::seeded(seed));
        prop_assert_eq!(next, allowed.then_some(delay));
    }

    #[test]
    fn a_named_delay_is_what_a_fixed_backoff_of_that_delay_comes_to(
        (policy, attempt, elapsed, failure, asked) in (policies(), attempts(), durations(), failure(), durations()),
    ) {
        let fixed = policy.backoff(Backoff::fixed(asked));
        let expected = fixed.next_delay(attempt, elapsed, failure, &mut Jitter::seeded(0));
        prop_assert_eq!(policy.next_delay_of(attempt, elapsed, failure, asked), expected);
    }

    #[test]
    fn every_policy_survives_its_json(policy in policies()) {
        let json = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(serde_json::from_str::<RetryPolicy>(&json).unwrap(), policy);
    }
}
