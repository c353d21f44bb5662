use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use super::MemberOptions;
use crate::address::{ActorAddress, ActorId};

/// A member of a service or pool, and what it is there.
///
/// An actor that is registered at the address of the service has no version and no tags, and the weight that it was
/// spawned with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    actor: ActorId,
    version: Option<Version>,
    tags: Vec<String>,
    weight: u32,
}

impl Provider {
    pub(crate) fn new(actor: ActorId, options: MemberOptions) -> Self {
        let MemberOptions { version, tags, weight } = options;
        Self { actor, version, tags, weight }
    }

    /// The actor.
    pub fn actor(&self) -> ActorId {
        self.actor
    }

    /// Where to send what only this one is to get.
    pub fn address(&self) -> ActorAddress {
        self.actor.into()
    }

    /// The version of what it offers, if it has said.
    pub fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// Whether it has a version, and that is one of those that are asked for. By the rules of semantic versioning, a
    /// pre-release is only if it is asked for.
    pub fn satisfies(&self, wanted: &VersionReq) -> bool {
        self.version.as_ref().is_some_and(|version| wanted.matches(version))
    }

    /// Its tags, in the order in which they were given.
    pub fn tags(&self) -> impl ExactSizeIterator<Item = &str> {
        self.tags.iter().map(String::as_str)
    }

    /// Whether it has this tag.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|known| known == tag)
    }

    /// How large its share of the messages is, where that goes by weights.
    pub fn weight(&self) -> u32 {
        self.weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_json_and_reads_as_what_it_says() {
        let options = MemberOptions::new().version(Version::new(1, 2, 0)).tag("eu").tag("ssd").tag("eu").weight(3);
        let provider = Provider::new(ActorId::next(), options);
        let json = serde_json::to_string(&provider).unwrap();
        let id = provider.actor();
        assert_eq!(json, format!(r#"{{"actor":"{id}","version":"1.2.0","tags":["eu","ssd"],"weight":3}}"#));
        assert_eq!(serde_json::from_str::<Provider>(&json).unwrap(), provider);
        assert!(provider.tags().eq(["eu", "ssd"]));
    }

    #[test]
    fn who_has_no_version_satisfies_no_wish_for_one() {
        let wanted = VersionReq::parse("^1.2").unwrap();
        let satisfies = |version: Option<&str>| {
            let options = MemberOptions::new();
            let options = match version {
                Some(version) => options.version(version.parse().unwrap()),
                None => options,
            };
            Provider::new(ActorId::next(), options).satisfies(&wanted)
        };
        assert!(satisfies(Some("1.2.0")) && satisfies(Some("1.10.3")));
        for version in [None, Some("1.1.9"), Some("2.0.0"), Some("1.3.0-beta")] {
            assert!(!satisfies(version), "{version:?}");
        }
        assert!(!Provider::new(ActorId::next(), MemberOptions::new()).satisfies(&VersionReq::STAR));
    }
}
