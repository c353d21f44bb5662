//! Nothing is lost: random programs of all that a broker can be asked to do, each followed by a look at every message.
//!
//! Each program runs on a paused clock and follows from its seed. A ledger notes what senders, handlers and receivers
//! see, and is compared with what the broker has counted, between any two steps and in the end. `SWITCHBOARD_PROGRAMS`
//! sets how many there are (10,000), `SWITCHBOARD_SEED=7` runs one and prints all that happens, and
//! `SWITCHBOARD_REACHED=1` prints how often programs came to what matters.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod actors;
mod answers;
mod desk;
mod draw;
mod ending;
mod job;
mod ledger;
mod letters;
mod look;
mod program;
mod reached;
mod record;
mod run;
mod verify;
mod watch;
mod worker;
mod world;

use reached::Reached;
use watch::Watch;

/// Programs that are run unless something else is asked for.
const PROGRAMS: u64 = 10_000;

fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a number, not `{value}`")))
}

/// Runs one program if that is what is asked for, and else every other: two tests, so that two processors are used.
fn run(share: u64) {
    match setting("SWITCHBOARD_SEED") {
        Some(seed) if seed % 2 == share => run::one_in_full(seed, &Watch::start()),
        Some(_) => {}
        None => run_share(share),
    }
}

fn run_share(share: u64) {
    let programs = setting("SWITCHBOARD_PROGRAMS").unwrap_or(PROGRAMS);
    let (mut reached, watch) = (Reached::default(), Watch::start());
    for seed in (0..programs).filter(|seed| seed % 2 == share) {
        reached.add(&run::one(seed, &watch));
    }
    if setting("SWITCHBOARD_REACHED").is_some() {
        println!("{reached}");
    }
    if programs >= PROGRAMS {
        let missing = reached.missing();
        assert!(missing.is_empty(), "programs do not come to what matters often enough: {missing:?}\n{reached}");
    }
}

#[test]
fn no_even_program_loses_a_message() {
    run(0);
}

#[test]
fn no_odd_program_loses_a_message() {
    run(1);
}
