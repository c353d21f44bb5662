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

    /// Its text form without the zeros before the second number, as a part of subjects: the server pays for each byte of one.
    pub(crate) fn token(self) -> String {
        let mut token = self.0.to_string();
        let number = token.find('-').map_or(0, |hyphen| hyphen + 1);
        // One digit stays, also of a zero.
        let zeros = token[number..].bytes().take_while(|byte| *byte == b'0').count().min(token.len() - number - 1);
        token.replace_range(number..number + zeros, "");
        token
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

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> String {
        text.parse::<NodeId>().unwrap().token()
    }

    #[test]
    fn the_token_is_the_text_without_leading_zeros_of_the_second_number() {
        assert_eq!(token("00000000000000ff-00000000000000a0"), "00000000000000ff-a0");
        assert_eq!(token("0123456789abcdef-fedcba9876543210"), "0123456789abcdef-fedcba9876543210");
        assert_eq!(token("0123456789abcdef-0000000000000000"), "0123456789abcdef-0");
    }
}
