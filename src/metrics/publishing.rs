use serde::{Deserialize, Serialize};

/// What was published, and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Publishing {
    /// Subscriptions that there are.
    pub subscriptions: usize,
    /// Messages that were published.
    pub published: u64,
    /// Messages that were published and that nobody took.
    pub unheard: u64,
    /// Copies that were accepted.
    pub delivered: u64,
    /// Copies that were not accepted, each lost to one subscription.
    pub refused: u64,
}
