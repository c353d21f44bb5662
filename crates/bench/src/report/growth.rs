//! The table of a scenario that shows how the cost grows.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::tables::name;
use crate::case::Case;
use crate::scenario::Kind;
use crate::spread::Spread;

/// What belongs to one peer: a point for each size that was measured, the smallest first.
pub struct Line<'a> {
    pub peer: &'static str,
    pub kind: Kind,
    pub points: Vec<(u64, &'a Spread)>,
}

/// The peers of a scenario, in the order of its rows.
pub fn lines<'a>(rows: &[&'a (Case, Spread)]) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = Vec::new();
    for (case, spread) in rows {
        let Some(size) = case.size else { continue };
        match lines.iter_mut().find(|line| line.peer == case.peer) {
            Some(line) => line.points.push((size, spread)),
            None => lines.push(Line { peer: case.peer, kind: case.kind, points: vec![(size, spread)] }),
        }
    }
    lines
}

/// A row per size, a column per peer.
pub fn table(rows: &[&(Case, Spread)], of: &str) -> String {
    let lines = lines(rows);
    if lines.is_empty() {
        return String::new();
    }
    let sizes: BTreeSet<u64> = lines.iter().flat_map(|line| line.points.iter().map(|(size, _)| *size)).collect();
    let columns: Vec<_> =
        lines.iter().map(|line| format!(" {}: ns, median (min–max) |", name(line.peer, line.kind))).collect();
    let mut text = format!("| {of} |{}\n| --- |{}\n", columns.concat(), " --- |".repeat(lines.len()));
    for size in sizes {
        let cells: String = lines.iter().map(|line| cell(line, size)).collect();
        writeln!(text, "| {} |{cells}", grouped(size)).expect("a string takes any text");
    }
    text
}

fn cell(line: &Line<'_>, size: u64) -> String {
    let spread = line.points.iter().find(|(of, _)| *of == size).map(|(_, spread)| spread);
    spread
        .map_or_else(|| " |".into(), |spread| format!(" {:.1} ({:.1}–{:.1}) |", spread.median, spread.min, spread.max))
}

/// A number with a comma between the thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped_from_the_right() {
        assert_eq!([0, 100, 1_000, 1_000_000].map(grouped), ["0", "100", "1,000", "1,000,000"]);
    }
}
