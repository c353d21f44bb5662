//! Pools of spawned workers that are resized while they work, or size themselves by what waits before them.
//!
//! A [`WorkerPool`] spawns workers at an [address](mod@crate::address) that any number of actors can share, keeps them as many
//! as they should be, and is the handle to resize and end them with.
//!
//! ```
//! use switchboard::pools::{PoolOptions, WorkerPool};
//! use switchboard::{ActorAddress, InMemoryMessageBroker, Message, MessageBroker, MessageEnvelope};
//!
//! #[derive(Debug)]
//! struct Job(u32);
//!
//! impl Message for Job {
//!     const MESSAGE_TYPE: &'static str = "job";
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let broker = InMemoryMessageBroker::new();
//! let workers = ActorAddress::pool("workers")?;
//! let work = |job: MessageEnvelope<Job>| async move {
//!     println!("working on {}", job.message().0);
//!     Ok::<_, std::io::Error>(())
//! };
//! // Or between two bounds: `PoolOptions::between(2, 16)`.
//! let pool = WorkerPool::spawn(&broker, &workers, PoolOptions::fixed(4), move || work).await?;
//!
//! for number in 0..100 {
//!     broker.send(&workers, Job(number)).await?;
//! }
//! assert_eq!(pool.resize(8).await?, 8);
//! assert_eq!(pool.resize(2).await?, 2);
//!
//! pool.drain().await;
//! assert_eq!(broker.audit().to_string(), "100 accepted = 100 handled");
//! # Ok(())
//! # }
//! ```
//!
//! # No router
//!
//! The pool has a task of its own, but no message goes through it: senders put messages into the workers' mailboxes, and
//! which one gets a message is for the [strategy](crate::balancing) of the address to say.
//!
//! # Loss
//!
//! None. A worker that is too many takes no more messages from when the pool shrinks, and finishes what it has accepted;
//! nobody waits for that. A sender that waits for room in its mailbox finds another worker.
//!
//! # By depth
//!
//! At each look a pool [between](PoolOptions::between) bounds asks [`Sizing`] how many workers there should be.
//! [`WorkerPool::looks`] follows what it saw. What was accepted stays with the worker that accepted it, so new workers help
//! with what is sent from then on. Where a burst should be shared by workers that come later, give them small
//! [mailboxes](crate::actor::SpawnOptions::mailbox), so that senders wait: they are counted as well.
//!
//! # Workers that end by themselves
//!
//! One that panicked, was stopped or failed to start is replaced at the next look, however often that happens. What waited
//! in its mailbox becomes [dead letters](crate::dead_letters), unless it is
//! [rebuilt](crate::actor::OnPanic::Rebuild) over the same mailbox.
//!
//! # The end
//!
//! A pool ends when it is [drained](WorkerPool::drain), or with its last worker when its broker is shut down. If it has no
//! worker just then, it ends at its next look. Dropping the handle does not end it.

mod crew;
mod depth_sizing;
mod error;
mod looks;
mod options;
mod pool;
mod sizing;
mod status;
mod task;

pub use depth_sizing::DepthSizing;
pub use error::PoolError;
pub use looks::Looks;
pub use options::PoolOptions;
pub use pool::WorkerPool;
pub use sizing::Sizing;
pub use status::PoolStatus;
