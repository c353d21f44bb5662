//! Which subjects are meant.

use std::sync::Arc;

use serde::Deserialize;

use super::text::{ANY, REST, Wildcards, check, impl_checked_text};
use super::{Subject, SubjectError};

/// Which subjects are meant: a subject in which `*` may stand for any one token, and a last `>` for one or more.
///
/// Its limits are those of a [`Subject`], and a clone shares the text. The [module](super) has a table of what matches
/// what. For a text that is known when the program is compiled there is [`pattern!`](crate::pattern!).
///
/// ```
/// use switchboard::topics::{Subject, SubjectError, SubjectPattern};
///
/// let pattern = SubjectPattern::new("orders.*.>")?;
/// assert!(pattern.matches(&Subject::new("orders.eu.created")?));
/// assert!(!pattern.matches(&Subject::new("orders.eu")?));
/// assert_eq!(
///     SubjectPattern::new("orders.>.created"),
///     Err(SubjectError::RestNotLast { at: 7 }),
/// );
/// # Ok::<(), SubjectError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct SubjectPattern(Arc<str>);

impl SubjectPattern {
    /// Checks the text and copies it.
    ///
    /// # Errors
    ///
    /// The first thing in the text that a pattern cannot have.
    pub fn new(text: impl AsRef<str>) -> Result<Self, SubjectError> {
        let text = text.as_ref();
        check(text, Wildcards::Allowed)?;
        Ok(Self(text.into()))
    }

    /// Whether this subject is meant.
    #[must_use]
    pub fn matches(&self, subject: &Subject) -> bool {
        let mut tokens = subject.tokens();
        for wanted in self.tokens() {
            let Some(token) = tokens.next() else { return false };
            match wanted {
                REST => return true,
                ANY => {}
                literal if literal == token => {}
                _ => return false,
            }
        }
        tokens.next().is_none()
    }

    /// Whether there is neither `*` nor `>` in it, so that it matches one subject only.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        !self.0.contains(['*', '>'])
    }

    /// The whole text, dots included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts between the dots, of which there is at least one and none is empty. A `*` or `>` is one of them.
    ///
    /// ```
    /// use switchboard::pattern;
    ///
    /// assert!(pattern!("orders.*.>").tokens().eq(["orders", "*", ">"]));
    /// ```
    #[must_use]
    pub fn tokens(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.0.split('.')
    }
}

impl_checked_text!(SubjectPattern);

/// The pattern that matches this subject and no other. It shares the text.
impl From<Subject> for SubjectPattern {
    fn from(subject: Subject) -> Self {
        Self(subject.0)
    }
}

