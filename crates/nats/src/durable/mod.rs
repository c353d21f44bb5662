//! Messages that are delivered at least once wait in a stream of the server until they have been handled.

mod burying;
mod letters;
mod options;
mod parcel;
mod storing;
mod streams;
mod working;

pub use letters::{ClusterDeadLetter, ClusterDeadLetters, ClusterDeadLettersError, ClusterReason, FollowedLetters};
pub use options::DurableOptions;
#[cfg(test)]
pub(crate) use parcel::{Epitaph, Parcel, join, split};
pub(crate) use streams::Durable;
