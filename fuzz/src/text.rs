//! What is true of every type that has one text form.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes that the text of an error may have. What it repeats of a foreign text is at most 32 characters, which take ten
/// bytes each where they are escaped.
const LONGEST_ERROR: usize = 512;

/// Reads the text in every way there is: all agree, and what was read is written as it stood there.
pub(crate) fn read<T>(text: &str) -> Result<T, T::Err>
where
    T: FromStr<Err: Display> + Display + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let json = serde_json::to_string(text).expect("every text can be written as JSON");
    let from_json = serde_json::from_str::<T>(&json);
    let parsed = text.parse::<T>();
    match &parsed {
        Ok(value) => {
            assert_eq!(value.to_string(), text);
            assert_eq!(serde_json::to_string(value).expect("what was read can be written"), json);
            assert_eq!(&from_json.expect("JSON is read as text is"), value);
        }
        Err(error) => {
            assert!(from_json.is_err(), "JSON is read as text is: {from_json:?}");
            assert_presentable(&error.to_string());
        }
    }
    parsed
}

/// An error must neither flood a log nor forge a line of it, whatever it repeats.
fn assert_presentable(error: &str) {
    assert!(error.len() <= LONGEST_ERROR, "{} bytes: {error}", error.len());
    assert!(!error.chars().any(char::is_control), "{error:?}");
}

/// Whether the text consists of tokens with a dot between them, of which each is as `is_token` says.
pub(crate) fn has_tokens(text: &str, is_token: impl Fn(&str) -> bool) -> bool {
    (1..=255).contains(&text.len()) && text.split('.').all(is_token)
}

/// Whether it is a token of names and subjects.
pub(crate) fn is_plain_token(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Asserts that this character is there, and that everything before it could be the beginning of a name.
pub(crate) fn assert_first_wrong(text: &str, found: char, at: usize) {
    assert!(text[at..].starts_with(found), "{found:?} at {at}");
    assert!(text[..at].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.*>".contains(&byte)), "{at}");
}

/// Asserts that an empty token begins there.
pub(crate) fn assert_empty_token(text: &str, at: usize) {
    assert!(text[..at].is_empty() || text[..at].ends_with('.'), "{at}");
    assert!(text[at..].is_empty() || text[at..].starts_with('.'), "{at}");
}
