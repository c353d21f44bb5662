//! A typed, in-memory message broker for actors.
//!
//! An actor is whatever owns a mailbox: a [`MessageHandler`] that the broker runs in a task of its own, or code that
//! [receives by hand](actor::Inbox). A [`MessageBroker`] carries messages of one type, usually an enum, from whoever
//! has an [address](mod@address) to the actor behind it, and replies back to whoever asked. There is no router task:
//! the sender's own call moves the message into the mailbox.
//!
//! # Quick start
//!
//! One message type, one handler, one broker:
//!
//! ```
//! use switchboard::broker::ReplyError;
//! use switchboard::{
//!     Context, InMemoryMessageBroker, Message, MessageBroker, MessageEnvelope, MessageHandler, Request,
//! };
//!
//! #[derive(Debug)]
//! enum Counter {
//!     Add(u64),
//!     GetTotal,
//!     Total(u64),
//! }
//!
//! impl Message for Counter {
//!     const MESSAGE_TYPE: &'static str = "counter";
//! }
//!
//! struct Counting(u64);
//!
//! impl MessageHandler<Counter> for Counting {
//!     type Error = ReplyError<Counter>;
//!
//!     async fn handle<B: MessageBroker<Counter>>(
//!         &mut self,
//!         envelope: MessageEnvelope<Counter>,
//!         context: &Context<Counter, B>,
//!     ) -> Result<(), Self::Error> {
//!         match envelope.into_message() {
//!             Counter::Add(number) => self.0 += number,
//!             Counter::GetTotal => context.reply(Counter::Total(self.0)).await?,
//!             Counter::Total(_) => {}
//!         }
//!         Ok(())
//!     }
//! }
//!
//! // A question whose answer has a type of its own.
//! struct GetTotal;
//! struct Total(u64);
//!
//! impl From<GetTotal> for Counter {
//!     fn from(_: GetTotal) -> Self {
//!         Counter::GetTotal
//!     }
//! }
//!
//! impl TryFrom<Counter> for Total {
//!     type Error = Counter;
//!
//!     fn try_from(reply: Counter) -> Result<Self, Counter> {
//!         match reply {
//!             Counter::Total(total) => Ok(Total(total)),
//!             other => Err(other),
//!         }
//!     }
//! }
//!
//! impl Request<Counter> for GetTotal {
//!     type Reply = Total;
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let broker = InMemoryMessageBroker::new();
//! let counter = "named:counter".parse()?;
//! broker.spawn(&counter, Counting(0)).await?;
//!
//! broker.send(&counter, Counter::Add(40)).await?;
//! broker.send(&counter, Counter::Add(2)).await?;
//!
//! let Total(total) = broker.ask(&counter, GetTotal).await?;
//! assert_eq!(total, 42);
//! # Ok(())
//! # }
//! ```
//!
//! # Order
//!
//! If one sender sends `a` and then `b` to one actor, `b` is never handled before `a`. Nothing is promised between
//! senders. [Priorities](MessagePriority) waive it, and so do services and pools, which pick a member for each message.
//!
//! # Loss
//!
//! None in silence. A message that the broker does not accept comes back inside the error. One that it accepts ends in
//! exactly one [`Outcome`](metrics::Outcome), always counted: handled, failed, expired, evicted, cancelled or
//! abandoned, or a duplicate. What was accepted and never begun becomes a [dead letter](dead_letters), whole, with the
//! reason; it can be read back and sent again. [`audit`](InMemoryMessageBroker::audit) says where every message is.
//!
//! # Again
//!
//! A message that was not accepted is tried again where a [retry policy](retry) says so. One that is sent [at least
//! once](MessageEnvelope::at_least_once) is also handled again when its handler fails or panics, until it is done or is a
//! dead letter. Only the second can make a handler do its work twice.
//!
//! # Requests
//!
//! A request ends with its reply, or at once with what is known: no such actor, actor stopped, handler failed or
//! panicked or let go of it. Only a handler that is still at work leads to a timeout. A reply needs no room in any
//! mailbox, and a caller that goes away takes its request along unless a handler has begun with it. See [`broker`].
//!
//! # Deadlines
//!
//! A deadline is in the envelope. It covers the wait for room in a mailbox, is checked before the handler runs, and is
//! inherited by what the handler sends. It is kept on tokio's monotonic clock, which tests can pause.
//!
//! # Errors
//!
//! One type per kind of call, with the message inside. Each says whether the message [never ran or may have
//! run](broker::Ran), and `is_retryable` is true only where sending again can't do the work twice.
//!
//! # Names and groups
//!
//! A name has one owner. It is claimed in one step, and free as soon as the owner stops or is unregistered; a late
//! unregister never touches a newer owner. Services and pools hold any number of actors, and a message goes to one that
//! lives. See [`address`](mod@address). Any actor can join further ones, with a version and tags to be found by, and those
//! who come and go can be followed: see [`services`].
//!
//! # Topics
//!
//! What is published on a subject goes to all who have subscribed to it, by patterns with `*` and `>`. Each has a mailbox of
//! its own, so a slow one loses only its own messages, and knows how many. See [`topics`].
//!
//! # Bounds
//!
//! A mailbox never holds more than its capacity. What happens to a message that finds it full is the mailbox's
//! [`BackpressureStrategy`]; unbounded is a choice that has to be typed out. See [`mailbox`].
//!
//! Whatever else callers can make a broker keep, names and pending requests among it, is bounded by its [`Limits`
//! ](limits::Limits), with an error that names the limit.
//!
//! # Panics
//!
//! A panic stays in its handler. It counts as failed, its cause reaches the caller of a request, and the actor stops or
//! is rebuilt over the same mailbox, as its [`SpawnOptions`] say. See [`actor`].
//!
//! # Ends
//!
//! The end of an actor and its cause can be awaited, or streamed for all actors. Who asks late learns at once. See
//! [`watching`].
//!
//! # Shutdown
//!
//! [`shutdown`](InMemoryMessageBroker::shutdown) refuses new work, lets actors finish what they have accepted until a
//! deadline, and turns the rest into dead letters.
//!
//! # Modules
//!
//! | module | what is in it |
//! | --- | --- |
//! | [`message`] | what is carried: the [`Message`] trait, envelopes, ids, priorities, typed [requests](Request) |
//! | [`address`](mod@address) | where it goes: ids, names, services, pools |
//! | [`topics`] | what a message is about: subjects, patterns that choose among them, subscriptions |
//! | [`mailbox`] | the bounded queue before an actor, also usable alone |
//! | [`actor`] | who receives: handles, inboxes, spawn options, how an actor ends |
//! | [`broker`] | what brings them together: the traits, the in-memory broker, contexts, errors |
//! | [`calls`] | asking a group: all and gathering, the first answer, a second member when one is slow |
//! | [`balancing`] | which member of a group is tried first |
//! | [`pools`] | workers that are spawned, replaced, resized while they work, and sized by what waits |
//! | [`services`] | who is a member of a group, in which version, with which tags |
//! | [`health`] | when a member that keeps failing is passed over |
//! | [`limits`] | how much callers can make a broker keep |
//! | [`schedule`] | what is sent after a time, at a time, at an interval |
//! | [`retry`] | whether and when a failed attempt is followed by another |
//! | [`metrics`] | what is counted |
//! | [`dead_letters`] | what was accepted and not handled |
//! | [`watching`] | who waits for the end of an actor, and learns its cause |
//!
//! What nearly every program names is here at the root as well.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(all(test, shuttle), allow(clippy::unwrap_used, reason = "tests that clippy does not take for such"))]

pub mod actor;
pub mod address;
pub mod balancing;
pub mod broker;
pub mod calls;
pub mod dead_letters;
pub mod health;
pub mod limits;
pub mod mailbox;
pub mod message;
pub mod metrics;
pub mod pools;
pub mod retry;
pub mod schedule;
pub mod services;
pub mod topics;
pub mod watching;

mod disposal;
mod feed;
mod hibernation;
mod outside;
mod requests;
mod sync;
mod timer;
mod unique_id;

pub use actor::{ActorHandle, SpawnOptions};
pub use address::ActorAddress;
pub use broker::{Context, InMemoryMessageBroker, MessageBroker, MessageHandler};
pub use mailbox::{BackpressureStrategy, MailboxOptions};
pub use message::{Message, MessageEnvelope, MessagePriority, Request};
pub use retry::RetryPolicy;

/// Runs the README's programs with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
