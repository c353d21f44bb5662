//! The registry and the topics beside the simplest that could do the same, through any sequence of steps.
//!
//! A step is three bytes: what is done, and to whom. So the fuzzer can do with these models what the tests here do.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod registry;
mod support;
mod topics;

use proptest::collection::vec;
use proptest::prelude::*;

/// Any steps, few or many. The fewer and the smaller they are, the simpler.
fn steps<S: From<[u8; 3]> + std::fmt::Debug>() -> impl Strategy<Value = Vec<S>> {
    let step = (any::<u8>(), 0..40_u8, 0..40_u8).prop_map(|(what, one, other)| S::from([what, one, other]));
    prop_oneof![vec(step.clone(), 0..12), vec(step, 0..120)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn the_registry_holds_what_plain_maps_would(steps in steps()) {
        registry::run(steps);
    }

    #[test]
    fn what_is_published_reaches_whom_it_would_by_a_plain_list(steps in steps()) {
        topics::run(steps);
    }
}
