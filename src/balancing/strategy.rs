use std::fmt;

use serde::{Deserialize, Serialize};

/// How a pool or service picks the member for a message.
///
/// See [the module](super) for what each costs and when to choose which.
///
/// ```
/// use switchboard::balancing::Strategy;
///
/// assert_eq!(Strategy::default(), Strategy::PowerOfTwo);
/// assert_eq!(Strategy::ConsistentHash.to_string(), "consistent_hash");
/// assert!(!Strategy::ConsistentHash.may_move_on());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Strategy {
    /// Of two members picked at random, the one with less before it.
    #[default]
    PowerOfTwo,
    /// Each member in its turn.
    RoundRobin,
    /// Any member, each as likely as any other.
    Random,
    /// The member with the least before it.
    LeastLoaded,
    /// Always the same member for the same [routing key](crate::message::Message::routing_key). A message without one
    /// goes by [`PowerOfTwo`](Self::PowerOfTwo).
    ConsistentHash,
    /// Any member, as likely as its [weight](crate::actor::SpawnOptions::weight) is large.
    Weighted,
}

impl Strategy {
    /// All strategies.
    pub const ALL: &'static [Self] =
        &[Self::PowerOfTwo, Self::RoundRobin, Self::Random, Self::LeastLoaded, Self::ConsistentHash, Self::Weighted];

    /// Whether another member may take a message if the one that was picked is full or set aside.
    ///
    /// Not under [`ConsistentHash`](Self::ConsistentHash), where that would break the order of a key.
    pub const fn may_move_on(self) -> bool {
        !matches!(self, Self::ConsistentHash)
    }

    /// The name that it is printed and serialised by.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PowerOfTwo => "power_of_two",
            Self::RoundRobin => "round_robin",
            Self::Random => "random",
            Self::LeastLoaded => "least_loaded",
            Self::ConsistentHash => "consistent_hash",
            Self::Weighted => "weighted",
        }
    }

    /// The strategy in three bits, none of which is 0: that is free for "none was asked for".
    pub(crate) const fn to_bits(self) -> u8 {
        self as u8 + 1
    }

    /// The strategy of these [bits](Self::to_bits), if they are those of any.
    pub(crate) const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            bits if bits > 0 && bits as usize <= Self::ALL.len() => Some(Self::ALL[bits as usize - 1]),
            _ => None,
        }
    }
}

// A seventh strategy would have the bits that say that a message is for all.
const _: () = assert!(Strategy::ALL.len() < 0b111);

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_serialises_by_the_same_name() {
        for &strategy in Strategy::ALL {
            let text = serde_json::to_string(&strategy).unwrap();
            assert_eq!(text, format!("\"{strategy}\""));
            assert_eq!(serde_json::from_str::<Strategy>(&text).unwrap(), strategy);
        }
    }

    #[test]
    fn each_comes_back_from_its_own_three_bits_and_no_others_are_any() {
        let mut taken: Vec<_> = Strategy::ALL.iter().map(|strategy| strategy.to_bits()).collect();
        for (&strategy, &bits) in Strategy::ALL.iter().zip(&taken) {
            assert_eq!(Strategy::from_bits(bits), Some(strategy));
        }
        taken.dedup();
        assert_eq!(taken, [1, 2, 3, 4, 5, 6]);
        for bits in [0, 7, 8, u8::MAX] {
            assert_eq!(Strategy::from_bits(bits), None);
        }
    }

    #[test]
    fn only_a_key_binds_a_message_to_the_member_that_was_picked() {
        let bound: Vec<_> = Strategy::ALL.iter().filter(|strategy| !strategy.may_move_on()).collect();
        assert_eq!(bound, [&Strategy::ConsistentHash]);
    }
}
