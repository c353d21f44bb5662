use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Load {
    Tells,
    Asks,
    Polls,
    Leavers,
    Retries,
    Schedules,
    Topics,
    Floods,
    Pools,
    Guests,
    Letters,
    Copies,
}

impl Load {
    pub(crate) const ALL: [Self; 12] = [
        Self::Tells,
        Self::Asks,
        Self::Polls,
        Self::Leavers,
        Self::Retries,
        Self::Schedules,
        Self::Topics,
        Self::Floods,
        Self::Pools,
        Self::Guests,
        Self::Letters,
        Self::Copies,
    ];

    /// Its share of all messages, in hundredths.
    pub(crate) const fn share(self) -> u32 {
        match self {
            Self::Tells => 24,
            Self::Asks => 18,
            Self::Pools => 14,
            Self::Floods => 10,
            Self::Topics | Self::Retries => 8,
            Self::Schedules => 6,
            Self::Leavers => 4,
            Self::Guests => 3,
            Self::Letters | Self::Copies => 2,
            Self::Polls => 1,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tells => "tells",
            Self::Asks => "asks",
            Self::Polls => "polls",
            Self::Leavers => "leavers",
            Self::Retries => "retries",
            Self::Schedules => "schedules",
            Self::Topics => "topics",
            Self::Floods => "floods",
            Self::Pools => "pools",
            Self::Guests => "guests",
            Self::Letters => "letters",
            Self::Copies => "copies",
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_are_a_hundred_hundredths_and_each_load_is_at_its_place() {
        assert_eq!(Load::ALL.map(Load::share).iter().sum::<u32>(), 100);
        assert!(Load::ALL.into_iter().enumerate().all(|(index, load)| load as usize == index));
    }
}
