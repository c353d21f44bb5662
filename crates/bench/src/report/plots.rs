//! A file for each plot.

use std::path::Path;
use std::{fs, io};

use super::bars::{self, Bar};
use super::{growth, lines};
use crate::case::{GROWTH, LATENCY, SCENARIOS};
use crate::runner::Figures;
use crate::savina;

/// Writes a plot of each table of times into `folder`, which is made if it is not there.
///
/// # Errors
///
/// If the folder or a file cannot be written.
pub fn draw(figures: &Figures, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for scenario in SCENARIOS.iter().copied().chain(savina::SCENARIOS) {
        let rows = figures.of(scenario);
        let bars: Vec<_> = rows
            .iter()
            .map(|(case, spread)| Bar {
                peer: case.peer,
                kind: case.kind,
                length: spread.median,
                whisker: [spread.min, spread.max],
            })
            .collect();
        save(folder, scenario, bars.is_empty(), || bars::chart(scenario, "ns, median with least and most", bars))?;
    }
    for (scenario, of) in GROWTH {
        let lines = growth::lines(&figures.of(scenario));
        save(folder, scenario, lines.is_empty(), || lines::chart(scenario, of, &lines))?;
    }
    let late = delays(figures);
    save(folder, LATENCY, late.is_empty(), || bars::chart(LATENCY, "µs, 99th percentile with 50th and 99.9th", late))
}

/// The file of a scenario's plot.
pub fn file(scenario: &str) -> String {
    let words = scenario.split(|sign: char| !sign.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-") + ".svg"
}

fn delays(figures: &Figures) -> Vec<Bar<'static>> {
    let bar = |(case, delays): &(crate::case::DelayCase, hdrhistogram::Histogram<u64>)| {
        let at = |share| delays.value_at_quantile(share) as f64 / 1_000.0;
        Bar { peer: case.peer, kind: case.kind, length: at(0.99), whisker: [at(0.5), at(0.999)] }
    };
    figures.delays.iter().map(bar).collect()
}

fn save(folder: &Path, scenario: &str, is_empty: bool, chart: impl FnOnce() -> String) -> io::Result<()> {
    if is_empty {
        return Ok(());
    }
    fs::write(folder.join(file(scenario)), chart())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plot_has_a_file_of_its_own() {
        let names = SCENARIOS
            .iter()
            .chain(&savina::SCENARIOS)
            .chain(GROWTH.iter().map(|(scenario, _)| scenario))
            .chain([&LATENCY]);
        let files: std::collections::BTreeSet<_> = names.clone().map(|name| file(name)).collect();
        assert_eq!(files.len(), names.count());
        assert_eq!(file("tell 1:1, one worker"), "tell-1-1-one-worker.svg");
    }
}
