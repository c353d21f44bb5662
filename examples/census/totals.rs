//! The answer to the one question.

use serde::Serialize;

use crate::counts::Counts;
use crate::failure::Failure;
use crate::languages::Language;

#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) languages: Vec<LanguageCounts>,
    pub(crate) failed: Vec<Failure>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct LanguageCounts {
    pub(crate) language: &'static str,
    #[serde(flatten)]
    pub(crate) counts: Counts,
}

impl Totals {
    pub(crate) fn of(language: &'static Language, counts: Counts) -> Self {
        let language = language.name;
        Self { languages: vec![LanguageCounts { language, counts }], failed: Vec::new() }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.languages.extend(other.languages);
        self.failed.extend(other.failed);
    }

    /// The same with more that could not be counted.
    pub(crate) fn with(mut self, failed: Vec<Failure>) -> Self {
        self.failed.extend(failed);
        self
    }

    /// The same in an order that does not depend on who was first.
    pub(crate) fn sorted(mut self) -> Self {
        self.languages.sort_by(|a, b| {
            let by_lines = b.counts.lines.cmp(&a.counts.lines);
            by_lines.then_with(|| a.language.cmp(b.language))
        });
        self.failed.sort();
        self
    }

    pub(crate) fn sum(&self) -> Counts {
        let mut sum = Counts::default();
        for language in &self.languages {
            sum += language.counts;
        }
        sum
    }
}
