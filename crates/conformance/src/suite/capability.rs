use std::fmt;

/// What not every broker can do. A case that needs one is skipped where the broker does not declare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// The candidate gives the broker's [accounts](super::Candidate::accounts).
    Accounts,
    /// The candidate gives the broker's [dead letters](super::Candidate::dead_letters).
    DeadLetters,
    /// The candidate [shuts the broker down](super::Candidate::shut_down).
    Shutdown,
    /// Services and pools, and that actors join and leave them.
    Groups,
    /// Messages with one key stay with one member of a group, by
    /// [`Strategy::ConsistentHash`](switchboard::balancing::Strategy::ConsistentHash).
    Keys,
    /// Publishing and subscribing.
    Topics,
    /// Messages that are sent later.
    Scheduling,
    /// Mailboxes hold exactly as many messages as they were made for, and do what their strategy says.
    ExactBounds,
    /// Messages that were not accepted are sent again, as their retry policy says.
    Retries,
    /// Messages that are handled at least once.
    Redelivery,
    /// An actor that keeps [strict order](switchboard::actor::SpawnOptions::in_order) while a message waits to be
    /// handled again.
    StrictOrderUnderRedelivery,
    /// More urgent messages go first.
    Priorities,
    /// An actor goes on with a new handler after a panic, over the same mailbox.
    Rebuilding,
    /// A name has one owner among all [connections](super::Candidate::connect) to the broker.
    ClusterWideNames,
    /// What was accepted survives that the broker is [restarted](super::Candidate::restart).
    Durable,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Accounts,
        Self::DeadLetters,
        Self::Shutdown,
        Self::Groups,
        Self::Keys,
        Self::Topics,
        Self::Scheduling,
        Self::ExactBounds,
        Self::Retries,
        Self::Redelivery,
        Self::StrictOrderUnderRedelivery,
        Self::Priorities,
        Self::Rebuilding,
        Self::ClusterWideNames,
        Self::Durable,
    ];

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// The capabilities that a broker has.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities(u32);

impl Capabilities {
    /// None of them: what is left are the cases that every broker must pass.
    pub const NONE: Self = Self(0);

    /// These.
    #[must_use]
    pub fn of(capabilities: impl IntoIterator<Item = Capability>) -> Self {
        Self(capabilities.into_iter().fold(0, |bits, capability| bits | capability.bit()))
    }

    /// All but these.
    #[must_use]
    pub fn all_but(capabilities: impl IntoIterator<Item = Capability>) -> Self {
        Self(Self::of(Capability::ALL).0 & !Self::of(capabilities).0)
    }

    /// Whether this is one of them.
    #[must_use]
    pub fn has(self, capability: Capability) -> bool {
        self.0 & capability.bit() != 0
    }

    /// The first of `needed` that is not among them.
    #[must_use]
    pub fn lacks(self, needed: &[Capability]) -> Option<Capability> {
        needed.iter().copied().find(|capability| !self.has(*capability))
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Capability::ALL.iter().filter(|capability| self.has(**capability))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_some_are_the_others() {
        let all = Capabilities::all_but([]);
        assert!(Capability::ALL.iter().all(|capability| all.has(*capability)));
        let some = Capabilities::all_but([Capability::Durable, Capability::Topics]);
        assert_eq!(
            some.lacks(&[Capability::Groups, Capability::Topics, Capability::Durable]),
            Some(Capability::Topics)
        );
        assert_eq!(some.lacks(&[Capability::Groups]), None);
        assert_eq!(Capabilities::of([Capability::Groups]), Capabilities::of([Capability::Groups, Capability::Groups]));
        assert_eq!(format!("{:?}", Capabilities::of([Capability::Groups])), "{Groups}");
        assert_eq!(Capabilities::NONE.lacks(&[Capability::Keys]), Some(Capability::Keys));
    }
}
