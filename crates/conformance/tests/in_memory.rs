//! The in-memory broker passes the suite.

mod common;

use common::InMemory;

switchboard_conformance::suite!(InMemory);
