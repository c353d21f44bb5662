//! Texts that may be addresses, names or ids.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| switchboard_fuzz::addresses::check(text));
