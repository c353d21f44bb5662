use std::fmt;

use super::{Capability, Case, Failure};

/// How one case went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be.
    Passed,
    /// It was not looked at, because the broker lacks this.
    Skipped(Capability),
    /// It is not as it should be.
    Failed(Failure),
}

/// How all cases went.
#[derive(Clone, Debug)]
#[must_use = "it says whether the broker passed"]
pub struct Report {
    /// Each case and how it went.
    pub verdicts: Vec<(&'static Case, Verdict)>,
}

impl Report {
    /// Whether no case failed.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The cases that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.verdicts.iter().filter_map(|(_, verdict)| match verdict {
            Verdict::Failed(failure) => Some(failure),
            _ => None,
        })
    }

    /// How many passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.verdicts.iter().filter(|(_, verdict)| *verdict == Verdict::Passed).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (case, verdict) in &self.verdicts {
            match verdict {
                Verdict::Passed => {}
                Verdict::Skipped(lacks) => writeln!(f, "skipped {}: it needs {lacks:?}", case.name)?,
                Verdict::Failed(failure) => writeln!(f, "{failure}")?,
            }
        }
        write!(f, "{} of {} cases passed", self.passed(), self.verdicts.len())
    }
}
