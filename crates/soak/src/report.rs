use std::fmt;
use std::sync::Arc;

use histogram::Histogram;
use switchboard::metrics::Traffic;

use crate::desk::Desk;
use crate::findings::{Findings, Kind};
use crate::growth::growth;
use crate::quiet::{Quiet, bytes};
use crate::sample::Sample;
use crate::sampler::quantile;

/// What a soak came to.
pub struct Report {
    desk: Arc<Desk>,
    quiets: Vec<Quiet>,
    pub(crate) samples: Vec<Sample>,
    latency: Histogram,
    total: Option<Traffic>,
    /// By how many bytes what is allocated, and what is resident, grew from rest to rest, where that can be told.
    grown: [Option<f64>; 2],
}

/// How much memory at rest may grow over a soak, in bytes that are allocated. What a broker keeps when nothing is to be done
/// does not depend on how much there was before, but its tables keep some room for what is to come, and when they last took
/// more of it, or gave some back, is up to chance: from one rest to the next that is some 100 KiB either way. A fifth of a byte
/// kept for each message of ten minutes is more, at the default rate.
const HEAP_MAY_GROW: f64 = 512.0 * 1024.0;

/// The same in bytes that are resident, and as a part of what there was. That is coarse, since the allocator gives back to
/// the system what it likes; what it does not know to be allocated can only be seen here.
const RESIDENT_MAY_GROW: (f64, f64) = (16.0 * 1024.0 * 1024.0, 0.25);

impl Report {
    pub(crate) fn new(
        desk: Arc<Desk>,
        quiets: Vec<Quiet>,
        samples: Vec<Sample>,
        latency: Histogram,
        total: Option<Traffic>,
    ) -> Self {
        let grown = [growth(&settled(&quiets, |quiet| quiet.heap)), growth(&settled(&quiets, |quiet| quiet.resident))];
        let resident = quiets.first().map_or(0.0, |quiet| quiet.resident as f64);
        let bounds = [HEAP_MAY_GROW, RESIDENT_MAY_GROW.0 + resident * RESIDENT_MAY_GROW.1];
        for ((grown, bound), what) in grown.into_iter().zip(bounds).zip(["allocated", "resident"]) {
            if let Some(grown) = grown.filter(|grown| *grown > bound) {
                let (grown, bound) = (bytes(grown), bytes(bound));
                desk.findings.add(Kind::Growth, || {
                    format!("{what} memory at rest grew by {grown}, of which {bound} are allowed")
                });
            }
        }
        Self { desk, quiets, samples, latency, total, grown }
    }

    /// What went wrong.
    pub fn findings(&self) -> &Findings {
        &self.desk.findings
    }

    /// The moments when all was at rest.
    pub fn quiets(&self) -> &[Quiet] {
        &self.quiets
    }

    /// Whether nothing went wrong, and all was at rest at least once, so that this could be seen.
    pub fn is_passed(&self) -> bool {
        self.findings().is_empty() && !self.quiets.is_empty()
    }

    /// Name and value of each line of the summary.
    fn lines(&self) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        let mut line = |name: &str, value: String| lines.push((name.to_owned(), value));
        if let Some(total) = &self.total {
            line("accepted", total.accepted.to_string());
            for (outcome, count) in total.outcomes.iter() {
                line(&format!("  {outcome}"), count.to_string());
            }
            line("panics", total.panics.to_string());
            line("handlers rebuilt", total.rebuilds.to_string());
            line("handled again", total.redeliveries.to_string());
            line("waits for room", total.times_blocked.to_string());
        }
        for (end, count) in self.desk.ends.all() {
            line(end, count.to_string());
        }
        let times = [0.5, 0.99, 0.999].map(|part| format!("{:.0}", quantile(&self.latency, part)));
        line("asks took, µs", format!("{} median, {} 99 %, {} 99.9 %", times[0], times[1], times[2]));
        self.memory(&mut line);
        lines
    }

    fn memory(&self, line: &mut impl FnMut(&str, String)) {
        let (Some(first), Some(last)) = (self.quiets.first(), self.quiets.last()) else { return };
        let whats = ["allocated at rest", "resident at rest"];
        let sizes = [[first.heap, last.heap], [first.resident, last.resident]];
        for ((what, [first, last]), grown) in whats.into_iter().zip(sizes).zip(self.grown) {
            let grown =
                grown.map_or("too few rests to tell the growth".into(), |grown| format!("grown by {}", bytes(grown)));
            line(what, format!("{} first, {} last, {grown}", bytes(first as f64), bytes(last as f64)));
        }
    }
}

/// The points without those of the first fifth, in which tables and pools still take the room that they need.
fn settled(quiets: &[Quiet], value: impl Fn(&Quiet) -> u64) -> Vec<(f64, f64)> {
    let quiets = &quiets[quiets.len().div_ceil(5).min(quiets.len())..];
    quiets.iter().map(|quiet| (quiet.at.as_secs_f64(), value(quiet) as f64)).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.lines() {
            writeln!(f, "{name:<28}{value}")?;
        }
        if self.is_passed() {
            return writeln!(f, "\nnothing was lost, nothing grew, nothing is stuck");
        }
        writeln!(f, "\nFAILED\n{}", self.findings())
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("findings", self.findings())
            .field("quiets", &self.quiets)
            .finish_non_exhaustive()
    }
}
