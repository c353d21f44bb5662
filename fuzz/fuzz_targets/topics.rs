//! Steps that are taken with subscriptions.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| switchboard_fuzz::models::check_topics(bytes));
