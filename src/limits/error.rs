use std::fmt;

use serde::{Deserialize, Serialize};

use super::Table;

/// A table of the broker's is full: which one, and how many places it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LimitError {
    /// What there is too much of.
    pub table: Table,
    /// How much of it there may be.
    pub limit: usize,
}

impl LimitError {
    /// The error of a table with so many places, for those who write a broker or wrap one.
    pub const fn new(table: Table, limit: usize) -> Self {
        Self { table, limit }
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, limit } = self;
        let (things, remedy) = (table.things(), table.remedy());
        write!(f, "too many {things} (limit {limit}): {remedy}, or raise `Limits::{table}`")
    }
}

impl std::error::Error for LimitError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_what_there_is_too_much_of_and_what_to_do_about_it() {
        let text = LimitError::new(Table::Requests, 100_000).to_string();
        assert_eq!(text, "too many pending requests (limit 100000): wait for replies, or raise `Limits::requests`");
        for table in Table::ALL {
            let text = LimitError::new(table, 7).to_string();
            assert!(text.starts_with("too many ") && text.contains(" (limit 7): ") && !text.ends_with('.'), "{text}");
            assert!(text.ends_with(&format!("`Limits::{table}`")), "{text}");
        }
    }

    #[test]
    fn survives_json() {
        let error = LimitError::new(Table::Names, 3);
        let json = serde_json::to_string(&error).unwrap();
        assert_eq!(json, r#"{"table":"names","limit":3}"#);
        assert_eq!(serde_json::from_str::<LimitError>(&json).unwrap(), error);
    }
}
