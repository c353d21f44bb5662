//! What every switchboard broker must pass, and what tests of programs that use one need.
//!
//! # The suite
//!
//! switchboard promises ten things of every broker. [`suite`](mod@suite) has them as named cases: whoever writes a broker
//! says in a [`Candidate`] how one is made and which [capabilities](Capability) it has, and has one test for each case:
//!
//! ```
//! use switchboard::InMemoryMessageBroker;
//! use switchboard_conformance::{Candidate, Capabilities, Capability, Job};
//!
//! struct InMemory;
//!
//! impl Candidate for InMemory {
//!     type Broker = InMemoryMessageBroker<Job>;
//!
//!     fn capabilities(&self) -> Capabilities {
//!         Capabilities::of([Capability::Groups, Capability::Topics])
//!     }
//!
//!     async fn make(&self) -> Self::Broker {
//!         InMemoryMessageBroker::new()
//!     }
//! }
//!
//! switchboard_conformance::suite!(InMemory);
//!
//! let report = switchboard_conformance::run(&InMemory);
//! assert!(report.is_passed(), "{report}");
//! ```
//!
//! # Tests of programs
//!
//! A [`Probe`] is an actor that expects messages. A [`FaultyBroker`] wraps any broker and does to its messages what
//! networks and machines do: see [`faults`].
#![forbid(unsafe_code)]

pub mod faults;
pub mod suite;

mod cases;
mod probe;

pub use faults::{Fault, FaultEntry, FaultPlan, FaultyBroker};
pub use probe::{Probe, Unexpected};
pub use suite::{
    Accounts, Candidate, Capabilities, Capability, Case, Clock, Failure, Guarantee, Job, Letter, Report, Verdict, run,
    run_case,
};
