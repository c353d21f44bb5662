use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use switchboard::address::{ActorId, ParseIdError};

/// Tells one broker's place in the cluster apart from every other, also from an earlier one of the same process.
///
/// Its text form is that of an [`ActorId`], of which it is one that no actor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(ActorId);

impl NodeId {
    pub(crate) fn next() -> Self {
        Self(ActorId::next())
    }

    /// The part which it shares with the ids of all actors of its process.
    pub(crate) fn process(self) -> u64 {
        self.0.node()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for NodeId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        text.parse().map(Self)
    }
}
