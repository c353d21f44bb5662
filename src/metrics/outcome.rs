use std::fmt;
use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

/// How an accepted envelope ended: exactly one of these, always counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its handler returned `Ok`, or the code that received it by hand was done with it.
    Handled,
    /// Its handler returned an error or panicked.
    Failed,
    /// Its deadline had passed before its handler could begin.
    Expired,
    /// It made room for another in a full mailbox.
    Evicted,
    /// Its caller had gone before its handler could begin.
    Cancelled,
    /// Its actor stopped before it was handled to the end, or nobody was there to take it when it was due.
    Abandoned,
    /// Its actor had handled a message with the same id before, and drops such.
    Duplicate,
}

impl Outcome {
    /// All outcomes, in the order of their indexes.
    pub const ALL: [Self; 7] =
        [Self::Handled, Self::Failed, Self::Expired, Self::Evicted, Self::Cancelled, Self::Abandoned, Self::Duplicate];

    /// The outcome's name, as it is serialised.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Handled => "handled",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Evicted => "evicted",
            Self::Cancelled => "cancelled",
            Self::Abandoned => "abandoned",
            Self::Duplicate => "duplicate",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How many envelopes ended how.
///
/// ```
/// use switchboard::metrics::{Outcome, Outcomes};
///
/// let mut outcomes = Outcomes::default();
/// outcomes[Outcome::Handled] += 2;
/// outcomes[Outcome::Expired] += 1;
/// assert_eq!(outcomes.sum(), 3);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    handled: u64,
    failed: u64,
    expired: u64,
    evicted: u64,
    cancelled: u64,
    abandoned: u64,
    duplicate: u64,
}

impl Outcomes {
    /// All of them together, or the highest number there is if they are more, as only what was made up can be.
    pub fn sum(&self) -> u64 {
        self.iter().fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    /// Each outcome with its count.
    pub fn iter(&self) -> impl Iterator<Item = (Outcome, u64)> {
        Outcome::ALL.into_iter().map(|outcome| (outcome, self[outcome]))
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (outcome, count) in other.iter() {
            self[outcome] += count;
        }
    }
}

impl Index<Outcome> for Outcomes {
    type Output = u64;

    fn index(&self, outcome: Outcome) -> &u64 {
        match outcome {
            Outcome::Handled => &self.handled,
            Outcome::Failed => &self.failed,
            Outcome::Expired => &self.expired,
            Outcome::Evicted => &self.evicted,
            Outcome::Cancelled => &self.cancelled,
            Outcome::Abandoned => &self.abandoned,
            Outcome::Duplicate => &self.duplicate,
        }
    }
}

impl IndexMut<Outcome> for Outcomes {
    fn index_mut(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Handled => &mut self.handled,
            Outcome::Failed => &mut self.failed,
            Outcome::Expired => &mut self.expired,
            Outcome::Evicted => &mut self.evicted,
            Outcome::Cancelled => &mut self.cancelled,
            Outcome::Abandoned => &mut self.abandoned,
            Outcome::Duplicate => &mut self.duplicate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_a_count_of_its_own_under_its_name() {
        let mut outcomes = Outcomes::default();
        for (weight, outcome) in (1..).zip(Outcome::ALL) {
            outcomes[outcome] = weight;
        }
        assert_eq!(outcomes.sum(), 1 + 2 + 3 + 4 + 5 + 6 + 7);
        let json = serde_json::to_value(outcomes).unwrap();
        for (weight, outcome) in (1..).zip(Outcome::ALL) {
            assert_eq!(json[outcome.as_str()], weight);
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.to_string());
        }
    }

    #[test]
    fn a_sum_that_is_too_large_is_the_highest_number() {
        let mut outcomes = Outcomes::default();
        outcomes[Outcome::Handled] = u64::MAX;
        outcomes[Outcome::Duplicate] = 1;
        assert_eq!(outcomes.sum(), u64::MAX);
    }

    #[test]
    fn adds_up_by_outcome() {
        let mut total = Outcomes::default();
        let mut part = Outcomes::default();
        part[Outcome::Failed] = 3;
        total.add(&part);
        total.add(&part);
        assert_eq!((total[Outcome::Failed], total.sum()), (6, 6));
    }
}
