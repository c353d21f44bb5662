//! Watching: who wants to know that an actor has ended, and why.
//!
//! A [`Watch`] is a future of one actor's end. [`ActorHandle::watch`] and [`Inbox::watch`] make one, and
//! [`MessageBroker::watch`] makes one of an id or a name. [`Ends`] is the stream of the ends of all actors.
//!
//! ```
//! use switchboard::actor::StopCause;
//! use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
//! use switchboard::message::{Message, MessageEnvelope};
//!
//! #[derive(Debug)]
//! struct Page(u32);
//!
//! impl Message for Page {
//!     const MESSAGE_TYPE: &'static str = "page";
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let broker = InMemoryMessageBroker::new();
//! let printer = "named:printer".parse()?;
//! broker.spawn(&printer, |page: MessageEnvelope<Page>| async move {
//!     assert_ne!(page.message().0, 2, "out of paper");
//!     Ok::<_, String>(())
//! }).await?;
//!
//! let watch = broker.watch(&printer).await?;
//! broker.send(&printer, Page(1)).await?;
//! broker.send(&printer, Page(2)).await?;
//! let end = watch.await;
//! let StopCause::Panicked(cause) = &end.cause else { panic!("{}", end.cause) };
//! assert!(cause.contains("out of paper"));
//!
//! // Who comes late learns at once.
//! assert_eq!(broker.watch(&printer).await?.await, end);
//! # Ok(())
//! # }
//! ```
//!
//! # When an actor has ended
//!
//! When its names are free, its task has let go of all it owned, and what waited in its mailbox has become dead letters.
//! The messages that an [`Inbox`] gave out may still be worked on.
//!
//! # Once, and never missed
//!
//! Each actor's end is told once, to each watch and each stream. A watch stays with the actor that it was made for, so
//! whoever takes that actor's name does not touch it; and once made, it learns of the end, whatever is remembered.
//!
//! # What is remembered
//!
//! The latest ends, for those who ask by id or name when the actor is gone:
//! [as many](crate::broker::InMemoryBuilder::remembered_ends) as the broker was told.
//!
//! # Cost
//!
//! An actor that nobody watches costs nothing here but a place for its end. A stream holds up nobody: a slow one loses
//! the oldest of what it has not read, and learns how many that were.
//!
//! [`ActorHandle::watch`]: crate::actor::ActorHandle::watch
//! [`Inbox::watch`]: crate::actor::Inbox::watch
//! [`Inbox`]: crate::actor::Inbox
//! [`MessageBroker::watch`]: crate::broker::MessageBroker::watch

mod endings;
mod ends;
mod memory;
mod table;
mod watch;

pub use ends::{Ends, FollowedEnd};
pub use watch::Watch;

pub(crate) use endings::Endings;
