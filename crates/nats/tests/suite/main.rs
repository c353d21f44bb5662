//! The broker passes the suite that every broker must pass, on one server and on a cluster of three.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which fail where they panic")]

mod candidate;
#[path = "../support/mod.rs"]
mod support;

mod one_server {
    use crate::candidate::Nats;

    switchboard_conformance::suite!(Nats::single());
}

mod three_servers {
    use crate::candidate::Nats;

    switchboard_conformance::suite!(Nats::clustered());
}
