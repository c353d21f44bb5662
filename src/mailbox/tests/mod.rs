//! What a mailbox promises, by theme, against what its users see of it.

mod batches;
mod blocking;
mod cancelling;
mod closing;
mod counts;
#[cfg(shuttle)]
mod interleavings;
mod model;
mod order;
mod patience;
mod strategies;
mod stress;
mod support;
mod unattended;
