//! Whether and when a failed attempt is followed by another.
//!
//! A [`RetryPolicy`] has four parts: how many attempts there are, how long to wait between them ([`Backoff`]), how
//! long it may all take, and after which [`Failure`]s to go on. It is a small pure value. It neither waits nor reads a
//! clock: it is told what has happened, and says how long to wait before the next attempt, or that there is none.
//!
//! ```
//! use std::time::Duration;
//!
//! use switchboard::RetryPolicy;
//! use switchboard::retry::{Backoff, Failure, Failures, Jitter};
//!
//! const POLICY: RetryPolicy = RetryPolicy::attempts(4)
//!     .backoff(Backoff::exponential(Duration::from_millis(50)).cap(Duration::from_millis(150)))
//!     .within(Duration::from_secs(30))
//!     .on(Failures::NEVER_RAN);
//!
//! // Seeded, so that the delays are the same in every run.
//! let mut jitter = Jitter::seeded(7);
//! let soon = Duration::from_millis(3);
//!
//! // A full mailbox is worth another attempt, somewhere in the next 50 ms, then 100 ms, then 150 ms.
//! for (attempt, most) in [(1, 50), (2, 100), (3, 150)] {
//!     let delay = POLICY.next_delay(attempt, soon, Failure::Full, &mut jitter).expect("there are four attempts");
//!     assert!(delay <= Duration::from_millis(most));
//! }
//!
//! // The fourth attempt was the last,
//! assert_eq!(POLICY.next_delay(4, soon, Failure::Full, &mut jitter), None);
//! // half a minute has gone by,
//! assert_eq!(POLICY.next_delay(2, Duration::from_secs(31), Failure::Full, &mut jitter), None);
//! // and an error from the handler is not what this policy goes on after.
//! assert_eq!(POLICY.next_delay(1, soon, Failure::Failed, &mut jitter), None);
//! ```
//!
//! # What is retried
//!
//! Only failures that [never ran](crate::broker::Ran::Never) are retried by themselves: [`Failure::Full`],
//! [`Failure::Nobody`] and [`Failure::Stopped`]. Sending such a message again can't do its work twice.
//! [`Failure::Failed`] and [`Failure::Panicked`] matter only for a message that is sent at least once, by a caller who
//! has thereby said that doing its work twice is harmless. A policy that names them changes nothing for other messages.
//!
//! # How long it takes
//!
//! A policy ends with its last attempt, or with the first that would begin too late, whichever comes first. A
//! message's own deadline holds besides, and is not the policy's concern: whoever waits keeps to it.
//!
//! # Order
//!
//! Retrying waives it: a message that waits for its next attempt may be handled after those that its sender sent later.
//!
//! # Overflow
//!
//! No number of attempts and no duration is too large. What would overflow saturates.

mod backoff;
mod failure;
mod failures;
mod jitter;
mod policy;

#[cfg(test)]
mod tests;

pub use backoff::Backoff;
pub use failure::Failure;
pub use failures::Failures;
pub use jitter::Jitter;
pub use policy::RetryPolicy;
