//! The samples as a table and as curves.

use std::path::Path;
use std::{fs, io};

use crate::chart::{Chart, Line};
use crate::report::Report;
use crate::sample::{Measure, Sample};

/// The plots: file, title, unit, what one of that unit is in what was measured, and whose curves.
const PLOTS: [(&str, &str, &str, f64, &[Measure]); 5] = [
    ("memory", "Memory", "MiB", 1_048_576.0, &[Measure::Resident, Measure::Heap]),
    ("queues", "Queues", "messages", 1.0, &[Measure::Queued, Measure::Deepest, Measure::Blocked]),
    ("rates", "Rates", "messages in a second", 1.0, &[Measure::Accepted, Measure::Handled]),
    (
        "latency",
        "How long requests took",
        "µs",
        1.0,
        &[Measure::Slowest, Measure::OneIn1000, Measure::OneIn100, Measure::Median],
    ),
    (
        "tables",
        "Tables",
        "entries",
        1.0,
        &[Measure::Actors, Measure::Hibernating, Measure::Waiting, Measure::Requests, Measure::Letters],
    ),
];

impl Report {
    /// Writes the samples as `samples.csv`, and a plot of each kind, into `folder`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// If the folder or a file cannot be written.
    pub fn draw(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let lines = self.samples.iter().map(Sample::csv);
        let table: Vec<_> = std::iter::once(Sample::csv_head()).chain(lines).collect();
        fs::write(folder.join("samples.csv"), table.join("\n") + "\n")?;
        PLOTS.iter().try_for_each(|(file, title, unit, one, measures)| {
            let lines = measures.iter().map(|measure| self.line(*measure, *one)).collect();
            let chart = Chart { title, unit, is_log: *file == "latency", lines };
            fs::write(folder.join(format!("{file}.svg")), chart.to_string())
        })
    }

    fn line(&self, measure: Measure, one: f64) -> Line {
        let point = |sample: &Sample| (sample.at.as_secs_f64(), sample.get(measure) / one);
        Line { name: measure.name(), points: self.samples.iter().map(point).collect() }
    }
}