/// The pattern that matches this subject and no other. It shares the text.
impl From<&Subject> for SubjectPattern {
    fn from(subject: &Subject) -> Self {
        Self(Arc::clone(&subject.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_is_exactly_one_token() {
        assert_matches("time.*.east", &["time.us.east", "time.eu.east"]);
        assert_misses("time.*.east", &["time.us", "time.us.east.atlanta", "time.new.york.east", "time.east"]);
        assert_matches("*", &["time"]);
        assert_misses("*", &["time.us"]);
        assert_matches("*.*", &["time.us"]);
    }

    #[test]
    fn a_rest_is_one_token_or_more() {
        assert_matches("time.us.>", &["time.us.east", "time.us.east.atlanta"]);
        assert_misses("time.us.>", &["time.us", "time", "time.eu.east"]);
        assert_misses("a.>", &["a"]);
        assert_matches(">", &["a", "a.b", "a.b.c"]);
    }

    #[test]
    fn stars_and_a_rest_go_together() {
        assert_matches("*.*.>", &["a.b.c", "a.b.c.d"]);
        assert_misses("*.*.>", &["a.b", "a"]);
        assert_matches("*.b.>", &["a.b.c"]);
        assert_misses("*.b.>", &["a.c.b"]);
    }

    #[test]
    fn a_literal_matches_its_own_subject_only() {
        assert_matches("a.b", &["a.b"]);
        assert_misses("a.b", &["a", "a.b.c", "a.c", "A.b", "a.bb", "b.a"]);
    }

    #[test]
    fn a_wildcard_is_a_whole_token() {
        let cases =
            [("a*", '*', 1), ("a.*b", '*', 2), ("a>", '>', 1), ("**", '*', 0), (">>", '>', 0), ("a.b*.>", '*', 3)];
        for (text, found, at) in cases {
            assert_eq!(SubjectPattern::new(text), Err(SubjectError::WildcardInToken { found, at }), "{text}");
        }
    }

    #[test]
    fn a_rest_is_the_last_token() {
        for (text, at) in [(">.a", 0), ("a.>.b", 2), (">.>", 0), ("*.>.", 2)] {
            assert_eq!(SubjectPattern::new(text), Err(SubjectError::RestNotLast { at }), "{text}");
        }
    }

    #[test]
    fn the_limits_are_those_of_subjects() {
        assert!(SubjectPattern::new(["*"; 32].join(".")).is_ok());
        let error = |text: &str| SubjectPattern::new(text).unwrap_err();
        assert_eq!(error(&["*"; 33].join(".")), SubjectError::TooManyTokens { count: 33 });
        assert_eq!(error(&"a".repeat(256)), SubjectError::TooLong { length: 256 });
        assert_eq!(error(""), SubjectError::Empty);
        assert_eq!(error("*..a"), SubjectError::EmptyToken { at: 2 });
        assert_eq!(error("*.a b"), SubjectError::Character { found: ' ', at: 3 });
    }

    #[test]
    fn deserialising_checks() {
        assert!(serde_json::from_str::<SubjectPattern>("\"a.>.b\"").is_err());
        assert_eq!(serde_json::from_str::<SubjectPattern>("\"a.>\"").unwrap().as_str(), "a.>");
    }

    #[test]
    fn a_pattern_of_a_subject_shares_its_text() {
        let subject = Subject::new("a.b").unwrap();
        assert!(Arc::ptr_eq(&SubjectPattern::from(&subject).0, &subject.0));
    }

    proptest! {
        #[test]
        fn a_subject_is_the_pattern_that_matches_just_it(
            subject in "[ab]([.][ab]){0,2}",
            other in "[ab]([.][ab]){0,2}",
        ) {
            let (subject, other) = (Subject::new(subject).unwrap(), Subject::new(other).unwrap());
            let pattern = SubjectPattern::from(subject.clone());
            prop_assert!(pattern.is_literal());
            prop_assert_eq!(pattern.matches(&other), subject == other);
        }

        #[test]
        fn what_is_literal_is_a_subject(text in "[ab*]([.][ab*]){0,2}([.]>)?") {
            let pattern = SubjectPattern::new(&text).unwrap();
            prop_assert_eq!(pattern.is_literal(), Subject::new(&text).is_ok());
        }

        #[test]
        fn no_text_makes_the_check_or_its_error_panic(any: String, near in "[ab*>. \\né]{0,12}") {
            for text in [any, near] {
                match SubjectPattern::new(&text) {
                    Ok(pattern) => prop_assert_eq!(pattern.as_str(), text),
                    Err(error) => prop_assert!(!error.to_string().chars().any(char::is_control)),
                }
            }
        }

        #[test]
        fn every_pattern_survives_text_and_json(text in "([a-zA-Z0-9_-]{1,9}|[*])([.]([a-z]{1,9}|[*])){0,20}([.]>)?") {
            let pattern = SubjectPattern::new(&text).unwrap();
            prop_assert_eq!(pattern.to_string(), text.as_str());
            prop_assert_eq!(text.parse(), Ok(pattern.clone()));
            let json = serde_json::to_string(&pattern).unwrap();
            prop_assert_eq!(serde_json::from_str::<SubjectPattern>(&json).unwrap(), pattern);
        }
    }

    fn assert_matches(pattern: &str, subjects: &[&str]) {
        let pattern = SubjectPattern::new(pattern).unwrap();
        for subject in subjects {
            assert!(pattern.matches(&Subject::new(subject).unwrap()), "{pattern} should match {subject}");
        }
    }

    fn assert_misses(pattern: &str, subjects: &[&str]) {
        let pattern = SubjectPattern::new(pattern).unwrap();
        for subject in subjects {
            assert!(!pattern.matches(&Subject::new(subject).unwrap()), "{pattern} should not match {subject}");
        }
    }
}
