use thiserror::Error;

use crate::address::{ActorAddress, ActorId};
use crate::limits::LimitError;

/// Why an actor did not join a service or pool.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The address is that of one actor.
    #[error("`{address}` is no group: join a service or a pool, or register the actor under that name")]
    NotAGroup {
        /// The address.
        address: ActorAddress,
    },
    /// The actor has ended or is about to, or is another broker's.
    #[error("no actor `{actor}` with this registration takes messages here: register it and join with the new one")]
    NoSuchActor {
        /// The actor.
        actor: ActorId,
    },
    /// The actor is a member, by joining or because it is registered there.
    #[error("the actor is a member of `{address}`: leave it to join in another version, or have another actor join")]
    AlreadyMember {
        /// The service or pool.
        address: ActorAddress,
    },
    /// There are as many groups, or as many members of this one, as there may be.
    #[error(transparent)]
    TooMany(#[from] LimitError),
    /// The broker is shut down.
    #[error("the broker is shut down: make a new one to register and join in")]
    ShutDown,
}

impl JoinError {
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
        let not_a_group = JoinError::NotAGroup { address: ActorAddress::named("desk").unwrap() };
        assert!(not_a_group.to_string().starts_with("`named:desk` is no group: "));
        let actor = ActorId::next();
        let gone = JoinError::NoSuchActor { actor };
        assert!(gone.to_string().starts_with(&format!("no actor `{actor}` with this registration")));
        let member = JoinError::AlreadyMember { address: ActorAddress::pool("desks").unwrap() };
        assert!(member.to_string().starts_with("the actor is a member of `pool:desks`: "));
        let limit = LimitError::new(Table::Members, 3);
        let full = JoinError::from(limit);
        assert_eq!((full.to_string(), full.limit()), (limit.to_string(), Some(limit)));
        assert_eq!(JoinError::ShutDown.limit(), None);
        assert!(JoinError::ShutDown.to_string().starts_with("the broker is shut down: "));
    }
}
