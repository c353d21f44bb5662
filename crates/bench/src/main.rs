//! What switchboard costs beside other actor libraries and bare channels, in one run: see `BENCHMARKS.md`.

mod case;
mod delays;
mod lap;
mod machine;
mod memory;
mod peers;
mod report;
mod runner;
mod savina;
mod scenario;
mod spread;
mod work;

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lexopt::prelude::*;

use crate::runner::Plan;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

const USAGE: &str =
    "usage: bin/bench [--quick] [--million] [--peer NAME] [--workers N] [--out FILE] [--plots DIR] [PART]

  PART         only scenarios that have PART in their names: tell, ask, spawn, resolve, growth, latency, savina, idle
  --peer NAME  only rows whose peer has NAME in its name
  --quick      fewer and shorter rounds, in under two minutes
  --million    idle actors: a million instead of 100,000
  --workers N  worker threads of the runtime, except where a scenario says how many: 2 unless said otherwise
  --out FILE   write the tables into FILE too
  --plots DIR  draw each table as an SVG in DIR, and refer to it in the tables";

/// What the rounds take together, without what the rows need to start and to end.
const FULL: Duration = Duration::from_secs(270);
const QUICK: Duration = Duration::from_secs(40);

/// What is to be done.
enum Task {
    Help,
    Measure {
        plan: Plan,
        out: Option<PathBuf>,
        plots: Option<PathBuf>,
    },
    /// What `runner` starts for each row of the table of memory.
    Footprint {
        peer: String,
        actors: usize,
    },
}

fn main() -> Result<(), Box<dyn Error>> {
    match parse(lexopt::Parser::from_env())? {
        Task::Help => println!("{USAGE}"),
        Task::Measure { plan, out, plots } => measure(&plan, out.as_deref(), plots.as_deref())?,
        Task::Footprint { peer, actors } => {
            memory::count();
            let case = case::memory_cases().into_iter().find(|case| case.peer == peer).ok_or("no such peer")?;
            let footprint = case.run(actors);
            println!("{} {}", footprint.live, footprint.resident);
            // Not a million actors taken down one by one.
            std::process::exit(0);
        }
    }
    Ok(())
}

fn measure(plan: &Plan, out: Option<&Path>, plots: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let figures = runner::run(plan)?;
    let tables = report::write(plan, &figures, plots);
    print!("{tables}");
    if let Some(file) = out {
        std::fs::write(file, tables)?;
    }
    if let Some(folder) = plots {
        report::draw(&figures, folder)?;
    }
    Ok(())
}

fn parse(mut arguments: lexopt::Parser) -> Result<Task, lexopt::Error> {
    let mut plan = Plan { rounds: 5, time: FULL, actors: 100_000, largest: u64::MAX, part: None, peer: None };
    let (mut out, mut plots) = (None, None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("quick") => (plan.rounds, plan.time, plan.largest) = (3, QUICK, 100_000),
            Long("million") => plan.actors = 1_000_000,
            Long("peer") => plan.peer = Some(arguments.value()?.string()?),
            Long("workers") => {
                let workers: NonZeroUsize = arguments.value()?.parse()?;
                case::WORKERS.get_or_init(|| workers.get());
            }
            Long("out") => out = Some(arguments.value()?.into()),
            Long("plots") => plots = Some(arguments.value()?.into()),
            Long("footprint") => {
                let (peer, actors) = (arguments.value()?.string()?, arguments.value()?.parse()?);
                return Ok(Task::Footprint { peer, actors });
            }
            Value(part) if plan.part.is_none() => plan.part = Some(part.string()?),
            Long("help") | Short('h') => return Ok(Task::Help),
            _ => return Err(format!("{}\n\n{USAGE}", argument.unexpected()).into()),
        }
    }
    Ok(Task::Measure { plan, out, plots })
}
