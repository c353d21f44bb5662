use std::fmt;
use std::time::Duration;

/// What there was at a moment when all was at rest.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Quiet {
    /// When, since the soak began.
    pub at: Duration,
    /// How long it took to come to rest.
    pub took: Duration,
    /// How many messages were accepted up to then.
    pub accepted: u64,
    /// How many calls were refused.
    pub refused: u64,
    /// What there is when nothing is to be done.
    pub tables: Tables,
    /// Bytes that are allocated.
    pub heap: u64,
    /// Bytes that are resident.
    pub resident: u64,
}

/// How large the tables are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tables {
    /// Actors that are registered.
    pub actors: usize,
    /// Subscriptions.
    pub subscriptions: usize,
    /// Services that have members.
    pub services: usize,
    /// Dead letters.
    pub letters: usize,
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, took, accepted, refused, tables, heap, resident } = self;
        write!(
            f,
            "{:>7.1} s  at rest in {:>5} ms  {accepted:>11} accepted  {refused:>9} refused  {:>3} actors  \
             {:>9} allocated  {:>9} resident",
            at.as_secs_f64(),
            took.as_millis(),
            tables.actors,
            bytes(*heap as f64),
            bytes(*resident as f64)
        )
    }
}

/// A number of bytes, as short as it can be told.
pub(crate) fn bytes(number: f64) -> String {
    match number.abs() {
        size if size >= 1_048_576.0 => format!("{:.1} MiB", number / 1_048_576.0),
        size if size >= 1_024.0 => format!("{:.1} KiB", number / 1_024.0),
        _ => format!("{number:.0} B"),
    }
}
