//! A message that is sent at least once is handled until its handler says that it is done, or its retry policy or deadline
//! ends it, as a dead letter that has it whole.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod attempts;
mod by_hand;
mod copies;
mod order;
mod places;
mod requests;
mod script;

#[path = "../common/mod.rs"]
mod common;
