//! Measures all rows, round by round: the first round of all, then the second of all, so that a disturbance hits all alike.

use std::io::{self, IsTerminal};
use std::process::Command;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::case::{Case, DelayCase, LATENCY, cases, delay_cases, memory_cases};
use crate::delays;
use crate::scenario::{Footprint, Pace};
use crate::spread::Spread;

/// A round is no shorter, or it would be over before the peer is warm.
const SHORTEST_ROUND: Duration = Duration::from_millis(30);
/// And no longer, when there are few rows.
const LONGEST_ROUND: Duration = Duration::from_millis(300);

/// For a latency that one message in a thousand has, there must be many messages.
const LATENCY_ROUND: Duration = Duration::from_millis(500);

/// What is measured, and how much of it.
#[derive(Clone, Debug)]
pub struct Plan {
    pub rounds: usize,
    /// What all rounds of all rows take together, without what they need to start and to end.
    pub time: Duration,
    pub actors: usize,
    /// No scenario with a size of more than this.
    pub largest: u64,
    /// Only scenarios with this in their names.
    pub part: Option<String>,
    /// Only rows with this in their peers' names.
    pub peer: Option<String>,
}

impl Plan {
    fn wants(&self, scenario: &str, peer: &str) -> bool {
        let has = |text: &str, part: &Option<String>| part.as_ref().is_none_or(|part| text.contains(part.as_str()));
        has(scenario, &self.part) && has(peer, &self.peer)
    }

    fn pace(&self, rows: usize) -> Pace {
        let rounds = u32::try_from(rows * self.rounds).unwrap_or(u32::MAX).max(1);
        Pace { round: (self.time / rounds).clamp(SHORTEST_ROUND, LONGEST_ROUND) }
    }
}

/// What came out.
pub struct Figures {
    pub pace: Pace,
    pub times: Vec<(Case, Spread)>,
    pub delays: Vec<(DelayCase, Histogram<u64>)>,
    pub memory: Vec<(&'static str, Footprint)>,
}

impl Figures {
    /// The rows of one scenario.
    pub fn of(&self, scenario: &str) -> Vec<&(Case, Spread)> {
        self.times.iter().filter(|(case, _)| case.scenario == scenario).collect()
    }

    /// The median of one row.
    pub fn median(&self, scenario: &str, peer: &str) -> Option<f64> {
        self.of(scenario).iter().find(|(case, _)| case.peer == peer).map(|(_, spread)| spread.median)
    }

    /// The median of a row of one size.
    pub fn median_at(&self, scenario: &str, peer: &str, size: u64) -> Option<f64> {
        let mut rows = self.times.iter().filter(|(case, _)| case.scenario == scenario && case.peer == peer);
        rows.find(|(case, _)| case.size == Some(size)).map(|(_, spread)| spread.median)
    }
}

/// Runs the whole plan, and says on standard error how far it is.
///
/// # Errors
///
/// If a process that measures memory cannot be started, or does not say what it measured.
pub fn run(plan: &Plan) -> io::Result<Figures> {
    let mut cases = cases();
    cases.retain(|case| plan.wants(case.scenario, case.peer) && case.size.is_none_or(|size| size <= plan.largest));
    let delay_cases: Vec<_> = delay_cases().into_iter().filter(|case| plan.wants(LATENCY, case.peer)).collect();
    let pace = plan.pace(cases.len());
    let mut times = vec![Vec::with_capacity(plan.rounds); cases.len()];
    let mut delays = vec![delays::none(); delay_cases.len()];
    for round in 1..=plan.rounds {
        let say = |scenario: &str, peer: &str| say(&format!("round {round} of {}: {scenario}, {peer}", plan.rounds));
        for (case, times) in cases.iter().zip(&mut times).filter(|(case, _)| round <= case.most_rounds) {
            say(case.scenario, case.peer);
            times.push(case.run(pace));
        }
        for (case, delays) in delay_cases.iter().zip(&mut delays) {
            say(LATENCY, case.peer);
            *delays += case.run(Pace { round: LATENCY_ROUND });
        }
    }
    let times = cases.into_iter().zip(times.into_iter().filter_map(Spread::of)).collect();
    let delays = delay_cases.into_iter().zip(delays).collect();
    let memory = measure_memory(plan)?;
    say("done\n");
    Ok(Figures { pace, times, delays, memory })
}

fn measure_memory(plan: &Plan) -> io::Result<Vec<(&'static str, Footprint)>> {
    let measure = |peer: &'static str| {
        say(&format!("bytes per idle actor: {peer}"));
        Ok((peer, measure_apart(peer, plan.actors)?))
    };
    memory_cases().iter().map(|case| case.peer).filter(|peer| plan.wants("idle", peer)).map(measure).collect()
}

/// Measures one row in a process of its own, which prints the two figures.
fn measure_apart(peer: &str, actors: usize) -> io::Result<Footprint> {
    let output = Command::new(std::env::current_exe()?).args(["--footprint", peer, &actors.to_string()]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut figures = text.split_whitespace().map_while(|figure| figure.parse().ok());
    match (figures.next(), figures.next()) {
        (Some(live), Some(resident)) => Ok(Footprint { live, resident }),
        _ => Err(io::Error::other(format!("measuring {peer} failed: {}", String::from_utf8_lossy(&output.stderr)))),
    }
}

/// In place of what was said before, where somebody looks on.
fn say(what: &str) {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K{what}");
    }
}
