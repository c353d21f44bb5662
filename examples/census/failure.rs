//! What could not be counted.

use std::fmt;
use std::path::Path;

use serde::Serialize;

/// A path and why it is not in the counts. Sorts by path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Failure {
    pub(crate) path: String,
    pub(crate) reason: String,
    /// How often reading it was attempted, if more than once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempts: Option<u32>,
}

impl Failure {
    pub(crate) fn new(path: &Path, reason: &impl fmt::Display) -> Self {
        Self { path: path.display().to_string(), reason: reason.to_string(), attempts: None }
    }

    pub(crate) fn after(self, attempts: u32) -> Self {
        Self { attempts: Some(attempts).filter(|attempts| *attempts > 1), ..self }
    }
}
