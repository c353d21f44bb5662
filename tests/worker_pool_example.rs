//! The example `worker_pool` shows what it says it does.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

use std::process::Command;

#[test]
fn the_pool_grows_while_much_waits_and_shrinks_when_nothing_does() {
    let printed = run();
    let lines: Vec<_> = printed.lines().collect();
    let [first, drawn @ .., most, resized, audit] = &lines[..] else { panic!("{printed}") };
    assert_eq!(*first, "100 customers with 4 jobs each:");
    let looks: Vec<_> = drawn.iter().map(|line| look(line)).collect();
    let (sizes, depths): (Vec<_>, Vec<_>) = looks.into_iter().unzip();

    // How soon it gets there is for the machine to say.
    let peak = *sizes.iter().max().unwrap();
    let turn = sizes.iter().position(|size| *size == peak).unwrap();
    assert!((5..=12).contains(&peak), "{printed}");
    assert!(sizes[..=turn].is_sorted() && sizes[turn..].iter().rev().is_sorted(), "{printed}");
    assert!(*depths.iter().max().unwrap() > 50, "{printed}");
    assert_eq!((sizes.last(), depths.last()), (Some(&2), Some(&0)));

    assert_eq!(*most, format!("There were up to {peak} printers; 2 are left."));
    assert_eq!(*resized, "Resized by hand: 5 printers.");
    assert_eq!(*audit, "Audit: 400 accepted = 400 handled");
}

/// The number of workers and of waiting messages that a line tells, and draws.
fn look(line: &str) -> (usize, usize) {
    let words: Vec<_> = line.split_whitespace().collect();
    let number = |place: usize| words[place].parse::<usize>().unwrap();
    let (size, depth) = (number(0), number(3));
    assert_eq!((words[1], words[4]), ("printers", "waiting"), "{line}");
    assert_eq!(words[2], "#".repeat(size), "{line}");
    assert_eq!(words.get(5).map_or(0, |bar| bar.len()), depth.div_ceil(5), "{line}");
    (size, depth)
}

fn run() -> String {
    let test = std::env::current_exe().unwrap();
    let built = test.ancestors().nth(2).unwrap().join("examples");
    let example = built.join(format!("worker_pool{}", std::env::consts::EXE_SUFFIX));
    assert!(example.exists(), "build it with `cargo build --example worker_pool`");
    let output = Command::new(example).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
