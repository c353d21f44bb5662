//! The table of requests whose callers wait.
//!
//! A request has its entry here *before* its message is sent, so a reply can't come too early, and a reply goes from
//! the handler straight to its entry: it needs no room in any mailbox. The entry is freed when its caller has
//! the answer or goes away, whichever is first ([`Pending`] frees it when dropped). Slots are used again, so a
//! request allocates nothing in steady state.
//!
//! Where a handler waits, its entry also has an [`Edge`]: which actor waits, and for which. What follows from those is
//! in the broker's `cycle.rs`.
//!
//! One [timer](crate::timer) serves all deadlines.

mod edges;
mod ended;
#[cfg(all(test, shuttle))]
mod interleavings;
mod pending;
mod places;
mod shard;
mod table;

pub(crate) use edges::Edge;
pub(crate) use ended::Ended;
pub(crate) use pending::Pending;
pub(crate) use table::RequestTable;
