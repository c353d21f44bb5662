use thiserror::Error;

/// Why an envelope was not written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The message's `Serialize` failed, or made what the format can't carry.
    #[error("the message could not be serialised ({0}): look at its `Serialize`, or choose the other wire format")]
    Message(String),
}

/// Why bytes are not an envelope of this message type.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There is nothing.
    #[error("there are no bytes: send an envelope in one of the forms that `WIRE.md` describes")]
    Empty,
    /// The first byte is that of no form that this version reads.
    #[error("version {0} of the envelope is not known: update this broker, or have the sender write version 1")]
    Version(u8),
    /// The header is cut off, or not one.
    #[error("the header is malformed ({0}): compare the sender with `WIRE.md`")]
    Header(String),
    /// It is a message of another type.
    #[error("it carries `{found}`, not `{expected}`: send it to a broker of that type")]
    Type {
        /// What this broker carries.
        expected: &'static str,
        /// What was found, escaped and cut.
        found: String,
    },
    /// The header is right, but what follows is not such a message.
    #[error("the message is malformed ({0}): both sides must have the same version of its type")]
    Message(String),
}

/// A text from outside as it may be printed: escaped, and no longer than a line.
pub(super) fn printable(text: &str) -> String {
    const MOST: usize = 64;
    let mut escaped: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        escaped.push('…');
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_from_outside_is_printed_escaped_and_cut() {
        assert_eq!(printable("a\n\u{1b}[31m\u{202e}"), "a\\n\\u{1b}[31m\\u{202e}");
        let long = printable(&"x".repeat(1_000));
        assert_eq!((long.chars().count(), long.ends_with('…')), (65, true));
        assert_eq!(printable(&"x".repeat(64)), "x".repeat(64));
    }

    #[test]
    fn each_error_says_what_to_do() {
        let errors = [
            DecodeError::Empty,
            DecodeError::Version(9),
            DecodeError::Header("cut".into()),
            DecodeError::Type { expected: "a", found: "b".into() },
            DecodeError::Message("cut".into()),
        ];
        assert!(errors.iter().all(|error| error.to_string().contains(": ")));
        assert!(EncodeError::Message("a map".into()).to_string().contains(": look at"));
    }
}
