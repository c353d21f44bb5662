//! The id of one running actor.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::unique_id::{ParseIdError, UniqueId};

const _: () = assert!(size_of::<Option<ActorId>>() == 16);

/// Tells an actor apart from every other, also from those of other processes.
///
/// An actor that is started again under the same name gets a new id, so an id never reaches
/// somebody else. Ids of one process ascend in the order in which they were made.
///
/// The text form is two groups of 16 lower-case hex digits, of which the first is the
/// [node](ActorId::node). Formats that are not human readable carry the id as a pair of `u64`.
///
/// ```
/// use switchboard::address::ActorId;
///
/// let id = ActorId::next();
/// let read: ActorId = id.to_string().parse()?;
/// assert_eq!(read, id);
/// # Ok::<(), switchboard::address::ParseIdError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActorId(UniqueId);

impl ActorId {
    /// Makes an id that no other actor has.
    #[must_use]
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Relaxed, as a number only has to be taken once: no other memory is published with it.
        Self(UniqueId::of_this_process(NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// The part which all ids of one process share, and which another process has by chance only.
    ///
    /// ```
    /// use switchboard::address::ActorId;
    ///
    /// assert_eq!(ActorId::next().node(), ActorId::next().node());
    /// ```
    #[must_use]
    pub fn node(self) -> u64 {
        self.0.high().get()
    }

    /// Both parts in one word, which no other id of the same process has, and one of another by chance only.
    ///
    /// It is what [consistent hashing](crate::balancing::Ring) knows a member by.
    #[inline]
    #[must_use]
    pub fn word(self) -> u64 {
        self.0.high().get() ^ self.0.low()
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for ActorId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_are_distinct_across_threads_and_share_the_node() {
        let threads: Vec<_> =
            (0..4).map(|_| thread::spawn(|| (0..1_000).map(|_| ActorId::next()).collect::<Vec<_>>())).collect();
        let all: HashSet<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(all.len(), 4_000);
        let node = ActorId::next().node();
        assert!(all.iter().all(|id| id.node() == node));
    }

    #[test]
    fn node_is_the_first_group_of_the_text() {
        let id: ActorId = "00000000000000ab-0000000000000012".parse().unwrap();
        assert_eq!(id.node(), 0xAB);
    }

    #[test]
    fn json_is_the_text() {
        let id = ActorId::next();
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<ActorId>(&json).unwrap(), id);
    }

    proptest! {
        #[test]
        fn every_id_survives_its_text(text in "[1-9a-f][0-9a-f]{15}-[0-9a-f]{16}") {
            let id: ActorId = text.parse().unwrap();
            prop_assert_eq!(id.to_string(), text);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            prop_assert!(text.parse::<ActorId>().is_err());
        }
    }
}
