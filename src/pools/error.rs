use thiserror::Error;

use crate::address::ActorAddress;
use crate::broker::RegisterError;

/// Why there is no pool, or not as many workers in it as were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PoolError {
    /// A pool of no workers was asked for.
    #[error("a pool needs a worker: ask for at least 1, or drain the pool to end it")]
    NoWorkers,
    /// The upper bound is below the lower one.
    #[error("a pool can't have between {min} and {max} workers: give the smaller number first")]
    Bounds {
        /// The lower bound.
        min: usize,
        /// The upper bound.
        max: usize,
    },
    /// The marks would have the pool grow and shrink for ever.
    #[error("a low mark of {low} does not go with a high mark of {high}: choose 1 up to half of the high mark")]
    Marks {
        /// The low mark, in messages for each worker.
        low: usize,
        /// The high mark, in messages for each worker.
        high: usize,
    },
    /// The address has room for one actor.
    #[error("`{address}` is for one actor: spawn workers at a pool or a service")]
    NotAGroup {
        /// The address.
        address: ActorAddress,
    },
    /// A worker was not started.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The pool has ended, or is about to.
    #[error("the pool has ended: spawn another")]
    Ended,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_says_what_to_do_about_it() {
        let address = ActorAddress::named("desk").unwrap();
        let errors = [
            PoolError::NoWorkers,
            PoolError::Bounds { min: 3, max: 2 },
            PoolError::Marks { low: 3, high: 4 },
            PoolError::NotAGroup { address },
            RegisterError::ShutDown.into(),
            PoolError::Ended,
        ];
        for error in errors {
            let text = error.to_string();
            assert!(text.contains(": ") && !text.ends_with('.'), "{text}");
        }
    }
}
