use serde::{Deserialize, Serialize};

use super::Provider;

/// What [`ServiceChanges`](super::ServiceChanges) tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ServiceChange {
    /// Who is there, whatever was told before.
    Present {
        /// All members, those that have been there longest first.
        providers: Vec<Provider>,
        /// How many changes, since the last that was read, this stands for. In the beginning that is none.
        missed: u64,
    },
    /// One more is there.
    Joined(Provider),
    /// That one is not there any more.
    Left(Provider),
}

impl ServiceChange {
    /// Makes the same change to a list of providers.
    pub fn apply(self, providers: &mut Vec<Provider>) {
        match self {
            Self::Present { providers: present, .. } => *providers = present,
            Self::Joined(provider) => providers.push(provider),
            Self::Left(provider) => providers.retain(|known| known.actor() != provider.actor()),
        }
    }
}
