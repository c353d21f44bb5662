//! How a group of actors shares its messages: which member is tried first.
//!
//! A [`Strategy`] names a way to choose. A message goes by the strategy [of its
//! own](crate::message::MessageEnvelope::balanced_by), or else by that [of its
//! address](crate::broker::InMemoryMessageBroker::set_strategy), or else by the [broker's
//! default](crate::broker::InMemoryBuilder::default_strategy), which is [`PowerOfTwo`](Strategy::PowerOfTwo). Or it goes
//! to [all members](#all-members).
//!
//! The policies here are those ways, as small pure values. A policy sees the
//! [`Members`] of one moment and is given what it needs besides: whose turn it is ([`Cursor`]), a random number, a key.
//! It names a place, or none if there are no members. It sends nothing, and does not know whether a member is alive:
//! that is the concern of whoever asks it.
//!
//! | strategy | policy | cost of a pick, of `n` members | choose it when |
//! | --- | --- | --- | --- |
//! | [`PowerOfTwo`](Strategy::PowerOfTwo) | [`PowerOfTwo`] | two loads read | in doubt: nearly as even as the least loaded, without looking at everybody |
//! | [`RoundRobin`](Strategy::RoundRobin) | [`RoundRobin`] | one write that all senders share | messages cost the same and members are equally fast |
//! | [`Random`](Strategy::Random) | [`Random`] | nothing is read or written | as for round robin, and very many threads send at once |
//! | [`LeastLoaded`](Strategy::LeastLoaded) | [`LeastLoaded`] | `n` loads read | members are few, and each message is long work |
//! | [`ConsistentHash`](Strategy::ConsistentHash) | [`Ring`] | the key is hashed, and looked up in a time that does not grow with `n` | messages with the same key belong to the same member: order for each key, or a cache |
//! | [`Weighted`](Strategy::Weighted) | [`WeightTable`] | one line of a table | members are known to be of different sizes |
//!
//! ```
//! use switchboard::balancing::{LeastLoaded, Members, PowerOfTwo, Ring};
//!
//! /// The members of a group, as the number of messages that each has before it.
//! struct Loads(Vec<usize>);
//!
//! impl Members for Loads {
//!     fn len(&self) -> usize {
//!         self.0.len()
//!     }
//!
//!     fn load(&self, place: usize) -> usize {
//!         self.0[place]
//!     }
//!
//!     fn weight(&self, _place: usize) -> u32 {
//!         1
//!     }
//!
//!     fn identity(&self, place: usize) -> u64 {
//!         place as u64
//!     }
//! }
//!
//! let members = Loads(vec![3, 0, 8]);
//! assert_eq!(LeastLoaded.pick(&members, 17), Some(1));
//! // Of any two different members, never the fullest.
//! assert_ne!(PowerOfTwo.pick(&members, 17), Some(2));
//! // The same key goes to the same member.
//! let ring = Ring::of(&members);
//! assert_eq!(ring.pick("customer-4"), ring.pick("customer-4"));
//! # assert!(ring.pick("customer-4").is_some());
//! ```
//!
//! # All members
//!
//! A message can also be for every member: by its own word ([`to_all`](crate::MessageEnvelope::to_all)), as a rule of its
//! address ([`set_broadcast`](crate::InMemoryMessageBroker::set_broadcast)), or because it is given to them with
//! [`broadcast`](crate::MessageBroker::broadcast), which says who took it. A
//! [strategy](crate::message::MessageEnvelope::balanced_by) of the message goes before the rule of its address.
//!
//! ```
//! # use switchboard::{InMemoryMessageBroker, MailboxOptions, Message, MessageBroker, MessageEnvelope};
//! # use switchboard::actor::Inbox;
//! use std::sync::Arc;
//!
//! #[derive(Clone, Debug)]
//! struct NewPrices(Arc<[u64]>);
//!
//! impl Message for NewPrices {
//!     const MESSAGE_TYPE: &'static str = "prices.new";
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (broker, tills) = (InMemoryMessageBroker::new(), "pool:tills".parse()?);
//! let first: Inbox<NewPrices, _> = broker.register(&tills, MailboxOptions::bounded(8)).await?;
//! let second = broker.register(&tills, MailboxOptions::bounded(8)).await?;
//!
//! let prices = NewPrices(Arc::from([295, 310]));
//! broker.send(&tills, MessageEnvelope::new(prices.clone()).to_all()).await?;
//! assert_eq!((first.depth(), second.depth()), (1, 1));
//!
//! let broadcasted = broker.broadcast(&tills, prices).await;
//! assert_eq!((broadcasted.delivered, broadcasted.refused.len()), (2, 0));
//! # Ok(())
//! # }
//! ```
//!
//! - Each member that takes messages is offered it once. All are given the same id and header.
//! - Nobody is waited for. A member without room goes without, or loses what the
//!   [`BackpressureStrategy`](crate::BackpressureStrategy) of its mailbox says. It keeps nothing from the others.
//! - Sending has succeeded if one member took it. If none did, the message is in the error, with the weightiest of the
//!   reasons, and is offered to all again where its [retry policy](crate::retry) says so.
//! - What a member was given is its own, and no longer for all: sent [at least
//!   once](crate::MessageEnvelope::at_least_once) it comes back to that member if it fails there, and as a dead letter it
//!   is redriven to that member.
//! - A message that is [scheduled](crate::schedule) is given to those who are members when it is due.
//! - A request has one answer, so it goes to one member, as it would if nothing were for all. So does one that is passed
//!   on.
//! - Keys play no part. What goes to one member by its key may be before or after it.
//!
//! The message is cloned for each member but the last, which gets the message itself. What is large is best put in an
//! [`Arc`](std::sync::Arc), as above, or in something like `Bytes`: then a clone is a count, and all members share one
//! body. If a clone panics while sending, the members that come after go without.
//!
//! # Randomness
//!
//! A policy that leaves something to chance is given a `random` number, all 64 bits of which are equally likely to be
//! set, and needs no second one. So it is pure, and a test can replay it. The caller draws from wherever is cheap for
//! many threads at once: a generator for each thread, such as `fastrand::u64(..)`, takes no lock and shares nothing.
//! A number below `n` is the high half of the product `random × n`, which is off by less than `n` in 2⁶⁴ (Lemire,
//! *Fast Random Integer Generation in an Interval*, 2019).
//!
//! # Tables
//!
//! [`Ring`] and [`WeightTable`] are computed once for the members of one moment, in time that grows with their number,
//! and must be computed anew when a member joins or leaves.
//! Until then they name places in the old list. Compute them when they are first needed: a thousand members that join one
//! after another would otherwise pay for a thousand rings.
//!
//! # Load
//!
//! Two policies go by [load](Members::load). A member that fails at once, or has stopped, never has any: whoever asks
//! them must leave such members out, or they get everything. A broker shows those that have stopped as full, and those
//! whose handler keeps failing too, for as long as they are [set aside](crate::health). One whose trial is due is shown as
//! idle, so that it has that soon. If all are set aside, load says nothing, and chance decides.
//!
//! # Order
//!
//! Only [`Ring`] keeps messages of one sender in order, and only those with the same key. All others spread them.
//!
//! A ring alone does so for as long as the members stay the same. A broker does while they change: a member keeps a key for
//! as long as it has messages of it, waiting or in hand, and only then does the key go to the member that the new ring
//! names. Who joins therefore takes no key over in the middle. If the former member has left, whoever sends by such a key
//! waits until it is done, as for room in its mailbox, and learns that it is [full](crate::broker::SendErrorKind::Full) where nobody
//! waits. A message that is delivered again or was scheduled has no place among the others, and is not waited for.

mod draw;
mod key_hash;
mod least_loaded;
mod members;
mod power_of_two;
mod random;
mod ring;
mod round_robin;
mod strategy;
mod weight_table;

#[cfg(test)]
mod support;

pub use key_hash::key_hash;
pub use least_loaded::LeastLoaded;
pub use members::Members;
pub use power_of_two::PowerOfTwo;
pub use random::Random;
pub use ring::Ring;
pub use round_robin::{Cursor, RoundRobin};
pub use strategy::Strategy;
pub use weight_table::WeightTable;
