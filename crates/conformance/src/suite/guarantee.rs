use std::fmt;

/// What switchboard promises of every broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guarantee {
    /// What one sender sends first to an actor is not handled after what it sends later.
    Order,
    /// What is accepted ends in exactly one outcome, and what is not comes back.
    Conservation,
    /// An error says whether the message never ran or may have run.
    NeverOrMaybeRan,
    /// Requests end: with a reply, or at once with what is known.
    RequestsEnd,
    /// Deadlines travel with messages.
    Deadlines,
    /// A name has one owner.
    Names,
    /// Pools and services hold the living.
    Pools,
    /// No call goes round the bound of a mailbox.
    Bounds,
    /// A panic stays in its handler.
    Panics,
    /// Shutting down refuses new work, finishes what was accepted, and hands back the rest.
    Shutdown,
}

impl Guarantee {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Order,
        Self::Conservation,
        Self::NeverOrMaybeRan,
        Self::RequestsEnd,
        Self::Deadlines,
        Self::Names,
        Self::Pools,
        Self::Bounds,
        Self::Panics,
        Self::Shutdown,
    ];

    /// Its number, from 1 to 10.
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Conservation => "conservation",
            Self::NeverOrMaybeRan => "never ran, or may have run",
            Self::RequestsEnd => "requests end",
            Self::Deadlines => "deadlines travel",
            Self::Names => "names are owned once",
            Self::Pools => "pools hold the living",
            Self::Bounds => "bounds hold",
            Self::Panics => "a panic stays in its handler",
            Self::Shutdown => "shutdown drains",
        }
    }
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} ({})", self.number(), self.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guarantees_are_numbered_from_one_to_ten() {
        assert!(Guarantee::ALL.iter().map(|guarantee| guarantee.number()).eq(1..=10));
        assert_eq!(Guarantee::Order.to_string(), "1 (order)");
    }
}
