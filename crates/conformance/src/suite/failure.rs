use std::fmt;

use super::Guarantee;

/// A case that a broker does not pass: which guarantee does not hold, and what was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The guarantee.
    pub guarantee: Guarantee,
    /// The case.
    pub case: &'static str,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let case = self.case.replace('_', " ");
        write!(f, "guarantee {} does not hold: it should be that {case}; seen: {}", self.guarantee, self.seen)
    }
}

impl std::error::Error for Failure {}

/// What a case saw that should not be.
#[derive(Debug)]
pub(crate) struct Seen(pub(crate) String);

/// What a case gives.
pub(crate) type Played = Result<(), Seen>;

/// The numbers of a worker that has handled nothing.
pub(crate) const NOTHING: [u64; 0] = [];

/// An error where there should be none.
impl<E: std::error::Error> From<E> for Seen {
    fn from(error: E) -> Self {
        Self(format!("an error: {error}"))
    }
}

/// Whether it is so; if not, `seen` says what is.
pub(crate) fn check(is_so: bool, seen: impl FnOnce() -> String) -> Result<(), Seen> {
    if is_so { Ok(()) } else { Err(Seen(seen())) }
}

/// Whether they are the same; if not, what `what` is and what it should be.
pub(crate) fn same<T: fmt::Debug + PartialEq<U>, U: fmt::Debug>(what: &str, is: &T, should: &U) -> Result<(), Seen> {
    check(is == should, || format!("{what}: {is:?}, which should be {should:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_which_guarantee_which_case_and_what_was_seen() {
        let seen = same("the numbers", &vec![1, 3], &[1, 2]).unwrap_err().0;
        let failure = Failure { guarantee: Guarantee::Order, case: "a_goes_before_b", seen };
        assert_eq!(
            failure.to_string(),
            "guarantee 1 (order) does not hold: it should be that a goes before b; seen: the numbers: [1, 3], which \
             should be [1, 2]"
        );
        assert!(same("a number", &1, &1).is_ok());
    }
}
