//! The kinds of load. Each has a file, which spawns its actors, calls, and has them come and go; all are at rest when the gate is
//! closed, with no actors but those that a load keeps from beginning to end.

mod address;
mod asks;
mod copies;
mod floods;
mod guests;
mod leavers;
mod letters;
mod load;
mod polls;
mod pools;
mod retries;
mod schedules;
mod start;
mod tells;
mod topics;

pub(crate) use letters::redriven;
pub(crate) use load::Load;
pub(crate) use start::start;
