//! What could not be counted.

use std::fmt;
use std::path::Path;

use serde::Serialize;

/// A path and why it is not in the counts. Sorts by path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Failure {
    pub(crate) path: String,
    pub(crate) reason: String,
}

impl Failure {
    pub(crate) fn new(path: &Path, reason: &impl fmt::Display) -> Self {
        Self { path: path.display().to_string(), reason: reason.to_string() }
    }
}
