//! The bounded queue before an actor.
//!
//! [`mailbox`] makes one: a [`MailboxSender`] that can be cloned, and the one [`MailboxReceiver`]. A broker makes them
//! for its actors; they can be used alone as well, as a channel with priorities and backpressure.
//!
//! # Order
//!
//! Messages of one level come out in the order in which they went in. Higher levels come first, but a level that
//! holds messages is served at least once in every 19 receives, so none starves (a level that was passed over 16
//! times goes next, and there are three others that may be in the same position). A sender that waits for
//! room keeps its place: nobody overtakes it.
//!
//! # Bounds
//!
//! A mailbox never holds more than its capacity, messages that the receiver fetched in bulk but has not handed on
//! included. What happens to a message that finds it full is the [`BackpressureStrategy`]'s business:
//!
//! | strategy | the sender | the message that loses |
//! | --- | --- | --- |
//! | [`Block`](BackpressureStrategy::Block) | waits, at most as long as the block limit and the message's deadline | comes back when the wait ends in vain |
//! | [`Error`](BackpressureStrategy::Error) | gets an error at once | comes back in the error |
//! | [`DropOldest`](BackpressureStrategy::DropOldest) | goes on | the oldest of the least urgent level is evicted |
//! | [`DropNewest`](BackpressureStrategy::DropNewest) | goes on | the new one is evicted |
//!
//! # Loss
//!
//! None in silence: a refused message comes back in the error, an evicted one in [`Accepted`]. Closing refuses what
//! comes later, returns what waits for room, and leaves what was accepted to be received or
//! [drained](MailboxReceiver::drain).
//!
//! # Memory
//!
//! An unused mailbox owns no buffer. Buffers grow with use, are used again without allocating, and shrink when a
//! burst has passed.

mod blocked;
mod error;
mod levels;
mod options;
mod queue;
mod receiver;
mod sender;
mod wait;
mod waits;

pub use error::{CapacityError, MailboxError, MailboxErrorKind};
pub use options::{BackpressureStrategy, MailboxOptions};
pub use receiver::MailboxReceiver;
pub use sender::{Accepted, MailboxSender, mailbox};

pub(crate) use queue::{Batch, Fence, KeyClaim, Pushed, PushedByKey, Queue, RouteKey};
pub(crate) use waits::Waits;

#[cfg(test)]
mod tests;
