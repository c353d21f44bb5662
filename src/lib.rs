//! A typed message broker for actors.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod actor;
pub mod address;
pub mod balancing;
pub mod broker;
pub mod dead_letters;
pub mod mailbox;
pub mod message;
pub mod metrics;

mod requests;
mod unique_id;
