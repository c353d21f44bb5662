//! What switchboard costs beside other actor libraries and bare channels, in one run: see `BENCHMARKS.md`.

mod case;
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
use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;

use crate::runner::Plan;
use crate::scenario::Pace;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

const USAGE: &str = "usage: bin/bench [--quick] [--million] [--out FILE] [PART]

  PART         only scenarios that have PART in their names: tell, ask, spawn, resolve, savina, idle
  --quick      fewer and shorter rounds, in under two minutes
  --million    idle actors: a million instead of 100,000
  --out FILE   write the tables into FILE too";

/// What is to be done.
enum Task {
    Help,
    Measure {
        plan: Plan,
        only: Option<String>,
        out: Option<PathBuf>,
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
        Task::Measure { plan, only, out } => {
            let tables = report::write(&plan, &runner::run(&plan, only.as_deref())?);
            print!("{tables}");
            if let Some(file) = out {
                std::fs::write(file, tables)?;
            }
        }
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

fn parse(mut arguments: lexopt::Parser) -> Result<Task, lexopt::Error> {
    let mut plan = Plan { rounds: 7, pace: Pace { round: Duration::from_millis(300) }, actors: 100_000 };
    let (mut only, mut out) = (None, None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("quick") => (plan.rounds, plan.pace) = (3, Pace { round: Duration::from_millis(100) }),
            Long("million") => plan.actors = 1_000_000,
            Long("out") => out = Some(arguments.value()?.into()),
            Long("footprint") => {
                let (peer, actors) = (arguments.value()?.string()?, arguments.value()?.parse()?);
                return Ok(Task::Footprint { peer, actors });
            }
            Value(part) if only.is_none() => only = Some(part.string()?),
            Long("help") | Short('h') => return Ok(Task::Help),
            _ => return Err(format!("{}\n\n{USAGE}", argument.unexpected()).into()),
        }
    }
    Ok(Task::Measure { plan, only, out })
}
