use std::fmt;

/// Whether a message whose sending failed may have reached a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ran {
    /// No handler began with it, and none will. Sending it again can't do its work twice.
    Never,
    /// A handler may have begun with it, and may even have finished.
    Maybe,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Never => "never ran",
            Self::Maybe => "may have run",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_in_words_whether_it_ran() {
        assert_eq!(Ran::Never.to_string(), "never ran");
        assert_eq!(Ran::Maybe.to_string(), "may have run");
        assert_eq!(format!("{:>12}", Ran::Never), "   never ran");
    }
}
