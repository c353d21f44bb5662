use std::fmt::Write;
use std::path::Path;

use super::{budgets, growth, plots};
use crate::case::{Case, GROWTH, LATENCY, SCENARIOS, workers};
use crate::machine;
use crate::runner::{Figures, Plan};
use crate::savina;
use crate::scenario::Kind;
use crate::spread::Spread;

const PEERS: [&str; 13] = [
    "kameo",
    "ractor",
    "actix",
    "xtra",
    "coerce",
    "elfo",
    "kompact",
    "kanal",
    "tokio",
    "flume",
    "async-channel",
    "crossfire",
    "switchboard",
];

/// Everything that a run has to say. With `folder`, each table refers to its plot there.
pub fn write(plan: &Plan, figures: &Figures, folder: Option<&Path>) -> String {
    let mut text = heading(plan, figures);
    text += &budgets::write(plan, figures);
    for scenario in SCENARIOS.iter().copied().chain(savina::SCENARIOS) {
        text += &section(scenario, &times(&figures.of(scenario)), folder);
    }
    text += &section(LATENCY, &delays(figures), folder);
    for (scenario, of) in GROWTH {
        text += &section(scenario, &growth::table(&figures.of(scenario), of), folder);
    }
    text += &section(&format!("bytes per idle actor, {} actors", plan.actors), &memory(figures), None);
    text
}

/// How a row is called.
pub fn name(peer: &str, kind: Kind) -> String {
    match kind {
        Kind::Switchboard => format!("**{peer}**"),
        Kind::Framework => peer.into(),
        Kind::Floor => format!("{peer} (no library)"),
    }
}

fn heading(plan: &Plan, figures: &Figures) -> String {
    let versions: Vec<_> = PEERS.iter().map(|peer| format!("{peer} {}", machine::version(peer))).collect();
    format!(
        "{}, {}.\n{}.\n{} rounds of {} ms each, interleaved; {} workers. Names in bold are switchboard's; a channel asks with tokio's `oneshot`.\n\
         Tells of ractor, actix, coerce and kompact keep to no bound. A timeout is tokio's where the row is xtra's, coerce's, elfo's, kompact's or a channel's.\n",
        chrono::Utc::now().format("%Y-%m-%d %H:%M UTC"),
        machine::describe(),
        versions.join(", "),
        plan.rounds,
        figures.pace.round.as_millis(),
        workers(),
    )
}

/// Nothing where there is no table.
fn section(title: &str, table: &str, folder: Option<&Path>) -> String {
    if table.is_empty() {
        return String::new();
    }
    let plot = folder.map(|folder| format!("\n![{title}]({})\n", folder.join(plots::file(title)).display()));
    format!("\n### {title}\n{}\n{table}", plot.unwrap_or_default())
}

/// One scenario, the fastest first.
fn times(rows: &[&(Case, Spread)]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut rows = rows.to_vec();
    let ours = rows.iter().find(|(case, _)| case.kind == Kind::Switchboard).map(|(_, spread)| spread.median);
    rows.sort_by(|(_, one), (_, other)| one.median.total_cmp(&other.median));
    let mut text = String::from(match ours {
        Some(_) => "| | ns, median | min–max | to the first of switchboard |\n| --- | --- | --- | --- |\n",
        None => "| | ns, median | min–max |\n| --- | --- | --- |\n",
    });
    for (case, spread) in rows {
        let ratio = ours.map(|ours| format!(" {:.2} |", spread.median / ours)).unwrap_or_default();
        let name = name(case.peer, case.kind);
        let line = format!("| {name} | {:.1} | {:.1}–{:.1} |{ratio}", spread.median, spread.min, spread.max);
        writeln!(text, "{line}").expect("a string takes any text");
    }
    text
}

/// Percentiles of all rounds together, the least late at 99 of 100 first.
fn delays(figures: &Figures) -> String {
    let mut rows: Vec<_> = figures.delays.iter().collect();
    if rows.is_empty() {
        return String::new();
    }
    rows.sort_by_key(|(_, delays)| delays.value_at_quantile(0.99));
    let mut text = String::from(
        "| | µs, p50 | p90 | p99 | p99.9 | most | messages |\n| --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for (case, delays) in rows {
        let at = |share| delays.value_at_quantile(share) as f64 / 1_000.0;
        let name = name(case.peer, case.kind);
        let line = format!("| {name} | {:.1} | {:.1} | {:.1} | {:.1} |", at(0.5), at(0.9), at(0.99), at(0.999));
        let most = delays.max() as f64 / 1_000.0;
        writeln!(text, "{line} {most:.1} | {} |", delays.len()).expect("a string takes any text");
    }
    text
}

fn memory(figures: &Figures) -> String {
    if figures.memory.is_empty() {
        return String::new();
    }
    let mut text = String::from("| | live | resident |\n| --- | --- | --- |\n");
    for (peer, footprint) in &figures.memory {
        writeln!(text, "| {peer} | {:.0} | {:.0} |", footprint.live, footprint.resident)
            .expect("a string takes any text");
    }
    text
}
