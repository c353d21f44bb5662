//! What must be true whatever comes from outside, checked for one input at a time. A target of the fuzzer hands each of
//! its inputs to one `check`, which panics where it is not true. `bin/fuzz` runs the targets.

pub mod addresses;
pub mod decoding;
pub mod matching;
pub mod models;
pub mod subjects;

mod text;
