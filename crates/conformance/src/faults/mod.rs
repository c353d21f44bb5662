//! A broker that breaks things on purpose.
//!
//! A [`FaultyBroker`] wraps any broker and is one itself. Its [`FaultPlan`] says how often which [`Fault`] strikes; what
//! strikes when comes from the plan's seed alone, and from the order of the calls. So on a paused clock and in a runtime of
//! one thread, the same seed gives the same run, and its [log](FaultyBroker::log) is the same, byte for byte.
//!
//! ```
//! use switchboard::{ActorAddress, InMemoryMessageBroker, Message, MessageBroker, MessageEnvelope};
//! use switchboard_conformance::{Fault, FaultPlan, FaultyBroker};
//!
//! #[derive(Clone, Debug)]
//! struct Job(u32);
//!
//! impl Message for Job {
//!     const MESSAGE_TYPE: &'static str = "job";
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?.block_on(async {
//! let plan = FaultPlan::new(7).rate(Fault::Drop, 0.2).rate(Fault::Duplicate, 0.1).rate(Fault::Delay, 0.5);
//! let broker = FaultyBroker::new(InMemoryMessageBroker::new(), plan);
//! let desk = ActorAddress::named("desk")?;
//! let work = |_: MessageEnvelope<Job>| async { Ok::<_, std::io::Error>(()) };
//! let actor = broker.spawn(&desk, work).await?;
//! for number in 0..100 {
//!     broker.send(&desk, Job(number)).await?;
//! }
//! actor.drain().await;
//!
//! let dropped = broker.struck(Fault::Drop);
//! let duplicated = broker.struck(Fault::Duplicate);
//! assert!(dropped > 0 && duplicated > 0);
//! assert_eq!(broker.inner().audit().accepted, 100 - dropped + duplicated);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # What strikes where
//!
//! | call | faults |
//! | --- | --- |
//! | `send`, `request`, `forward` | all of the first group but crashes |
//! | `try_send` | the same, without delays |
//! | `send_at`, `send_after` | drops |
//! | `publish`, `broadcast` | delays, duplicates |
//! | `register`, `spawn`, `unregister`, `members` | the faults of the second group that are about actors |
//! | replies, and word that there will be none | delays, and [`Fault::LoseReply`] |
//! | handlers | [`Fault::Crash`] |
//!
//! What a handler sends through its context is struck as well. `send_every` is left alone.
//!
//! A sender whose message is dropped, duplicated or held back for another learns nothing of it. One whose message is
//! delayed waits; its order is kept. What is held back is sent by a task of its own, so [`Fault::Reorder`] needs a tokio
//! runtime.

mod broker;
mod carrying;
mod fault;
mod handler;
mod log;
mod plan;
mod shared;
mod way;

pub use broker::FaultyBroker;
pub use fault::Fault;
pub use log::FaultEntry;
pub use plan::FaultPlan;
