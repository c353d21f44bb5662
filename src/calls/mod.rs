//! Asking a group: all of its members, whoever is first, or a second one when the first is slow.
//!
//! | call | who is asked | when to use it |
//! | --- | --- | --- |
//! | [`ask`](crate::broker::MessageBroker::ask) | one member | any one can answer |
//! | [`ask_hedged`](GroupCalls::ask_hedged) | one, and a second if the first is slow | few answers are slow, and those matter |
//! | [`ask_first`](GroupCalls::ask_first) | all | the sooner the better, whatever work it costs |
//! | [`ask_all`](GroupCalls::ask_all) | all | each knows something else |
//!
//! ```
//! use std::time::Duration;
//!
//! use switchboard::broker::ReplyError;
//! use switchboard::calls::GroupCalls;
//! use switchboard::{
//!     ActorAddress, Context, InMemoryMessageBroker, Message, MessageBroker, MessageEnvelope, MessageHandler, Request,
//! };
//!
//! #[derive(Debug)]
//! enum Stock {
//!     HowMany,
//!     Count(u32),
//! }
//!
//! impl Message for Stock {
//!     const MESSAGE_TYPE: &'static str = "stock";
//! }
//!
//! #[derive(Clone)]
//! struct HowMany;
//! struct Count(u32);
//!
//! impl From<HowMany> for Stock {
//!     fn from(_: HowMany) -> Self {
//!         Stock::HowMany
//!     }
//! }
//!
//! impl TryFrom<Stock> for Count {
//!     type Error = Stock;
//!
//!     fn try_from(reply: Stock) -> Result<Self, Stock> {
//!         match reply {
//!             Stock::Count(count) => Ok(Count(count)),
//!             other => Err(other),
//!         }
//!     }
//! }
//!
//! impl Request<Stock> for HowMany {
//!     type Reply = Count;
//! }
//!
//! struct Warehouse(u32);
//!
//! impl MessageHandler<Stock> for Warehouse {
//!     type Error = ReplyError<Stock>;
//!
//!     async fn handle<B: MessageBroker<Stock>>(
//!         &mut self,
//!         _: MessageEnvelope<Stock>,
//!         context: &Context<Stock, B>,
//!     ) -> Result<(), Self::Error> {
//!         context.reply(Stock::Count(self.0)).await
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let broker = InMemoryMessageBroker::new();
//! let warehouses = ActorAddress::service("warehouses")?;
//! for count in [3, 4, 5] {
//!     broker.spawn(&warehouses, Warehouse(count)).await?;
//! }
//!
//! let gathered = broker.ask_all(&warehouses, HowMany, Duration::from_secs(1)).await?;
//! assert!(gathered.is_complete());
//! assert_eq!(gathered.into_replies().map(|Count(count)| count).sum::<u32>(), 12);
//!
//! // One of them, whichever is first.
//! let Count(count) = broker.ask_first(&warehouses, HowMany, Duration::from_secs(1)).await?;
//! assert!((3..=5).contains(&count));
//!
//! // One of them, and another if that one takes longer than usual.
//! let Count(count) = broker.ask_hedged(&warehouses, HowMany, Duration::from_millis(20)).await?;
//! assert!((3..=5).contains(&count));
//! # Ok(())
//! # }
//! ```
//!
//! # Deadlines
//!
//! One deadline covers a call as a whole, however many are asked and whenever. In a handler it is no later than that of the
//! message being handled.
//!
//! # Failures
//!
//! [`ask_all`](GroupCalls::ask_all) keeps apart who answered, who can't answer any more, and who was not done in time. The
//! other two fail only if all who were asked do, and [`CallError`] has each of their errors then.
//!
//! # Members
//!
//! Those of the moment of the call. They are asked by their ids, so a [retry
//! policy](crate::broker::InMemoryMessageBroker::set_retry) for the group's address does not hold for them.
//!
//! # Hedging
//!
//! Asking twice what is slow once trades a little more work for far fewer slow answers. With `after` at what 95 of 100
//! answers take, there are 5 in 100 more requests (Dean and Barroso, "The Tail at Scale", Communications of the ACM,
//! 2013). The loser is given up: if it has not begun, it never will, and if it has, its answer is counted as late. So it
//! may be done twice.
//!
//! # Tasks
//!
//! None. All waiting is in the caller's own future, and dropping that gives up all that was asked.

mod all;
mod asking;
mod context;
mod error;
mod first;
mod gathered;
mod group_calls;
mod hedged;

pub use error::CallError;
pub use gathered::Gathered;
pub use group_calls::GroupCalls;
