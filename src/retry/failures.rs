use std::fmt;

use serde::{Deserialize, Serialize};

use crate::retry::Failure;

/// A set of failures. It is serialised as the list of their names.
///
/// ```
/// use switchboard::retry::{Failure, Failures};
///
/// const BUSY: Failures = Failures::of(&[Failure::Full, Failure::Failed]);
/// assert!(BUSY.contains(Failure::Full) && !BUSY.contains(Failure::Stopped));
/// assert_eq!(BUSY.without(Failure::Failed), Failures::of(&[Failure::Full]));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Failure>", into = "Vec<Failure>")]
#[must_use]
pub struct Failures(u8);

const _: () = assert!(Failure::ALL.len() <= u8::BITS as usize, "each failure needs a bit of its own");

impl Failures {
    /// Every failure.
    pub const ALL: Self = Self::of(Failure::ALL);

    /// No failure.
    pub const NONE: Self = Self(0);

    /// The failures after which it is certain that no handler began with the message, so that sending it again can't
    /// do its work twice.
    pub const NEVER_RAN: Self = Self::of(&[Failure::Full, Failure::Nobody, Failure::Stopped]);

    /// The failures in `failures`. One that is named twice is in the set once.
    pub const fn of(failures: &[Failure]) -> Self {
        let mut set = Self::NONE;
        let mut rest = failures;
        // A `for` can't run in a constant.
        while let [failure, others @ ..] = rest {
            set.0 |= bit(*failure);
            rest = others;
        }
        set
    }

    /// Whether `failure` is in the set.
    pub const fn contains(self, failure: Failure) -> bool {
        self.0 & bit(failure) != 0
    }

    /// The set without `failure`, whether or not that was in it.
    pub const fn without(self, failure: Failure) -> Self {
        Self(self.0 & !bit(failure))
    }

    fn iter(self) -> impl Iterator<Item = Failure> {
        Failure::ALL.iter().copied().filter(move |&failure| self.contains(failure))
    }
}

/// The bit that stands for `failure`.
const fn bit(failure: Failure) -> u8 {
    1 << failure as u8
}

impl fmt::Debug for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl From<Vec<Failure>> for Failures {
    fn from(failures: Vec<Failure>) -> Self {
        Self::of(&failures)
    }
}

impl From<Failures> for Vec<Failure> {
    fn from(failures: Failures) -> Self {
        failures.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Ran;

    #[test]
    fn a_set_has_what_it_was_made_of_and_nothing_else() {
        for bits in 0..1_u8 << Failure::ALL.len() {
            let chosen = |&(place, _): &(usize, &Failure)| bits & 1 << place != 0;
            let members: Vec<_> = Failure::ALL.iter().enumerate().filter(chosen).map(|(_, &failure)| failure).collect();
            let set = Failures::of(&members);
            for &failure in Failure::ALL {
                assert_eq!(set.contains(failure), members.contains(&failure), "{failure:?} in {set:?}");
            }
            assert_eq!(Failures::of(&[members.clone(), members.clone()].concat()), set);
            assert_eq!(Vec::from(set), members);
        }
    }

    #[test]
    fn the_named_sets_go_by_whether_a_failure_ran() {
        for &failure in Failure::ALL {
            assert!(Failures::ALL.contains(failure));
            assert!(!Failures::NONE.contains(failure));
            assert_eq!(Failures::NEVER_RAN.contains(failure), failure.ran() == Ran::Never, "{failure:?}");
        }
    }

    #[test]
    fn without_takes_out_one_failure_and_leaves_the_others() {
        for &gone in Failure::ALL {
            let rest = Failures::ALL.without(gone);
            for &failure in Failure::ALL {
                assert_eq!(rest.contains(failure), failure != gone);
            }
            assert_eq!(rest.without(gone), rest);
        }
    }

    #[test]
    fn prints_and_serialises_as_the_names_of_its_members() {
        let set = Failures::of(&[Failure::Panicked, Failure::Nobody]);
        assert_eq!(format!("{set:?}"), "{Nobody, Panicked}");
        assert_eq!(format!("{:?}", Failures::NONE), "{}");
        let json = serde_json::to_string(&set).unwrap();
        assert_eq!(json, r#"["nobody","panicked"]"#);
        assert_eq!(serde_json::from_str::<Failures>(&json).unwrap(), set);
        assert!(serde_json::from_str::<Failures>(r#"["bored"]"#).is_err());
    }

    #[test]
    fn fits_into_a_byte() {
        assert_eq!(size_of::<Failures>(), 1);
    }
}
