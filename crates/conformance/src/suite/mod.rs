//! The cases that a broker must pass, and how they are run.
//!
//! Each [`Case`] is about one [`Guarantee`]. It runs in a runtime and with a broker of its own, and is skipped if the
//! broker lacks a [`Capability`] that it needs. What it saw that should not be is in its [`Failure`].
//!
//! | how | what for |
//! | --- | --- |
//! | [`suite!`](crate::suite!) | a test for each case, which the test runner names |
//! | [`run`] | all of them at once, with a [`Report`] |
//! | [`run_case`] | one, by its name |

mod candidate;
mod capability;
mod case;
mod clock;
mod failure;
mod guarantee;
mod job;
mod list;
mod report;
mod runner;
mod stage;
mod worker;

pub use candidate::{Accounts, Candidate, Letter};
pub use capability::{Capabilities, Capability};
pub use case::Case;
pub use clock::Clock;
pub use failure::Failure;
pub use guarantee::Guarantee;
pub use job::Job;
pub use report::{Report, Verdict};
pub use runner::{run, run_case};

pub(crate) use failure::{NOTHING, Played, Seen, check, same};
pub(crate) use stage::Stage;
pub(crate) use worker::{Staffed, Worker};
