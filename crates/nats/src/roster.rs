use bytes::Bytes;
use serde::{Deserialize, Serialize};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::services::Provider;

/// The first byte of every roster.
const VERSION: u8 = 1;

/// What a node says of its members of services and pools. It is the value of its entry among the nodes, so it is there for as
/// long as the node's lease, and nothing has to be tidied up after a node that was killed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Roster {
    pub(crate) groups: Vec<(ActorAddress, Vec<Provider>)>,
}

impl Roster {
    /// Of these, in an order that does not depend on chance.
    pub(crate) fn of(mut groups: Vec<(ActorAddress, Vec<Provider>)>) -> Self {
        groups.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self { groups }
    }

    /// All who are members of anything. Some are of more than one thing.
    pub(crate) fn actors(&self) -> impl Iterator<Item = ActorId> {
        self.groups.iter().flat_map(|(_, providers)| providers).map(Provider::actor)
    }

    /// Writes it. Of nobody, it is no byte at all.
    pub(crate) fn encode(&self) -> Bytes {
        if self.groups.is_empty() {
            return Bytes::new();
        }
        // There is no map and no sequence of unknown length in it, which is all that postcard refuses.
        postcard::to_extend(self, vec![VERSION]).unwrap_or_default().into()
    }

    /// Reads it. `None` for what is no roster of this version.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [] => Some(Self::default()),
            [VERSION, rest @ ..] => postcard::from_bytes(rest).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn provider(text: &str) -> Provider {
        serde_json::from_str(text).unwrap()
    }

    fn roster() -> Roster {
        let plain = provider(r#"{"actor":"00000000000000ff-0000000000000001","version":null,"tags":[],"weight":1}"#);
        let other =
            provider(r#"{"actor":"00000000000000ff-0000000000000002","version":"1.2.0","tags":["eu"],"weight":3}"#);
        let (pool, service) = (ActorAddress::pool("readers").unwrap(), ActorAddress::service("search").unwrap());
        Roster::of(vec![(pool, vec![plain.clone()]), (service, vec![other, plain])])
    }

    #[test]
    fn it_is_read_as_it_was_written_and_never_cut_off() {
        let bytes = roster().encode();
        assert_eq!(Roster::decode(&bytes), Some(roster()));
        assert!((1..bytes.len()).all(|end| Roster::decode(&bytes[..end]).is_none()));
        assert_eq!(Roster::decode(&[2]), None);
    }

    #[test]
    fn of_nobody_there_is_nothing_to_say() {
        assert!(Roster::default().encode().is_empty());
        assert_eq!(Roster::decode(&[]), Some(Roster::default()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = Roster::decode(&[&[VERSION], &bytes[..]].concat());
        }
    }
}
