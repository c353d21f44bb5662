use std::sync::atomic::{AtomicU64, Ordering};

use crate::address::{ActorAddress, ActorId};

/// Which actor owns, or is a member of, which address.
///
/// It knows which registration it is, so what is done with it can't hit a later owner of the same name or id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Registration {
    /// The address.
    pub address: ActorAddress,
    /// The actor.
    pub actor: ActorId,
    pub(crate) epoch: Epoch,
}

/// One actor, told apart from a later one with the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ActorKey {
    pub(crate) id: ActorId,
    pub(crate) epoch: Epoch,
}

/// Tells the registrations of one process apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Epoch(u64);

impl Epoch {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // Relaxed: only the numbers must differ.
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
