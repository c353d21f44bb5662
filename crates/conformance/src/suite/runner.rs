use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::{Builder, Runtime};

use super::{Candidate, Case, Clock, Failure, Report, Seen, Stage, Verdict, list};

/// Runs all cases, one after the other, each in a runtime of its own.
///
/// # Panics
///
/// Inside a tokio runtime, or if no runtime can be made.
pub fn run<C: Candidate>(candidate: &C) -> Report {
    Report { verdicts: Case::ALL.iter().map(|case| (case, run_case(candidate, case.name))).collect() }
}

/// Runs the case of this name.
///
/// # Panics
///
/// If there is none, inside a tokio runtime, or if no runtime can be made.
pub fn run_case<C: Candidate>(candidate: &C, name: &str) -> Verdict {
    let Some(case) = Case::named(name) else {
        panic!("there is no case `{name}`: see `Case::ALL` for their names");
    };
    if let Some(lacks) = candidate.capabilities().lacks(case.needs) {
        return Verdict::Skipped(lacks);
    }
    match play(candidate, case) {
        Ok(()) => Verdict::Passed,
        Err(Seen(seen)) => Verdict::Failed(Failure { guarantee: case.guarantee, case: case.name, seen }),
    }
}

fn play<C: Candidate>(candidate: &C, case: &Case) -> Result<(), Seen> {
    let clock = candidate.clock();
    let runtime = runtime(clock);
    let playing = async {
        let stage = Stage::new(candidate, candidate.make().await);
        list::play(case.name, &stage).await
    };
    // Longer than any wait inside it, which says better what is waited for.
    let playing = async { tokio::time::timeout(clock.patience() * 4, playing).await };
    match catch_unwind(AssertUnwindSafe(|| runtime.block_on(playing))) {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(_)) => Err(Seen("it waits for something that does not happen".into())),
        Err(payload) => Err(Seen(format!("a panic: {}", cause(&*payload)))),
    }
}

fn runtime(clock: Clock) -> Runtime {
    let made = Builder::new_current_thread().enable_all().start_paused(clock == Clock::Paused).build();
    made.expect("a runtime of one thread can always be made")
}

fn cause(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("its cause is not text").into()
}
