//! Brokers: what gets messages from senders to actors.
//!
//! [`MessageBroker`] is the trait that programs are written against, [`MessageHandler`] what actors implement, and
//! [`InMemoryMessageBroker`] the broker for one process.
//!
//! # Order
//!
//! If one sender sends `a` and then `b` to one actor, `b` is never handled before `a`. Nothing is promised between
//! senders. Different priorities, and services and pools, which pick a member for each message, waive it; but under
//! [`Strategy::ConsistentHash`](crate::balancing::Strategy::ConsistentHash), messages with one
//! [routing key](crate::message::Message::routing_key) go to one member for as long as the members are the same, and so
//! keep their order.
//!
//! # Groups
//!
//! A message to a service or pool is offered to a member that its [strategy](crate::balancing) picks, by default the
//! less loaded of two. If that one is full it is offered to others, 16 at most, and then waits at the first that it may
//! wait at; a key binds it to its member, full or not. A member that has stopped gets nothing. A message that is [for
//! all members](crate::balancing#all-members) is offered to each of them, and waits for none.
//!
//! # Loss
//!
//! None in silence. A message that is not accepted comes back in the error. One that is accepted ends in exactly one
//! [`Outcome`](crate::metrics::Outcome), which is counted; if it was not handled it becomes a
//! [dead letter](crate::dead_letters). A message that is sent [at least
//! once](crate::message::MessageEnvelope::at_least_once) is handled until its handler returns `Ok`, as far as its [retry
//! policy](crate::retry) and its deadline go; it may be handled more than once, and after others that were sent later.
//!
//! # Requests
//!
//! A request ends with its reply, or at once with what is known: no such actor, actor stopped, no reply from the
//! handler, handler failed or panicked. Only a handler that is still at work leads to a timeout. One deadline covers
//! the whole, the wait for room in the mailbox included. A caller that goes away takes its request along: if not begun,
//! it never is. Handlers that ask each other in a circle are told so at once: see [`Context::request`].
//!
//! # Errors
//!
//! Each kind of call has an error type of its own, with the message in it and a kind that can be matched.
//! [`Ran`] says whether the message may have reached a handler.

mod answer;
mod ask;
mod broadcast;
mod broadcasted;
mod caller;
mod context;
mod copies;
mod cycle;
mod delivery;
mod due;
mod error;
mod group;
mod handler;
mod hub;
mod in_memory;
#[cfg(all(test, shuttle))]
mod interleavings;
mod joining;
mod keyed;
mod offer;
mod outlet;
mod publish;
mod redrive;
mod registry;
mod reply_token;
mod request;
mod retries;
mod route;
mod scheduling;
mod settings;
mod shutdown;
mod tell;
mod time;
mod traits;

pub use broadcasted::Broadcasted;
pub use caller::{Caller, Declined};
pub use context::{Context, LentContext};
pub use error::{
    AskError, ForwardError, ForwardErrorKind, JoinError, Ran, RegisterError, ReplyError, ReplyErrorKind, RequestError,
    RequestErrorKind, SendError, SendErrorKind, WatchError,
};
pub use handler::MessageHandler;
pub use in_memory::InMemoryMessageBroker;
pub use outlet::{Outbound, Outlet, Receipt};
pub use registry::{ActorRegistry, Outlook};
pub use reply_token::ReplyToken;
pub use route::Route;
pub use settings::InMemoryBuilder;
pub use shutdown::ShutdownReport;
pub use traits::MessageBroker;

pub(crate) use ask::ask;
pub(crate) use delivery::{Failed, Fate, Verdict};
pub(crate) use hub::Hub;
