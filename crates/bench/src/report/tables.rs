use std::fmt::Write;

use super::budgets;
use crate::case::SCENARIOS;
use crate::machine;
use crate::runner::{Figures, Plan};
use crate::savina;
use crate::scenario::Kind;

const PEERS: [&str; 11] = [
    "kameo",
    "ractor",
    "actix",
    "xtra",
    "coerce",
    "kanal",
    "tokio",
    "flume",
    "async-channel",
    "crossfire",
    "switchboard",
];

/// Everything that a run has to say.
pub fn write(plan: &Plan, figures: &Figures) -> String {
    let mut text = heading(plan);
    text += &budgets::write(plan, figures);
    for scenario in SCENARIOS.into_iter().chain(savina::SCENARIOS) {
        text += &times(scenario, figures);
    }
    text += &memory(plan, figures);
    text
}

fn heading(plan: &Plan) -> String {
    let versions: Vec<_> = PEERS.iter().map(|peer| format!("{peer} {}", machine::version(peer))).collect();
    format!(
        "{}, {}.\n{}.\n{} rounds of {} ms each, interleaved. Names in bold are switchboard's; a channel asks with tokio's `oneshot`.\n\
         Tells of ractor, actix and coerce keep to no bound. A timeout is tokio's where the row is xtra's, coerce's or a channel's.\n",
        chrono::Utc::now().format("%Y-%m-%d %H:%M UTC"),
        machine::describe(),
        versions.join(", "),
        plan.rounds,
        plan.pace.round.as_millis(),
    )
}

/// One scenario, the fastest first.
fn times(scenario: &str, figures: &Figures) -> String {
    let mut rows: Vec<_> = figures.times.iter().filter(|(case, _)| case.scenario == scenario).collect();
    let Some(&(_, ours)) = rows.iter().copied().find(|(case, _)| case.kind == Kind::Switchboard) else {
        return String::new();
    };
    rows.sort_by(|(_, one), (_, other)| one.median.total_cmp(&other.median));
    let mut text = format!(
        "\n### {scenario}\n\n| | ns, median | min–max | to the first of switchboard |\n| --- | --- | --- | --- |\n"
    );
    for (case, spread) in rows {
        let name = match case.kind {
            Kind::Switchboard => format!("**{}**", case.peer),
            Kind::Framework => case.peer.into(),
            Kind::Floor => format!("{} (channel)", case.peer),
        };
        let ratio = spread.median / ours.median;
        let line = format!("| {name} | {:.1} | {:.1}–{:.1} | {ratio:.2} |", spread.median, spread.min, spread.max);
        writeln!(text, "{line}").expect("a string takes any text");
    }
    text
}

fn memory(plan: &Plan, figures: &Figures) -> String {
    if figures.memory.is_empty() {
        return String::new();
    }
    let mut text =
        format!("\n### bytes per idle actor, {} actors\n\n| | live | resident |\n| --- | --- | --- |\n", plan.actors);
    for (peer, footprint) in &figures.memory {
        writeln!(text, "| {peer} | {:.0} | {:.0} |", footprint.live, footprint.resident)
            .expect("a string takes any text");
    }
    text
}
