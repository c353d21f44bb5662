//! The example `retry_and_redrive` shows what it says it does.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

use std::process::Command;

#[test]
fn what_failed_is_tried_again_given_up_and_printed_when_there_is_paper() {
    let printed = run();
    let failed = |number| {
        [
            format!("  invoice {number}, attempt 1: no paper, again in 100 ms"),
            format!("  invoice {number}, attempt 2: no paper, again in 200 ms"),
            format!("  invoice {number}, attempt 3: no paper, given up"),
            format!("  named:printer, attempts: 3, its handler failed: no paper for invoice {number}"),
        ]
    };
    assert_eq!(about(&printed, 1), ["  invoice 1, attempt 1: printed, 19.90"]);
    assert_eq!(about(&printed, 2), [&failed(2)[..], &["  invoice 2, attempt 1: printed, 4.50".into()]].concat());
    assert_eq!(about(&printed, 4), [&failed(4)[..], &["  invoice 4, attempt 1: printed, 120.00".into()]].concat());
}

#[test]
fn what_was_rejected_is_not_tried_again_and_stays_a_dead_letter() {
    let printed = run();
    let dead = "  named:printer, attempts: 1, its handler rejected it: invoice 3 has no amount";
    assert_eq!(about(&printed, 3), ["  invoice 3, attempt 1: no amount, rejected", dead, dead]);
    let end: Vec<_> = printed.lines().rev().take(3).collect();
    let redriven = "Redriven: 2 sent, 0 waiting, 0 refused. Dead letters:";
    assert_eq!(end, ["Audit: 6 accepted = 3 handled + 3 failed", dead, redriven]);
}

/// The lines about one invoice.
fn about(printed: &str, number: u32) -> Vec<&str> {
    let name = format!("invoice {number}");
    printed.lines().filter(|line| line.contains(&name)).collect()
}

fn run() -> String {
    let test = std::env::current_exe().unwrap();
    let built = test.ancestors().nth(2).unwrap().join("examples");
    let example = built.join(format!("retry_and_redrive{}", std::env::consts::EXE_SUFFIX));
    assert!(example.exists(), "build it with `cargo build --example retry_and_redrive`");
    let output = Command::new(example).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
