//! How a group of actors shares its messages: which member is tried first.
//!
//! A policy is a small pure value. It sees the number of members and a [`Cursor`], and names a place; the registry
//! walks on from there past members that have stopped.

mod round_robin;

pub use round_robin::{Cursor, RoundRobin};
