use thiserror::Error;

use crate::address::ActorAddress;
use crate::limits::LimitError;

/// Why an actor can't be watched.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WatchError {
    /// Nobody is at the address, and no end of an actor there is remembered.
    #[error("nobody is at `{address}` and no end there is remembered: watch an actor while it lives, by its handle")]
    NoSuchActor {
        /// The address.
        address: ActorAddress,
    },
    /// The address is a service or a pool, which has no end.
    #[error("`{address}` is a group, which has no end: watch its members by their ids, or follow the ends of all")]
    Group {
        /// The address.
        address: ActorAddress,
    },
    /// There are as many watches as there may be.
    #[error(transparent)]
    TooMany(#[from] LimitError),
}

impl WatchError {
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
        let nobody = WatchError::NoSuchActor { address: ActorAddress::named("desk").unwrap() };
        assert!(nobody.to_string().starts_with("nobody is at `named:desk` and no end there is remembered: "));
        let group = WatchError::Group { address: ActorAddress::pool("desks").unwrap() };
        assert!(group.to_string().starts_with("`pool:desks` is a group, which has no end: "));
        let limit = LimitError::new(Table::Watches, 3);
        let full = WatchError::from(limit);
        assert_eq!((full.to_string(), full.limit(), group.limit()), (limit.to_string(), Some(limit), None));
    }
}
