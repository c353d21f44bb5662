//! Actors: whatever owns a mailbox.
//!
//! A broker runs a [`MessageHandler`](crate::broker::MessageHandler) in a task of its own and gives back an
//! [`ActorHandle`]; or it registers code that receives by hand, through an [`Inbox`]. Either way the actor has an id,
//! an address and a mailbox.
//!
//! # How an actor ends
//!
//! | by | what waits in its mailbox | the message being handled | its [cause](StopCause) |
//! | --- | --- | --- | --- |
//! | [`ActorHandle::drain`], a shutdown in time | is handled | is handled | `Drained` |
//! | [unregistering](crate::broker::MessageBroker::unregister) | is handled | is handled | `Unregistered` |
//! | [`ActorHandle::stop`], [`Context::stop`](crate::broker::Context::stop) | becomes dead letters | is handled | `Stopped` |
//! | [`ActorHandle::abort`], a shutdown too late, its runtime's end | becomes dead letters | is dropped at its next `await`, and counts as abandoned | `Aborted` |
//! | a panic, under [`OnPanic::Stop`] | becomes dead letters | counts as failed | `Panicked` |
//! | a failed start, the first or after a panic | becomes dead letters | | `StartFailed` |
//! | closing an [`Inbox`] | can be received | | `Unregistered`, when it is dropped |
//! | dropping an [`Inbox`] | becomes dead letters | | `Unregistered`, or `Drained` if a shutdown closed it |
//!
//! A message that was sent [at least once](crate::message::MessageEnvelope::at_least_once) is never lost with its handler:
//! one that was being handled when its actor was aborted is a dead letter, whole; one whose handler panicked is handled
//! again, by whoever is behind its address then. An actor that drains waits for those that it is to handle again.
//!
//! In every case its names are free at once, its mailbox refuses what comes later, and the requests that can't be
//! answered any more end. Its end and the cause can be [watched](crate::watching).

mod cell;
mod delivery;
mod departure;
mod dormant;
mod duplicates;
mod end;
mod factory;
mod handle;
mod in_doubt;
mod inbox;
mod mailbox;
mod options;
mod panic;
mod registration;
mod rest;
mod run;
mod stop;
mod turn;
mod waits;

pub use delivery::Delivery;
pub use end::ActorEnd;
pub use factory::{HandlerFactory, Once, once};
pub use handle::ActorHandle;
pub use inbox::Inbox;
pub use options::{OnPanic, SpawnOptions};
pub use registration::Registration;
pub use stop::StopCause;

pub(crate) use cell::ActorCell;
pub(crate) use mailbox::ActorMailbox;
pub(crate) use panic::catch_panic_now;
pub(crate) use registration::{ActorKey, Epoch};
pub(crate) use run::spawn;
pub(crate) use waits::{RoomWait, Wait, Waiting};
