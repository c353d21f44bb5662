//! What is to be delivered later: messages sent after a time, at a time or at an interval, and messages that are to be
//! handled again.
//!
//! [`MessageBroker::send_after`](crate::broker::MessageBroker::send_after) gives a [`Scheduled`], and
//! [`send_every`](crate::broker::MessageBroker::send_every) a [`Recurring`]: handles that cancel. Dropping one changes
//! nothing.
//!
//! ```
//! use std::time::Duration;
//!
//! use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
//! # use switchboard::message::{Message, MessageEnvelope};
//! # use switchboard::mailbox::MailboxOptions;
//! # #[derive(Clone, Debug, PartialEq)]
//! # enum Note { Remind, Tick }
//! # impl Message for Note {
//! #     const MESSAGE_TYPE: &'static str = "note";
//! # }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let broker = InMemoryMessageBroker::new();
//! let desk = "named:desk".parse()?;
//! let mut inbox = broker.register(&desk, MailboxOptions::bounded(8)).await?;
//!
//! let reminder = broker.send_after(Duration::from_secs(5), &desk, Note::Remind).await?;
//! let ticking = broker.send_every(Duration::from_secs(2), &desk, Note::Tick).await?;
//! for expected in [Note::Tick, Note::Tick, Note::Remind] {
//!     assert_eq!(inbox.recv().await.map(|delivery| delivery.into_message()), Some(expected));
//! }
//! assert!(reminder.cancel().is_none(), "it has been delivered");
//! ticking.cancel();
//! # Ok(())
//! # }
//! ```
//!
//! # Loss
//!
//! None in silence. A scheduled message is accepted, and counts as waiting, from the moment it is scheduled. When it is
//! due it goes into its mailbox like any other, waiting in line where senders would wait, without holding up anything
//! else. Where it is refused, its [retry policy](crate::retry) says whether it is tried again; in the end it is a dead
//! letter. One that is cancelled comes back.
//!
//! # Time
//!
//! Due times are on tokio's monotonic clock, with a resolution of a millisecond. One task keeps them for the whole
//! broker, whatever their number.

mod agenda;
mod entry;
mod recurring;
mod scheduled;

pub use recurring::Recurring;
pub use scheduled::Scheduled;

pub(crate) use agenda::{Agenda, Number};
pub(crate) use entry::{Entry, Parcel, Progress, Refrain};
