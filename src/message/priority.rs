use std::fmt;

use serde::{Deserialize, Serialize};

/// How urgent a message is, from the least to the most.
///
/// A mailbox serves higher levels first and keeps first-in, first-out order inside each. No level starves: see
/// [`crate::mailbox`]. Using more than one level waives the order between a sender's messages of different levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessagePriority {
    /// Work that can wait for everything else.
    Low,
    /// The default, and the level with the fastest path through a mailbox.
    #[default]
    Normal,
    /// Ahead of normal work.
    High,
    /// Ahead of everything.
    Critical,
}

impl MessagePriority {
    /// All levels, from the least urgent to the most.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];

    /// The level's place in [`ALL`](Self::ALL).
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for MessagePriority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_and_normal_is_the_default() {
        assert!(MessagePriority::ALL.is_sorted());
        assert_eq!(MessagePriority::default(), MessagePriority::Normal);
        for (place, level) in MessagePriority::ALL.into_iter().enumerate() {
            assert_eq!(level.index(), place);
        }
    }

    #[test]
    fn prints_and_serialises_in_lower_case() {
        for level in MessagePriority::ALL {
            assert_eq!(serde_json::to_string(&level).unwrap(), format!("\"{level}\""));
        }
    }
}
