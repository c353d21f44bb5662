use thiserror::Error;

use crate::address::ActorAddress;
use crate::mailbox::CapacityError;

/// Why an actor was not registered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The address has an owner.
    #[error("`{address}` has an owner: unregister that first, or choose another name")]
    Taken {
        /// The address.
        address: ActorAddress,
    },
    /// The mailbox can hold nothing.
    #[error(transparent)]
    Capacity(#[from] CapacityError),
    /// The broker is shut down.
    #[error("the broker is shut down: make a new one to register actors in")]
    ShutDown,
}
