//! What the project promises itself, beside what was measured. Each is a ratio inside one run, except where it says not.

use std::fmt::Write;

use crate::case::{ASK_1, ASK_WITHIN_1, ASK_WITHIN_64, RESOLVE, TELL_1, TELL_4};
use crate::runner::{Figures, Plan};
use crate::scenario::Kind;

const ROUTE: &str = "switchboard by route";
const ADDRESS: &str = "switchboard by address";

/// One promise: what is measured, and what it must not exceed.
struct Budget {
    text: &'static str,
    measured: Option<f64>,
    limit: f64,
}

/// A table of all promises that this run has figures for.
pub fn write(plan: &Plan, figures: &Figures) -> String {
    let mut rows = String::new();
    for budget in times(figures).into_iter().chain(bytes(figures)) {
        let Some(measured) = budget.measured else { continue };
        let met = if measured <= budget.limit { "yes" } else { "**no**" };
        writeln!(rows, "| {} | {:.2} | {measured:.2} | {met} |", budget.text, budget.limit)
            .expect("a string takes any text");
    }
    if rows.is_empty() {
        return rows;
    }
    format!(
        "\n### Budgets\n\n| budget | limit | measured | met |\n| --- | --- | --- | --- |\n{rows}\nBytes at {} actors.\n",
        plan.actors
    )
}

fn times(figures: &Figures) -> [Budget; 12] {
    let ratio = |scenario, ours, theirs| Some(figures.median(scenario, ours)? / figures.median(scenario, theirs)?);
    let to_fastest = |scenario, ours| Some(figures.median(scenario, ours)? / fastest(figures, scenario, "")?);
    let to_others = |scenario, ours| Some(figures.median(scenario, ours)? / fastest(figures, scenario, "kompact")?);
    let third = 1.0 / 3.0;
    [
        budget("tell 1:1 by route / kanal", 1.5, ratio(TELL_1, ROUTE, "kanal")),
        budget("tell 1:1 by address / kanal", 2.0, ratio(TELL_1, ADDRESS, "kanal")),
        budget("tell 1:1 by address / fastest framework but kompact", third, to_others(TELL_1, ADDRESS)),
        budget("tell 4:1 by route / fastest framework but kompact", third, to_others(TELL_4, ROUTE)),
        budget("tell 4:1 by address / fastest framework but kompact", third, to_others(TELL_4, ADDRESS)),
        budget("tell 1:1 by address / fastest framework", third, to_fastest(TELL_1, ADDRESS)),
        budget("tell 4:1 by route / fastest framework", third, to_fastest(TELL_4, ROUTE)),
        budget("tell 4:1 by address / fastest framework", third, to_fastest(TELL_4, ADDRESS)),
        budget("ask, one task / tokio mpsc and oneshot", 1.0, ratio(ASK_1, ADDRESS, "tokio mpsc")),
        budget("ask with a timeout, one task / ractor", 0.35, ratio(ASK_WITHIN_1, ADDRESS, "ractor")),
        budget("ask with a timeout, 64 tasks / ractor", 0.5, ratio(ASK_WITHIN_64, ADDRESS, "ractor")),
        budget("resolve by id among 1,000, ns", 15.0, figures.median_at(RESOLVE, "switchboard", 1_000)),
    ]
}

fn bytes(figures: &Figures) -> [Budget; 2] {
    let live = |peer| Some(figures.memory.iter().find(|(known, _)| *known == peer)?.1.live);
    [
        budget("bytes per idle actor", 400.0, live("switchboard")),
        budget("bytes per idle actor that hibernates", 400.0, live("switchboard, hibernating")),
    ]
}

fn budget(text: &'static str, limit: f64, measured: Option<f64>) -> Budget {
    Budget { text, measured, limit }
}

/// The least time of a library of actors, without the one that is left out: kompact's actors run on threads of their
/// own, beside those of the runtime, and its mailboxes have no bound.
fn fastest(figures: &Figures, scenario: &str, left_out: &str) -> Option<f64> {
    let rows = figures.of(scenario).into_iter();
    let rows = rows.filter(|(case, _)| case.kind == Kind::Framework && case.peer != left_out);
    rows.map(|(_, spread)| spread.median).min_by(f64::total_cmp)
}
