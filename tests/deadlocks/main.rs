//! A handler that asks, directly or through others, for a reply from an actor that waits for it is refused at once. So
//! is one that would wait for room in the mailbox of such an actor.
//!
//! That an actor must not ask itself is in `self_request.rs`.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod alarms;
mod circles;
mod groups;
mod passing_on;
mod random;
mod room;
mod script;

#[path = "../common/mod.rs"]
mod common;
