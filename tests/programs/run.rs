//! Runs programs, and reports those in which something does not hold.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::Builder;

use crate::draw;
use crate::ledger::Lines;
use crate::program::Program;
use crate::reached::Reached;
use crate::watch::Watch;
use crate::world::World;

/// What became of a program.
struct Story {
    problems: Vec<String>,
    lines: Lines,
    reached: Reached,
}

/// Runs the program of a seed, and panics with all there is to know if something does not hold.
pub(crate) fn one(seed: u64, watch: &Watch) -> Reached {
    let program = draw::program(seed);
    let story = run(&program, Lines::Dropped, watch);
    if story.problems.is_empty() { story.reached } else { fail(program, &story.problems, watch) }
}

/// Runs the program of a seed, and prints all that happens in it.
pub(crate) fn one_in_full(seed: u64, watch: &Watch) {
    let program = draw::program(seed);
    println!("{program}");
    let story = run(&program, Lines::Printed, watch);
    assert!(story.problems.is_empty(), "{}", story.problems.join("\n"));
}

fn fail(program: Program, problems: &[String], watch: &Watch) -> ! {
    let seed = program.seed;
    let least = shrink(program, watch);
    let story = run(&least, Lines::Kept(Vec::new()), watch);
    let Lines::Kept(lines) = story.lines else { unreachable!("they were to be kept") };
    panic!(
        "with the seed {seed}:\n{}\n\nThe shortest program in which something does not hold:\n{least}\n{}\n{}\n\n\
         To see all of it: SWITCHBOARD_SEED={seed} cargo test --test programs -- --nocapture",
        problems.join("\n"),
        lines.join("\n"),
        story.problems.join("\n"),
    );
}

/// Leaves out steps, as long as something still does not hold without them.
fn shrink(mut program: Program, watch: &Watch) -> Program {
    let mut length = program.steps.len();
    while length > 0 {
        let mut place = 0;
        while place < program.steps.len() {
            let mut shorter = program.clone();
            shorter.steps.drain(place..(place + length).min(program.steps.len()));
            if run(&shorter, Lines::Dropped, watch).problems.is_empty() {
                place += length;
            } else {
                program = shorter;
            }
        }
        length /= 2;
    }
    program
}

/// Runs a program in a runtime of its own, so that it depends on nothing that was before.
fn run(program: &Program, lines: Lines, watch: &Watch) -> Story {
    watch.begins(program.seed);
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let mut world = World::new(program, lines);
    let ran = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            for step in &program.steps {
                world.take(step).await;
            }
            world.end(program).await;
        });
    }));
    drop(runtime);
    let mut ledger = world.desk.ledger();
    if ran.is_err() {
        ledger.problem("it panicked".into());
    }
    let (problems, lines) = (std::mem::take(&mut ledger.problems), std::mem::take(&mut ledger.lines));
    drop(ledger);
    Story { problems, lines, reached: std::mem::take(&mut world.reached) }
}
