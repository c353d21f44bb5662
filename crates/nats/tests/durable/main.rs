//! At least once, across nodes: what the server has confirmed is handled to its end by somebody, or is a dead letter that every
//! node sees.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which fail where they panic")]

mod delivery;
mod fixture;
mod going;
mod letters;
#[path = "../support/mod.rs"]
mod support;
