//! The cases, one file for each guarantee. Their names are in the suite's list.

pub(crate) mod bounds;
pub(crate) mod conservation;
pub(crate) mod deadlines;
pub(crate) mod names;
pub(crate) mod order;
pub(crate) mod panics;
pub(crate) mod pools;
pub(crate) mod ran;
pub(crate) mod requests;
pub(crate) mod shutdown;
