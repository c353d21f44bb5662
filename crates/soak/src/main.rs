//! Soaks the in-memory broker: see `--help`.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use lexopt::prelude::*;
use switchboard_soak::{InMemory, Plan, Report, soak};

const HELP: &str = "\
usage: bin/soak [--minutes N] [--seed S] [--rate MESSAGES] [--plots FOLDER]

Runs mixed load on the in-memory broker, on two threads, and fails if a message is lost or handled too often, if something
grows or is stuck, or if the broker's accounts are not what was seen from outside. A line is printed each time that all is at
rest.

  --minutes N        how long it runs; the default is 10, and parts of a minute are fine
  --seed S           what it draws; the same seed gives the same choices
  --rate MESSAGES    how many messages there are in a second; the default is 5000
  --plots FOLDER     where the samples and their curves are written";

/// What was asked for.
struct Wanted {
    plan: Plan,
    plots: Option<PathBuf>,
}

fn main() -> ExitCode {
    let wanted = match wanted() {
        Ok(Some(wanted)) => wanted,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let report = match runtime {
        Ok(runtime) => runtime.block_on(soak(InMemory, wanted.plan, |quiet| println!("{quiet}"))),
        Err(error) => {
            eprintln!("no runtime could be started: {error}");
            return ExitCode::from(2);
        }
    };
    print!("\n{report}");
    tell(&report, wanted.plots)
}

/// Draws, and says whether it was passed.
fn tell(report: &Report, plots: Option<PathBuf>) -> ExitCode {
    if let Some(folder) = plots
        && let Err(error) = report.draw(&folder)
    {
        eprintln!("the plots could not be written to {}: {error}", folder.display());
        return ExitCode::from(2);
    }
    if report.is_passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `None` if help is wanted.
fn wanted() -> Result<Option<Wanted>, lexopt::Error> {
    let (mut minutes, mut seed, mut rate, mut plots) = (10.0_f64, 1, None, None);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("minutes") => minutes = positive(arguments.value()?.parse()?)?,
            Long("seed") => seed = arguments.value()?.parse()?,
            Long("rate") => rate = Some(positive(arguments.value()?.parse()?)?),
            Long("plots") => plots = Some(arguments.value()?.into()),
            Short('h') | Long("help") => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    let plan = Plan::new(Duration::from_secs_f64(minutes * 60.0)).seed(seed);
    Ok(Some(Wanted { plan: rate.map_or(plan, |rate| plan.rate(rate)), plots }))
}

fn positive(number: f64) -> Result<f64, lexopt::Error> {
    if number > 0.0 && number < 1e6 {
        Ok(number)
    } else {
        Err(format!("{number} is not between 0 and a million").into())
    }
}
