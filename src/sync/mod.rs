//! What shared state is made of: locks, atomics, the registry's map, tasks. From one place, so that a model checker can
//! stand in for them.
//!
//! In ordinary builds these are the names of `parking_lot`, `papaya`, tokio and the standard library, and one lock of
//! our own. In unit tests that are built with `--cfg shuttle` they are those of [shuttle](https://docs.rs/shuttle), which
//! runs a test over and over, one thread at a time, and chooses before each step which goes on. `bin/interleavings` runs
//! the tests that are meant for that: the modules named `interleavings`, each beside what it tests.
//!
//! Whatever is not from here is one step to the checker: `Arc`, `OnceLock`, tokio's `Notify`, and what counts for the
//! whole process, ids for instance, which outlives each run. The checker takes every atomic for sequentially consistent, so it
//! knows nothing of weaker orderings and of fences.

#[cfg(all(test, shuttle))]
mod checked;
#[cfg(not(all(test, shuttle)))]
mod lock;
#[cfg(not(all(test, shuttle)))]
mod real;
#[cfg(all(test, shuttle))]
mod schedules;

#[cfg(all(test, shuttle))]
pub(crate) use checked::*;
#[cfg(not(all(test, shuttle)))]
pub(crate) use real::*;
#[cfg(all(test, shuttle))]
pub(crate) use schedules::*;
