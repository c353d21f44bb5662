//! Subjects and patterns that are written in a program, checked when it is compiled.

use super::{Subject, SubjectPattern};

/// The [`Subject`] written in the literal. A mistake in it does not compile.
///
/// Each evaluation copies the text, so what publishes often keeps the subject and clones it.
///
/// ```
/// use switchboard::subject;
///
/// let created = subject!("orders.eu.created");
/// assert_eq!(created.to_string(), "orders.eu.created");
/// ```
///
/// ```compile_fail
/// let typo = switchboard::subject!("orders.*.created");
/// ```
#[macro_export]
macro_rules! subject {
    ($text:literal) => {{
        const { assert!($crate::topics::is_subject_literal($text), "not a subject like `orders.eu.created`") };
        $crate::topics::subject_from_literal($text)
    }};
}

/// The [`SubjectPattern`] written in the literal. A mistake in it does not compile.
///
/// ```
/// use switchboard::{pattern, subject};
///
/// assert!(pattern!("orders.*.>").matches(&subject!("orders.eu.created")));
/// ```
///
/// ```compile_fail
/// let typo = switchboard::pattern!("orders.>.created");
/// ```
#[macro_export]
macro_rules! pattern {
    ($text:literal) => {{
        const { assert!($crate::topics::is_pattern_literal($text), "not a pattern like `orders.*.>`") };
        $crate::topics::pattern_from_literal($text)
    }};
}

/// Whether the text is a subject. Part of [`subject!`](crate::subject!).
#[doc(hidden)]
#[must_use]
pub const fn is_subject_literal(text: &str) -> bool {
    is_valid(text.as_bytes(), false)
}

/// Whether the text is a pattern. Part of [`pattern!`](crate::pattern!).
#[doc(hidden)]
#[must_use]
pub const fn is_pattern_literal(text: &str) -> bool {
    is_valid(text.as_bytes(), true)
}

/// The subject of a text that [`is_subject_literal`] has passed. Part of [`subject!`](crate::subject!).
#[doc(hidden)]
#[must_use]
pub fn subject_from_literal(text: &'static str) -> Subject {
    // The macro calls this only with what passed the check, which accepts no more than the parser does (tested below).
    Subject::new(text).expect("checked when the program was compiled")
}

/// The pattern of a text that [`is_pattern_literal`] has passed. Part of [`pattern!`](crate::pattern!).
#[doc(hidden)]
#[must_use]
pub fn pattern_from_literal(text: &'static str) -> SubjectPattern {
    // As above.
    SubjectPattern::new(text).expect("checked when the program was compiled")
}

const fn is_valid(text: &[u8], wildcards: bool) -> bool {
    let (mut tokens, mut start) = (0, 0);
    loop {
        let mut end = start;
        while end < text.len() && text[end] != b'.' {
            end += 1;
        }
        let (_, token) = text.split_at(end).0.split_at(start);
        let is_last = end == text.len();
        if !is_token(token, is_last, wildcards) {
            return false;
        }
        tokens += 1;
        if is_last {
            return tokens <= Subject::MAX_TOKENS && text.len() <= Subject::MAX_LENGTH;
        }
        start = end + 1;
    }
}

const fn is_token(token: &[u8], is_last: bool, wildcards: bool) -> bool {
    match token {
        [] => false,
        [b'*'] => wildcards,
        [b'>'] => wildcards && is_last,
        characters => are_allowed(characters),
    }
}

const fn are_allowed(mut characters: &[u8]) -> bool {
    while let [byte, rest @ ..] = characters {
        if !(byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'-') {
            return false;
        }
        characters = rest;
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_what_comes_out() {
        assert_eq!(crate::subject!("orders.eu").as_str(), "orders.eu");
        assert_eq!(crate::pattern!("orders.*.>").as_str(), "orders.*.>");
    }

    proptest! {
        #[test]
        fn the_check_and_the_parser_agree(
            near in "[a*>. :é-]{0,8}",
            pattern in "([a-zA-Z0-9_-]{1,3}|[*])([.]([a-z]|[*]|)){0,3}([.]>)?",
            length in 0_usize..300,
            tokens in 0_usize..40,
        ) {
            for text in [near, pattern, "x".repeat(length), vec!["x"; tokens].join(".")] {
                prop_assert_eq!(is_subject_literal(&text), Subject::new(&text).is_ok(), "{:?}", text);
                prop_assert_eq!(is_pattern_literal(&text), SubjectPattern::new(&text).is_ok(), "{:?}", text);
            }
        }
    }
}
