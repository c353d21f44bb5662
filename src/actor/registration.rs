use crate::address::{ActorAddress, ActorId};

/// Which actor owns, or is a member of, which address.
///
/// The id belongs to this one registration, so what is done with it can't hit a later owner of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Registration {
    /// The address.
    pub address: ActorAddress,
    /// The actor.
    pub actor: ActorId,
}
