//! The registry and the topics beside their models, which are those of the project's tests.

/// Steps that are taken of one input.
const STEPS: usize = 200;

/// Takes steps of three bytes each with the registry.
pub fn check_registry(bytes: &[u8]) {
    the_tests::registry::run(steps(bytes));
}

/// Takes steps of three bytes each with subscriptions.
pub fn check_topics(bytes: &[u8]) {
    the_tests::topics::run(steps(bytes));
}

#[allow(clippy::unwrap_used, reason = "as in the tests: what is not there is a failure")]
#[path = "../../tests/models"]
mod the_tests {
    pub(crate) mod registry;
    mod support;
    pub(crate) mod topics;
}

fn steps<S: From<[u8; 3]>>(bytes: &[u8]) -> impl Iterator<Item = S> {
    bytes.as_chunks().0.iter().take(STEPS).map(|step| S::from(*step))
}
