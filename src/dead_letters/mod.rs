//! Accepted messages that were not handled, kept whole with the reason.
//!
//! [`InMemoryMessageBroker::dead_letters`](crate::broker::InMemoryMessageBroker::dead_letters) gives the
//! [`DeadLetters`] of a broker, to be read, followed as they come, or taken out:
//!
//! ```
//! use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
//! use switchboard::dead_letters::{DeadLetterFilter, DeadLetterOptions, DeadLetterReason};
//! use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
//! # use switchboard::message::Message;
//! # #[derive(Debug, PartialEq)]
//! # struct Note(&'static str);
//! # impl Message for Note {
//! #     const MESSAGE_TYPE: &'static str = "note";
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = DeadLetterOptions::new().capacity(100).log_per_second(1);
//! let broker = InMemoryMessageBroker::builder().dead_letters(options).build()?;
//! let dead_letters = broker.dead_letters();
//! let mut coming = dead_letters.follow(16);
//!
//! let desk = "named:desk".parse()?;
//! let latest_only = MailboxOptions::bounded(1).strategy(BackpressureStrategy::DropOldest);
//! let inbox = broker.register(&desk, latest_only).await?;
//! broker.send(&desk, Note("early")).await?;
//! broker.send(&desk, Note("late")).await?;
//! drop(inbox);
//!
//! for letter in dead_letters.list(&DeadLetterFilter::all().target(&desk)) {
//!     println!("{} at {}: {}", letter.id, letter.address, letter.reason);
//! }
//! let followed = coming.next().await.expect("the broker is still there");
//! assert_eq!((followed.letter.reason, followed.missed), (DeadLetterReason::Evicted, 0));
//!
//! let evicted = dead_letters.take(&DeadLetterFilter::all().reason(DeadLetterReason::Evicted));
//! assert_eq!(evicted[0].envelope.message(), &Note("early"));
//! assert_eq!(dead_letters.len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! A message that its handler has begun with was moved into the handler, so one that fails there is counted
//! ([`Outcome::Failed`](crate::metrics::Outcome::Failed)), but there is no message left to keep; unless it was sent [at
//! least once](crate::message::MessageEnvelope::at_least_once), for which a clone was made before.
//!
//! # Sending them again
//!
//! When what was wrong is mended, [`redrive`](DeadLetters::redrive) sends those that match to where they were to go, and
//! [`redrive_to`](DeadLetters::redrive_to) to another address:
//!
//! ```
//! # use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
//! # use switchboard::dead_letters::DeadLetterFilter;
//! # use switchboard::mailbox::MailboxOptions;
//! # use switchboard::message::Message;
//! # #[derive(Debug, PartialEq)]
//! # struct Note(&'static str);
//! # impl Message for Note {
//! #     const MESSAGE_TYPE: &'static str = "note";
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let broker = InMemoryMessageBroker::new();
//! let desk = "named:desk".parse()?;
//! let inbox = broker.register(&desk, MailboxOptions::bounded(8)).await?;
//! broker.send(&desk, Note("nobody reads me")).await?;
//! drop(inbox);
//!
//! let mut inbox = broker.register(&desk, MailboxOptions::bounded(8)).await?;
//! let redriven = broker.dead_letters().redrive(&DeadLetterFilter::all().target(&desk));
//! assert_eq!(redriven.sent, 1);
//! let delivery = inbox.recv().await.expect("it was sent again");
//! assert_eq!(delivery.message(), &Note("nobody reads me"));
//! # Ok(())
//! # }
//! ```
//!
//! # Bounds
//!
//! As many are kept as [`DeadLetterOptions`] say. What does not fit is let go and counted, and
//! [`DeadLetterOverflow`] says which: the oldest, or the one that comes. A follower has a bounded queue of its own; a
//! slow one holds up nobody, loses only its own, and knows how many.
//!
//! # Logging
//!
//! Each is worth a warning through `tracing`, but a flood of them is not worth a flooded log: only some are logged in a
//! second, and the next line says how many were not. The line names the message and never shows it. A kind of message
//! whose end is nothing to worry about opts out with
//! [`Message::is_dead_letter_logged`](crate::message::Message::is_dead_letter_logged).
//!
//! # Locking
//!
//! Nothing of a message's own, its `Clone` and its `Drop`, runs under a lock that a sender waits for.

mod filter;
mod handle;
mod info;
mod letter;
mod log;
mod options;
mod redriven;
mod store;
mod stream;
mod throttle;

pub use filter::DeadLetterFilter;
pub use handle::DeadLetters;
pub use info::DeadLetterInfo;
pub use letter::{DeadLetter, DeadLetterReason};
pub use options::{DeadLetterOptions, DeadLetterOverflow};
pub use redriven::Redriven;
pub use stream::{DeadLetterStream, FollowedLetter};

pub(crate) use store::LetterStore;
