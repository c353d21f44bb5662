//! Steps that are taken with the registry.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| switchboard_fuzz::models::check_registry(bytes));
