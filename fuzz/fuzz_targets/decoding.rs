//! What is decoded: a letter for its type, then JSON or bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| switchboard_fuzz::decoding::check(bytes));
