//! What can end the work of an actor, the walker or the whole.

use std::error::Error;

/// Why somebody could not do their part, which makes the census incomplete. Nobody takes it apart: it is printed.
pub(crate) type CensusError = Box<dyn Error + Send + Sync>;
