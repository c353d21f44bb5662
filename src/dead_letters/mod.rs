//! Accepted messages that were not handled, kept whole with the reason.
//!
//! A broker keeps the latest of them, as many as its builder says; what does not fit is let go, oldest first, and
//! counted. [`InMemoryMessageBroker::take_dead_letters`](crate::broker::InMemoryMessageBroker::take_dead_letters)
//! hands them out.
//!
//! A message that its handler has begun with was moved into the handler, so one that fails there is counted
//! ([`Outcome::Failed`](crate::metrics::Outcome::Failed)), but there is no message left to keep.

mod letter;
mod store;

pub use letter::{DeadLetter, DeadLetterReason};

pub(crate) use store::DeadLetters;
