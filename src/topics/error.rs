//! Why a text is neither a subject nor a pattern.

use super::Subject;

/// Why a text is not a [`Subject`], or not a [`SubjectPattern`](super::SubjectPattern).
///
/// It names the first thing in the text that is wrong. The offsets are in bytes, so that they index the text that was
/// passed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectError {
    /// The text has no character at all.
    #[error("a subject must not be empty; write at least one token, as in `orders`")]
    Empty,
    /// The text has more than [`Subject::MAX_LENGTH`] bytes.
    #[error("a subject of {length} bytes is too long; shorten it to at most {max} bytes", max = Subject::MAX_LENGTH)]
    TooLong {
        /// Bytes of the text.
        length: usize,
    },
    /// The text has more than [`Subject::MAX_TOKENS`] tokens.
    #[error(
        "a subject of {count} tokens is too deep; join some, so that there are at most {max}",
        max = Subject::MAX_TOKENS
    )]
    TooManyTokens {
        /// Tokens of the text.
        count: usize,
    },
    /// Nothing stands before, after or between dots.
    #[error("the subject has an empty token at byte {at}; remove a dot or put a token beside it")]
    EmptyToken {
        /// Where the token would have begun.
        at: usize,
    },
    /// A character that no subject has.
    #[error(
        "{found:?} at byte {at} is not allowed in a subject; \
         use ASCII letters, digits, `_` and `-`, with `.` between tokens"
    )]
    Character {
        /// The first character that does not fit.
        found: char,
        /// Its offset in bytes.
        at: usize,
    },
    /// A `*` or `>` in what should be a subject.
    #[error("`{found}` at byte {at} belongs in a pattern; publish on a subject that has each token written out")]
    WildcardInSubject {
        /// The `*` or `>`.
        found: char,
        /// Its offset in bytes.
        at: usize,
    },
    /// A `*` or `>` of a pattern that is only a part of its token.
    #[error(
        "`{found}` at byte {at} is a part of a token; wildcards are tokens of their own, as in `orders.*` or `orders.>`"
    )]
    WildcardInToken {
        /// The `*` or `>`.
        found: char,
        /// Its offset in bytes.
        at: usize,
    },
    /// A `>` with tokens behind it.
    #[error("`>` at byte {at} stands for all that is left; end the pattern there, or write `*` for a single token")]
    RestNotLast {
        /// The offset of the `>` in bytes.
        at: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_character_is_escaped() {
        let text = SubjectError::Character { found: '\n', at: 3 }.to_string();
        assert!(text.starts_with(r"'\n' at byte 3"), "{text}");
    }

    #[test]
    fn limits_are_told() {
        assert!(SubjectError::TooLong { length: 300 }.to_string().ends_with("at most 255 bytes"));
        assert!(SubjectError::TooManyTokens { count: 33 }.to_string().ends_with("at most 32"));
    }
}
