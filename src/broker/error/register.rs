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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_says_what_happened_and_what_to_do_about_it() {
        let address = ActorAddress::named("desk").unwrap();
        let taken = RegisterError::Taken { address };
        assert_eq!(taken.to_string(), "`named:desk` has an owner: unregister that first, or choose another name");
        assert_eq!(RegisterError::from(CapacityError).to_string(), CapacityError.to_string());
        assert_eq!(RegisterError::from(CapacityError), RegisterError::Capacity(CapacityError));
        assert!(RegisterError::ShutDown.to_string().starts_with("the broker is shut down: "));
    }
}
