use semver::Version;

/// What an actor is in a service or pool that it joins.
///
/// ```
/// use switchboard::services::{MemberOptions, Version};
///
/// let options = MemberOptions::new().version(Version::new(1, 2, 0)).tag("eu").tag("ssd").weight(3);
/// # let _ = options;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct MemberOptions {
    pub(super) version: Option<Version>,
    pub(super) tags: Vec<String>,
    pub(super) weight: u32,
}

impl Default for MemberOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl MemberOptions {
    /// No version, no tags, and a weight of 1.
    pub const fn new() -> Self {
        Self { version: None, tags: Vec::new(), weight: 1 }
    }

    /// Sets the version of what it offers.
    pub fn version(self, version: Version) -> Self {
        Self { version: Some(version), ..self }
    }

    /// Adds a tag, unless it is there.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        let tag = tag.into();
        if !self.tags.contains(&tag) {
            self.tags.push(tag);
        }
        self
    }

    /// Sets how large a share of the messages it gets, as
    /// [`SpawnOptions::weight`](crate::actor::SpawnOptions::weight) does where it is registered.
    pub const fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }
}
