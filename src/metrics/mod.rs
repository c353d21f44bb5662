//! What a broker has counted.
//!
//! Every envelope that a broker accepts ends in exactly one [`Outcome`]. [`BrokerMetrics`] is a snapshot of how many
//! ended how, in total and for each living actor. Reading it takes a short lock per actor; counting takes none of its
//! own: what goes into a mailbox is counted under the lock that moves it, and what comes out is counted by the one
//! task that handles it, in memory of its own.
//!
//! How long messages wait and are handled, and requests take, is measured for one in [`SAMPLED_ONE_IN`]: see
//! [`Timings`]. Everything in a snapshot can be serialised, read back, and its timings merged with those of others.
//!
//! ```
//! # use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
//! # use switchboard::message::{Message, MessageEnvelope};
//! use switchboard::metrics::Outcome;
//! # #[derive(Debug)]
//! # struct Note;
//! # impl Message for Note {
//! #     const MESSAGE_TYPE: &'static str = "note";
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let broker = InMemoryMessageBroker::<Note>::new();
//! let desk = "named:desk".parse()?;
//! let actor = broker.spawn(&desk, |_: MessageEnvelope<Note>| async { Ok::<_, String>(()) }).await?;
//! broker.send(&desk, Note).await?;
//! actor.drain().await;
//!
//! let metrics = broker.metrics();
//! assert_eq!(metrics.total.outcomes[Outcome::Handled], 1);
//! assert_eq!(metrics.total.unaccounted(), 0);
//! # Ok(())
//! # }
//! ```

mod audit;
mod outcome;
mod publishing;
mod snapshot;
mod stopwatch;
mod tally;
mod timing;
mod timings;

pub use audit::{Account, Audit, Difference};
pub use outcome::{Outcome, Outcomes};
pub use publishing::Publishing;
pub use snapshot::{ActorMetrics, BrokerMetrics, Traffic};
pub use timing::Timing;
pub use timings::{SAMPLED_ONE_IN, Timings};

pub(crate) use stopwatch::Stopwatch;
pub(crate) use tally::Tally;
