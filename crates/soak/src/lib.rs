//! Mixed load on a broker for as long as one likes: `bin/soak`.
//!
//! All that a broker can be asked to do goes on at once, each in a load of its own (`loads`): tells, asks, callers who go away,
//! retries, schedules, topics, floods, pools, actors that come and go, dead letters that are sent again. What callers, handlers
//! and whoever looks at dead letters see is noted at a desk, which knows nothing of the broker's own counters. Every minute the
//! loads pause, all comes to rest, and then every message must have its one end, the broker's accounts must be those of the
//! desk, outcome by outcome, its tables be as large as they were the first time, and its memory not grow from rest to rest.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use switchboard_soak::{InMemory, Plan, soak};
//!
//! # #[tokio::main]
//! # async fn main() {
//! let plan = Plan::new(Duration::from_secs(600)).seed(7).rate(5_000.0);
//! let report = soak(InMemory, plan, |quiet| println!("{quiet}")).await;
//! assert!(report.is_passed(), "{report}");
//! # }
//! ```
#![forbid(unsafe_code)]

mod book;
mod calls;
mod candidate;
mod chart;
mod client;
mod desk;
mod ends;
mod findings;
mod gate;
mod growth;
mod job;
mod lanes;
mod loads;
mod memory;
mod plan;
mod player;
mod plots;
mod quiet;
mod report;
mod run;
mod sample;
mod sampler;
mod undertaker;
mod worker;

pub use candidate::{Candidate, InMemory};
pub use findings::{Findings, Kind};
pub use job::Job;
pub use plan::Plan;
pub use quiet::{Quiet, Tables};
pub use report::Report;
pub use run::soak;
