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
