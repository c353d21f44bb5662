//! Text from outside the program, on its way into an error, a log, or a terminal.

use std::fmt::{self, Write};

/// How many characters of a cause are shown: enough for any sentence, and no whole file.
pub(crate) const CAUSE: usize = 500;

/// How many characters of a word are shown that is none of those which were asked for.
pub(crate) const WORD: usize = 32;

/// Text that somebody else has written, printed so that it can neither forge a line of a log, nor steer a terminal, nor turn
/// round what is beside it, nor flood either.
///
/// Control characters, and those that are not seen (marks of direction, spaces of no width, separators of lines), are escaped;
/// what is too long is cut, with `…` in its place. `Debug` also puts it in quotes, with those inside it escaped, for where
/// something else follows on the same line.
#[derive(Clone, Copy)]
pub(crate) struct Outside<'a> {
    text: &'a str,
    is_cut: bool,
}

impl<'a> Outside<'a> {
    /// Text that is shown up to `most` characters.
    pub(crate) fn new(text: &'a str, most: usize) -> Self {
        let shown = beginning(text, most);
        Self { text: shown, is_cut: shown.len() < text.len() }
    }

    /// Why something failed, as whoever knows has said it.
    pub(crate) fn cause(text: &'a str) -> Self {
        Self::new(text, CAUSE)
    }

    fn mark_cut(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_cut { f.write_char('…') } else { Ok(()) }
    }
}

/// The first so many characters.
pub(crate) fn beginning(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(end, _)| &text[..end])
}

impl fmt::Display for Outside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Quotes and backslashes do no harm between words. Left as they are, text that was escaped before stays as it is.
        for part in self.text.split_inclusive(['"', '\'', '\\']) {
            let plain = part.trim_end_matches(['"', '\'', '\\']);
            write!(f, "{}{}", plain.escape_debug(), &part[plain.len()..])?;
        }
        self.mark_cut(f)
    }
}

impl fmt::Debug for Outside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)?;
        self.mark_cut(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A new line, a return, an escape sequence, the same in one character, a backspace, a turn to the left, an isolate, a mark,
    /// a space of no width, separators of lines and paragraphs, next line, a tag, a byte order mark, nothing, and delete.
    const HARMFUL: &str =
        "\n\r\u{1b}[31m\u{9b}\u{8}\u{202e}\u{2066}\u{200f}\u{200b}\u{2028}\u{2029}\u{85}\u{e0041}\u{feff}\0\u{7f}";

    fn is_harmless(text: &str) -> bool {
        !text.chars().any(|c| c.is_control() || (HARMFUL.contains(c) && !"[31m".contains(c)))
    }

    #[test]
    fn nothing_that_steers_a_terminal_or_a_log_is_printed_as_it_is() {
        let (shown, quoted) = (Outside::cause(HARMFUL).to_string(), format!("{:?}", Outside::cause(HARMFUL)));
        assert!(is_harmless(&shown) && is_harmless(&quoted), "{shown} {quoted}");
        assert!(shown.starts_with(r"\n\r\u{1b}[31m\u{9b}\u{8}\u{202e}\u{2066}"), "{shown}");
        assert_eq!(quoted, format!("\"{shown}\""));
    }

    #[test]
    fn what_an_honest_text_says_is_left_alone() {
        for text in ["no ink", "can't open \"C:\\ink\": naïve, 墨水, 🖨", ""] {
            assert_eq!(Outside::cause(text).to_string(), text);
        }
        assert_eq!(format!("{:?}", Outside::cause("no \"ink\"")), r#""no \"ink\"""#);
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        assert_eq!(Outside::new("ééé", 3).to_string(), "ééé");
        assert_eq!(Outside::new("éééé", 3).to_string(), "ééé…");
        assert_eq!(format!("{:?}", Outside::new("éééé", 3)), "\"ééé\"…");
        assert_eq!(Outside::cause(&"é".repeat(1_000_000)).to_string().chars().count(), CAUSE + 1);
    }

    proptest! {
        #[test]
        fn no_text_is_harmful_or_long_and_escaping_again_changes_nothing(text: String) {
            let shown = Outside::cause(&text).to_string();
            prop_assert!(is_harmless(&shown), "{shown:?}");
            prop_assert_eq!(Outside::new(&shown, usize::MAX).to_string(), shown);
        }
    }
}
