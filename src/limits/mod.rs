//! Bounds on what callers can make a broker keep: see [`Limits`], which says what bounds each of its tables.
//!
//! # Exactly
//!
//! A bound is never passed, whoever comes at the same time: a place is counted in the step that takes it, and is free again
//! when what took it is gone. Whoever finds a table full is refused with a [`LimitError`] inside the error of the call, and
//! what it had is in that error as ever; nothing that is in the table is touched.
//!
//! # Cost
//!
//! A message that finds room in a mailbox is bounded by that mailbox, and passes no other count. A request counts when its
//! part of the request table grows, and not when it uses again what another has left.

mod bounds;
mod error;
mod options;
mod table;

pub use error::LimitError;
pub use options::Limits;
pub use table::Table;

pub(crate) use bounds::{Bounds, Place};
