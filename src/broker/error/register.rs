use thiserror::Error;

use crate::address::ActorAddress;
use crate::limits::LimitError;
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
    /// There are as many actors, names, groups, members or subscriptions as there may be.
    #[error(transparent)]
    TooMany(#[from] LimitError),
    /// The broker could not ask its server.
    #[error("the broker could not ask its server ({0}): see that it runs, and register again")]
    Unreachable(String),
    /// The broker is shut down.
    #[error("the broker is shut down: make a new one to register actors in")]
    ShutDown,
}

impl RegisterError {
    /// The limit that was reached, if that is why.
    pub const fn limit(&self) -> Option<LimitError> {
        match self {
            Self::TooMany(limit) => Some(*limit),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Table;

    #[test]
    fn each_kind_says_what_happened_and_what_to_do_about_it() {
        let address = ActorAddress::named("desk").unwrap();
        let taken = RegisterError::Taken { address };
        assert_eq!(taken.to_string(), "`named:desk` has an owner: unregister that first, or choose another name");
        assert_eq!(RegisterError::from(CapacityError).to_string(), CapacityError.to_string());
        assert_eq!(RegisterError::from(CapacityError), RegisterError::Capacity(CapacityError));
        let limit = LimitError::new(Table::Names, 3);
        let full = RegisterError::from(limit);
        assert_eq!((full.to_string(), full.limit()), (limit.to_string(), Some(limit)));
        assert_eq!(RegisterError::ShutDown.limit(), None);
        assert!(RegisterError::ShutDown.to_string().starts_with("the broker is shut down: "));
    }
}
