//! What a message is about.

use std::sync::Arc;

use serde::Deserialize;

use super::SubjectError;
use super::text::{Wildcards, check, impl_checked_text};

/// What a message is about: tokens of ASCII letters, digits, `_` and `-`, with a dot between them.
///
/// It has 1 to [255](Subject::MAX_LENGTH) bytes and at most [32](Subject::MAX_TOKENS) tokens. Upper and lower case
/// differ. A clone shares the text, and a map keyed by subjects can be asked with a `&str`. For a text that is known
/// when the program is compiled there is [`subject!`](crate::subject!).
///
/// ```
/// use switchboard::topics::{Subject, SubjectError};
///
/// let subject = Subject::new("orders.eu.created")?;
/// assert_eq!(subject.as_str(), "orders.eu.created");
/// assert_eq!(
///     Subject::new("orders.*"),
///     Err(SubjectError::WildcardInSubject { found: '*', at: 7 }),
/// );
/// # Ok::<(), SubjectError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Subject(pub(super) Arc<str>);

impl Subject {
    /// The most bytes a subject or a pattern can have.
    pub const MAX_LENGTH: usize = 255;

    /// The most tokens a subject or a pattern can have.
    pub const MAX_TOKENS: usize = 32;

    /// Checks the text and copies it.
    ///
    /// # Errors
    ///
    /// The first thing in the text that a subject cannot have.
    pub fn new(text: impl AsRef<str>) -> Result<Self, SubjectError> {
        let text = text.as_ref();
        check(text, Wildcards::Refused)?;
        Ok(Self(text.into()))
    }

    /// The whole text, dots included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts between the dots, of which there is at least one and none is empty.
    ///
    /// ```
    /// use switchboard::subject;
    ///
    /// assert!(subject!("orders.eu").tokens().eq(["orders", "eu"]));
    /// ```
    #[must_use]
    pub fn tokens(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.0.split('.')
    }
}

impl_checked_text!(Subject);

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn length_is_between_1_and_255_bytes() {
        assert_eq!(Subject::new(""), Err(SubjectError::Empty));
        assert!(Subject::new("a").is_ok());
        assert!(Subject::new("a".repeat(255)).is_ok());
        assert_eq!(Subject::new("a".repeat(256)), Err(SubjectError::TooLong { length: 256 }));
    }

    #[test]
    fn there_are_at_most_32_tokens() {
        assert!(Subject::new(["a"; 32].join(".")).is_ok());
        assert_eq!(Subject::new(["a"; 33].join(".")), Err(SubjectError::TooManyTokens { count: 33 }));
    }

    #[test]
    fn empty_tokens_are_found_where_they_begin() {
        let cases = [(".", 0), (".a", 0), ("a.", 2), ("a..b", 2), ("a.b.", 4)];
        for (text, at) in cases {
            assert_eq!(Subject::new(text), Err(SubjectError::EmptyToken { at }), "{text}");
        }
    }

    #[test]
    fn characters_are_found_at_their_byte() {
        let cases = [("a b", ' ', 1), ("é", 'é', 0), ("a.b\n", '\n', 3), ("a:b", ':', 1), ("$SYS.a", '$', 0)];
        for (text, found, at) in cases {
            assert_eq!(Subject::new(text), Err(SubjectError::Character { found, at }), "{text:?}");
        }
    }

    #[test]
    fn wildcards_belong_in_patterns() {
        let cases = [("*", '*', 0), ("a.>", '>', 2), ("a.b*", '*', 3), ("a.*.b", '*', 2)];
        for (text, found, at) in cases {
            assert_eq!(Subject::new(text), Err(SubjectError::WildcardInSubject { found, at }), "{text}");
        }
    }

    #[test]
    fn maps_can_be_asked_with_a_str() {
        let subject = Subject::new("a.b").unwrap();
        assert_eq!(HashMap::from([(subject.clone(), 1)]).get("a.b"), Some(&1));
        assert_eq!(BTreeMap::from([(subject, 1)]).get("a.b"), Some(&1));
    }

    #[test]
    fn a_clone_shares_the_text() {
        let subject = Subject::new("orders").unwrap();
        assert!(Arc::ptr_eq(&subject.0, &subject.clone().0));
    }

    #[test]
    fn prints_like_a_str() {
        let subject = Subject::new("orders").unwrap();
        assert_eq!(format!("{subject:>8}|{subject:?}"), "  orders|\"orders\"");
    }

    #[test]
    fn deserialising_checks() {
        assert!(serde_json::from_str::<Subject>("\"a.*\"").is_err());
        assert!(serde_json::from_str::<Subject>("7").is_err());
    }

    proptest! {
        #[test]
        fn accepts_what_obeys_the_rule_and_nothing_else(
            text in "[a-zA-Z0-9_-]{1,90}([.][a-zA-Z0-9_-]{0,90}){0,3}[ é*>]{0,1}",
            tokens in 0_usize..40,
        ) {
            let many = vec!["a"; tokens].join(".");
            for text in [text, many] {
                prop_assert_eq!(Subject::new(&text).is_ok(), obeys_the_rule(&text));
            }
        }

        #[test]
        fn no_text_makes_the_check_or_its_error_panic(text: String) {
            match Subject::new(&text) {
                Ok(_) => prop_assert!(obeys_the_rule(&text)),
                Err(error) => prop_assert!(!obeys_the_rule(&text) && !error.to_string().chars().any(char::is_control)),
            }
        }

        #[test]
        fn every_subject_survives_text_and_json(text in "[a-zA-Z0-9_-]{1,9}([.][a-zA-Z0-9_-]{1,9}){0,20}") {
            let subject = Subject::new(&text).unwrap();
            prop_assert_eq!(subject.to_string(), text.as_str());
            prop_assert_eq!(subject.tokens().collect::<Vec<_>>().join("."), text.as_str());
            prop_assert_eq!(text.parse(), Ok(subject.clone()));
            prop_assert_eq!(Subject::try_from(text), Ok(subject.clone()));
            let json = serde_json::to_string(&subject).unwrap();
            prop_assert_eq!(serde_json::from_str::<Subject>(&json).unwrap(), subject);
        }
    }

    fn obeys_the_rule(text: &str) -> bool {
        let is_token = |token: &[u8]| {
            !token.is_empty() && token.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte))
        };
        let tokens = || text.as_bytes().split(|&byte| byte == b'.');
        (1..=255).contains(&text.len()) && tokens().count() <= 32 && tokens().all(is_token)
    }
}
