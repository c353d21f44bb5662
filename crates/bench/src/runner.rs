//! Measures all rows, round by round: the first round of all, then the second of all, so that a disturbance hits all alike.

use std::io;
use std::process::Command;

use crate::case::{Case, cases, memory_cases};
use crate::scenario::{Footprint, Pace};
use crate::spread::Spread;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub rounds: usize,
    pub pace: Pace,
    pub actors: usize,
}

/// What came out.
pub struct Figures {
    pub times: Vec<(Case, Spread)>,
    pub memory: Vec<(&'static str, Footprint)>,
}

impl Figures {
    /// The median of one row.
    pub fn median(&self, scenario: &str, peer: &str) -> Option<f64> {
        let row = self.times.iter().find(|(case, _)| case.scenario == scenario && case.peer == peer);
        row.map(|(_, spread)| spread.median)
    }
}

/// Runs the whole plan, and says on standard error how far it is.
///
/// # Errors
///
/// If a process that measures memory cannot be started, or does not say what it measured.
pub fn run(plan: &Plan, only: Option<&str>) -> io::Result<Figures> {
    let wanted = |scenario: &str| only.is_none_or(|part| scenario.contains(part));
    let cases: Vec<_> = cases().into_iter().filter(|case| wanted(case.scenario)).collect();
    let mut rounds = vec![Vec::with_capacity(plan.rounds); cases.len()];
    for round in 1..=plan.rounds {
        for (case, rounds) in cases.iter().zip(&mut rounds) {
            eprint!("\r\x1b[Kround {round} of {}: {}, {}", plan.rounds, case.scenario, case.peer);
            rounds.push(case.run(plan.pace));
        }
    }
    let spreads = rounds.into_iter().filter_map(Spread::of);
    let times = cases.into_iter().zip(spreads).collect();
    let memory = if wanted("idle") { measure_memory(plan.actors)? } else { Vec::new() };
    eprintln!("\r\x1b[Kdone");
    Ok(Figures { times, memory })
}

fn measure_memory(actors: usize) -> io::Result<Vec<(&'static str, Footprint)>> {
    let measure = |peer: &'static str| {
        eprint!("\r\x1b[Kbytes per idle actor: {peer}");
        Ok((peer, measure_apart(peer, actors)?))
    };
    memory_cases().iter().map(|case| measure(case.peer)).collect()
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
