//! Texts that may be subjects or patterns.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| switchboard_fuzz::subjects::check(text));
