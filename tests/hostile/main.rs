//! A message that panics when it is dropped or cloned takes nothing down but, where it is in one's hands, its own handler or
//! caller: no other message, no actor that did not handle it, not the broker, and not the process.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod copies;
mod kept;
mod mailboxes;
mod office;

#[path = "../common/mod.rs"]
mod common;
