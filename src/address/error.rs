//! Why a text is neither a name nor an address.

use super::Name;
use crate::outside::{Outside, WORD};
use crate::unique_id::ParseIdError;

/// Why a text is not a [`Name`].
///
/// The offsets are in bytes, so that they index the text that was passed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The text has no character at all.
    #[error("a name must not be empty; give it at least one letter, digit, `_` or `-`")]
    Empty,
    /// The text has more than [`Name::MAX_LENGTH`] bytes.
    #[error(
        "a name of {length} bytes is too long; shorten it to at most {max} bytes",
        max = Name::MAX_LENGTH
    )]
    TooLong {
        /// Bytes of the text.
        length: usize,
    },
    /// Nothing stands before, after or between dots.
    #[error("the name has an empty token at byte {at}; remove a dot or put a token beside it")]
    EmptyToken {
        /// Where the token would have begun.
        at: usize,
    },
    /// A character that no name has.
    #[error(
        "{found:?} at byte {at} is not allowed in a name; \
         use ASCII letters, digits, `_` and `-`, with `.` between tokens"
    )]
    Character {
        /// The first character that does not fit.
        found: char,
        /// Its offset in bytes.
        at: usize,
    },
}

/// Why a text is not an [`ActorAddress`](super::ActorAddress).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The text has no colon, and so does not say what kind of address it is.
    #[error(
        "the address does not say its kind; \
         write it as `id:<id>`, `named:<name>`, `service:<name>` or `pool:<name>`"
    )]
    MissingKind,
    /// The word before the colon is none of the four kinds.
    #[error(
        "{:?} is not a kind of address; use `id`, `named`, `service` or `pool` before the colon",
        Outside::new(kind, WORD)
    )]
    UnknownKind {
        /// The word as it was passed, or its beginning if it is long. It may hold anything; printing the error escapes
        /// and shortens it.
        kind: String,
    },
    /// The part after the colon is not a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The part after `id:` is not an id.
    #[error(transparent)]
    Id(#[from] ParseIdError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_kind_is_escaped() {
        let kind = "\u{1b}[31m\n\u{202e}".to_owned();
        let text = AddressError::UnknownKind { kind }.to_string();
        assert!(text.starts_with(r#""\u{1b}[31m\n\u{202e}" is not"#), "{text}");
    }

    #[test]
    fn an_unknown_kind_is_cut_after_32_characters() {
        let whole = AddressError::UnknownKind { kind: "é".repeat(32) };
        assert!(!whole.to_string().contains('…'));
        let cut = AddressError::UnknownKind { kind: "é".repeat(33) };
        let text = cut.to_string();
        assert!(text.starts_with(&format!("\"{}\"… is not", "é".repeat(32))), "{text}");
    }

    #[test]
    fn a_foreign_character_is_escaped() {
        let text = NameError::Character { found: '\n', at: 3 }.to_string();
        assert!(text.starts_with(r"'\n' at byte 3"), "{text}");
    }

    #[test]
    fn a_missing_kind_tells_all_four_forms() {
        let text = AddressError::MissingKind.to_string();
        for form in ["id:", "named:", "service:", "pool:"] {
            assert!(text.contains(form), "{text}");
        }
    }
}
