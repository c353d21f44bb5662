//! The report as a person reads it.

use std::io::{self, Write};

use indicatif::HumanCount;

use crate::counts::Counts;
use crate::failure::Failure;
use crate::report::Report;
use crate::totals::Totals;

const HEADER: [&str; 5] = ["Language", "Files", "Lines", "Blank", "Bytes"];
const SPACE: usize = 3;

/// Failures that are listed; of more, the rest are only counted.
const MOST_FAILURES: usize = 10;

type Row = [String; HEADER.len()];
type Widths = [usize; HEADER.len()];

pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write_languages(&report.totals, out)?;
    write_failures(&report.totals.failed, out)?;
    write_broker(report, out)
}

fn write_languages(totals: &Totals, out: &mut dyn Write) -> io::Result<()> {
    let header = HEADER.map(str::to_owned);
    let total = row("Total", totals.sum());
    let languages = totals.languages.iter();
    let rows: Vec<_> = languages.map(|of| row(of.language, of.counts)).collect();
    let widths = widths(rows.iter().chain([&header, &total]));
    let rule = "─".repeat(widths.iter().sum::<usize>() + SPACE * (HEADER.len() - 1));

    write_row(&header, &widths, out)?;
    writeln!(out, "{rule}")?;
    for row in &rows {
        write_row(row, &widths, out)?;
    }
    writeln!(out, "{rule}")?;
    write_row(&total, &widths, out)
}

fn row(name: &str, counts: Counts) -> Row {
    let [files, lines, blank, bytes] = [counts.files, counts.lines, counts.blank, counts.bytes].map(grouped);
    [name.to_owned(), files, lines, blank, bytes]
}

fn widths<'a>(rows: impl Iterator<Item = &'a Row>) -> Widths {
    rows.fold([0; HEADER.len()], |mut widths, row| {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.len().max(*width);
        }
        widths
    })
}

fn write_row(row: &Row, widths: &Widths, out: &mut dyn Write) -> io::Result<()> {
    let ([name, numbers @ ..], [first, rest @ ..]) = (row, widths);
    write!(out, "{name:first$}")?;
    for (number, width) in numbers.iter().zip(rest) {
        write!(out, "{number:>width$}", width = SPACE + width)?;
    }
    writeln!(out)
}

fn write_failures(failed: &[Failure], out: &mut dyn Write) -> io::Result<()> {
    if failed.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nNot counted: {}", grouped(failed.len() as u64))?;
    let listed = failed.iter().take(MOST_FAILURES);
    let listed: Vec<_> = listed.map(|failure| [reason(failure), printable(&failure.path)]).collect();
    let width = listed.iter().map(|[reason, _]| reason.chars().count()).max().unwrap_or_default();
    for [reason, path] in &listed {
        writeln!(out, "  {reason:width$}   {path}")?;
    }
    match failed.len().saturating_sub(MOST_FAILURES) {
        0 => Ok(()),
        more => writeln!(out, "  … and {} more, which --json lists", grouped(more as u64)),
    }
}

fn reason(failure: &Failure) -> String {
    let reason = printable(&failure.reason);
    match failure.attempts {
        Some(attempts) => format!("{reason}, {attempts} attempts"),
        None => reason,
    }
}

fn write_broker(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let traffic = &report.broker.total;
    let seconds = report.elapsed.as_secs_f64();
    let rate = (traffic.accepted as f64 / seconds) as u64;
    writeln!(out, "\nBroker")?;
    writeln!(out, "  {} messages in {seconds:.2} s, {} per second", grouped(traffic.accepted), grouped(rate))?;
    let outcomes = traffic.outcomes.iter();
    let outcomes: Vec<_> = outcomes.map(|(outcome, count)| format!("{} {outcome}", grouped(count))).collect();
    writeln!(out, "  {}", outcomes.join(", "))?;
    if traffic.redeliveries > 0 {
        writeln!(out, "  handled again: {}", grouped(traffic.redeliveries))?;
    }
    writeln!(out, "  deepest mailbox: {}", traffic.deepest_mailbox)
}

fn grouped(number: u64) -> String {
    HumanCount(number).to_string()
}

/// A file's name may hold what would move the cursor.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            printable.extend(character.escape_default());
        } else {
            printable.push(character);
        }
    }
    printable
}
