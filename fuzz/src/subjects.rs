//! Subjects and patterns.

use switchboard::topics::{Subject, SubjectError, SubjectPattern, is_pattern_literal, is_subject_literal};

use crate::text::{assert_empty_token, assert_first_wrong, has_tokens, is_plain_token, read};

/// Whether the text is a subject or a pattern, all ways of reading it say the same, and so does the plain rule.
pub fn check(text: &str) {
    let (subject, pattern) = (read::<Subject>(text), read::<SubjectPattern>(text));
    assert_eq!(subject.is_ok(), is_subject(text));
    assert_eq!(pattern.is_ok(), is_pattern(text));
    assert_eq!(is_subject_literal(text), subject.is_ok(), "the macro and the parser agree");
    assert_eq!(is_pattern_literal(text), pattern.is_ok(), "the macro and the parser agree");
    for error in [subject.as_ref().err(), pattern.as_ref().err()].into_iter().flatten() {
        check_error(text, error);
    }
    if let Ok(pattern) = &pattern {
        assert_eq!(pattern.is_literal(), subject.is_ok(), "what has no wildcards is a subject");
        assert!(pattern.tokens().eq(text.split('.')));
    }
    if let (Ok(subject), Ok(pattern)) = (subject, pattern) {
        assert!(subject.tokens().eq(text.split('.')));
        assert_eq!(SubjectPattern::from(&subject), pattern);
        assert!(pattern.matches(&subject), "each subject matches itself");
    }
}

fn check_error(text: &str, error: &SubjectError) {
    match *error {
        SubjectError::Character { found, at } => assert_first_wrong(text, found, at),
        SubjectError::WildcardInSubject { found, at } | SubjectError::WildcardInToken { found, at } => {
            assert!("*>".contains(found));
            assert_first_wrong(text, found, at);
        }
        SubjectError::RestNotLast { at } => assert!(text[at..].starts_with(">.")),
        SubjectError::EmptyToken { at } => assert_empty_token(text, at),
        SubjectError::TooManyTokens { count } => assert_eq!(count, text.split('.').count()),
        SubjectError::TooLong { length } => assert_eq!(length, text.len()),
        _ => assert!(text.is_empty()),
    }
}

fn is_subject(text: &str) -> bool {
    has_tokens(text, is_plain_token) && text.split('.').count() <= 32
}

fn is_pattern(text: &str) -> bool {
    let before_rest = match text.strip_suffix(">") {
        Some("") => return true,
        Some(before) => before.strip_suffix('.').unwrap_or(text),
        None => text,
    };
    let is_token = |token: &str| token == "*" || is_plain_token(token);
    text.len() <= 255 && has_tokens(before_rest, is_token) && text.split('.').count() <= 32
}
