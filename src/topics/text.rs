//! What subjects and patterns have in common: the rules of their text, and what checked text can do.

use super::{Subject, SubjectError};

/// Whether `*` and `>` may stand for tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wildcards {
    Refused,
    Allowed,
}

/// The token that stands for any one token.
pub(super) const ANY: &str = "*";

/// The token that stands for all the tokens that are left.
pub(super) const REST: &str = ">";

/// Says what is wrong with the text first.
pub(super) fn check(text: &str, wildcards: Wildcards) -> Result<(), SubjectError> {
    if text.is_empty() {
        return Err(SubjectError::Empty);
    }
    if text.len() > Subject::MAX_LENGTH {
        return Err(SubjectError::TooLong { length: text.len() });
    }
    let (mut count, mut at) = (0, 0);
    for token in text.split('.') {
        let end = at + token.len();
        check_token(token, at, end == text.len(), wildcards)?;
        (count, at) = (count + 1, end + 1);
    }
    if count > Subject::MAX_TOKENS {
        return Err(SubjectError::TooManyTokens { count });
    }
    Ok(())
}

fn check_token(token: &str, at: usize, is_last: bool, wildcards: Wildcards) -> Result<(), SubjectError> {
    match (token, wildcards) {
        ("", _) => Err(SubjectError::EmptyToken { at }),
        (ANY, Wildcards::Allowed) => Ok(()),
        (REST, Wildcards::Allowed) if is_last => Ok(()),
        (REST, Wildcards::Allowed) => Err(SubjectError::RestNotLast { at }),
        _ => check_characters(token, at, wildcards),
    }
}

fn check_characters(token: &str, start: usize, wildcards: Wildcards) -> Result<(), SubjectError> {
    for (offset, found) in token.char_indices() {
        let at = start + offset;
        match (found, wildcards) {
            ('a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-', _) => {}
            ('*' | '>', Wildcards::Refused) => return Err(SubjectError::WildcardInSubject { found, at }),
            ('*' | '>', Wildcards::Allowed) => return Err(SubjectError::WildcardInToken { found, at }),
            _ => return Err(SubjectError::Character { found, at }),
        }
    }
    Ok(())
}

/// What a type that holds checked text as its only field can do, given its `new` and `as_str`.
macro_rules! impl_checked_text {
    ($type:ident) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self.as_str(), formatter)
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(self.as_str(), formatter)
            }
        }

        impl std::str::FromStr for $type {
            type Err = SubjectError;

            fn from_str(text: &str) -> Result<Self, SubjectError> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $type {
            type Error = SubjectError;

            fn try_from(text: &str) -> Result<Self, SubjectError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $type {
            type Error = SubjectError;

            fn try_from(text: String) -> Result<Self, SubjectError> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        // Sound for maps because the derived `Eq`, `Ord` and `Hash` of an `Arc<str>` are those of `str`.
        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(super) use impl_checked_text;
