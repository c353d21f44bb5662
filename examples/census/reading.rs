//! How a reader comes to the counts of a file: it reads it, or has it read.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::counts::Counts;
use crate::hindrance;
use crate::remote::Others;
use crate::text::{NotCounted, TextCounter};

pub(crate) enum Reading {
    Here(TextCounter),
    /// In other processes.
    By(Others),
}

/// Why there are no counts. The texts are for people.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Unread {
    NoText(String),
    /// It may help to try again.
    ForNow(String),
    ForGood(String),
}

impl Reading {
    pub(crate) fn here() -> Self {
        Self::Here(TextCounter::new())
    }

    pub(crate) async fn count(&mut self, path: &Path) -> Result<Counts, Unread> {
        match self {
            // This reads with `std::fs` and blocks the thread. The runtime has a thread for each reader and one to
            // spare, so nobody waits for it; `block_in_place` would make the whole a quarter slower.
            Self::Here(text) => read(text, path),
            Self::By(others) => others.count(path).await,
        }
    }
}

pub(crate) fn read(text: &mut TextCounter, path: &Path) -> Result<Counts, Unread> {
    text.count(path).map_err(|why| match why {
        NotCounted::Io(error) if hindrance::may_pass(&error) => Unread::ForNow(error.to_string()),
        NotCounted::Io(error) => Unread::ForGood(error.to_string()),
        why => Unread::NoText(why.to_string()),
    })
}
