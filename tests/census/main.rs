//! The example `census`, run as its users run it, against a count that is made in another way.

#![allow(clippy::unwrap_used, reason = "as in the tests themselves")]

mod expected;
#[path = "../../examples/census/hindrance.rs"]
mod hindrance; // Its tests run here, since those of an example do not run by themselves.
mod tree;
#[cfg(target_os = "linux")]
mod unread;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output};

use expected::Expected;
use serde_json::{Value, json};
use switchboard::metrics::{BrokerMetrics, Outcome};
use tree::Tree;

/// What the tree's `.gitignore` and `.ignore` leave out.
const IGNORED: [&str; 3] = ["target", "trace.log", "nested/skipped.rs"];

#[test]
fn counts_what_an_independent_count_does() {
    let tree = Tree::new();
    for workers in ["1", "4", "32"] {
        compare(&tree.census(&["--workers", workers]), &Expected::of(&tree, &IGNORED));
        compare(&tree.census(&["--workers", workers, "--no-ignore"]), &Expected::of(&tree, &[]));
    }
}

#[test]
fn readers_that_see_a_language_first_at_the_same_time_share_one_tally() {
    let tree = Tree::empty();
    for number in 0..400 {
        for extension in ["rs", "c", "py", "md", "txt"] {
            tree.write(&format!("{}/{number}.{extension}", number % 7), b"one\n\ntwo\n");
        }
    }
    compare(&tree.census(&["--workers", "16"]), &Expected::of(&tree, &[]));
}

#[test]
fn an_empty_folder_has_nothing_and_that_is_no_error() {
    let tree = Tree::empty();
    compare(&tree.census(&[]), &Expected::of(&tree, &[]));
}

#[test]
fn a_single_file_and_the_target_of_a_link_can_be_counted() {
    let tree = Tree::new();
    let census = run(&[tree.path().join("src/main.rs").as_os_str(), "--json".as_ref()]);
    assert_eq!(parse(&census)["total"], json!({"files": 1, "lines": 4, "blank": 2, "bytes": 24}));
    #[cfg(unix)]
    {
        let census = run(&[tree.path().join("link.rs").as_os_str(), "--json".as_ref()]);
        assert_eq!(parse(&census)["total"], json!({"files": 1, "lines": 4, "blank": 2, "bytes": 24}));
    }
}

#[test]
fn a_pattern_that_makes_no_sense_is_reported_and_the_rest_heeded() {
    let tree = Tree::empty();
    tree.write(".gitignore", b"{a\n*.log\n");
    tree.write("trace.log", b"x\n");
    let report = parse(&tree.census(&[]));
    assert_eq!(report["total"]["files"], 1);
    assert_eq!(report["failed"][0]["path"], tree.shown(".gitignore"));
}

#[test]
fn the_table_says_the_same() {
    let tree = Tree::new();
    let expected = Expected::of(&tree, &IGNORED);
    let census = run(&[tree.path().as_os_str()]);
    let table = text(&census.stdout);
    assert!(census.status.success(), "{census:?}");
    assert!(census.stderr.is_empty(), "there is a bar without a terminal: {census:?}");

    for (language, counts) in
        expected.languages.iter().map(|(name, counts)| (*name, *counts)).chain([("Total", expected.total())])
    {
        let row = table
            .lines()
            .find(|line| line.starts_with(&format!("{language}  ")))
            .unwrap_or_else(|| panic!("no {language} in\n{table}"));
        let numbers: Vec<u64> =
            row[language.len()..].split_whitespace().map(|number| number.replace(',', "").parse().unwrap()).collect();
        assert_eq!(numbers, counts, "{language}");
    }
    assert!(table.contains(&format!("Not counted: {}", expected.failed.len())), "{table}");
    for (path, reason) in &expected.failed {
        assert!(table.lines().any(|line| line.contains(reason) && line.ends_with(path)), "{path} in\n{table}");
    }
    for outcome in Outcome::ALL {
        assert!(table.contains(outcome.as_str()), "{outcome} in\n{table}");
    }
    assert!(table.contains("per second") && table.contains("deepest mailbox"), "{table}");
}

#[test]
fn bad_arguments_are_explained() {
    let cases: [(&[&str], &str); 11] = [
        (&["--workers", "0"], "--workers"),
        (&["--workers", "many"], "many"),
        (&["--workers=1000000"], "1000000"),
        (&["--workers"], "--workers"),
        (&["--colour"], "--colour"),
        (&["--json=yes"], "--json"),
        (&["here", "there"], "there"),
        (&["--nats"], "--nats"),
        (&["--read"], "--nats"),
        (&["--read", "--nats", "nats://127.0.0.1:4222", "."], "no path"),
        (&["no/such/folder"], "no/such/folder"),
    ];
    for (arguments, culprit) in cases {
        let census = run(&arguments.iter().map(OsStr::new).collect::<Vec<_>>());
        assert_eq!(census.status.code(), Some(2), "{arguments:?}");
        assert!(text(&census.stderr).contains(culprit), "{arguments:?}: {census:?}");
        assert!(census.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_lists_the_options() {
    let census = run(&["--help".as_ref()]);
    assert!(census.status.success());
    for option in ["--workers", "--json", "--no-ignore", "--nats", "--read", "--help"] {
        assert!(text(&census.stdout).contains(option), "{option}");
    }
}

/// Holds a report in JSON against the independent count, and the broker's account against what it must have carried.
fn compare(census: &Output, expected: &Expected) {
    let mut report = parse(census);
    let broker = report.as_object_mut().unwrap().remove("broker").unwrap();
    assert_eq!(report, expected.report());

    let broker: BrokerMetrics = serde_json::from_value(broker).unwrap();
    let traffic = &broker.total;
    assert_eq!(traffic.accepted, expected.messages());
    assert_eq!(traffic.accepted, traffic.outcomes.sum());
    assert_eq!(traffic.outcomes[Outcome::Failed], expected.unread);
    assert_eq!(traffic.accepted, traffic.outcomes[Outcome::Handled] + expected.unread);
    assert_eq!((traffic.queued, traffic.in_handlers, traffic.unaccounted()), (0, 0, 0));
    assert!((1..=1024).contains(&traffic.deepest_mailbox), "{traffic:?}");
}

fn parse(census: &Output) -> Value {
    assert!(census.status.success() && census.stderr.is_empty(), "{census:?}");
    serde_json::from_slice(&census.stdout).unwrap()
}

fn run(arguments: &[&OsStr]) -> Output {
    Command::new(program()).args(arguments).output().unwrap()
}

fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let built = test.ancestors().nth(2).unwrap().join("examples");
    let census = built.join(format!("census{}", std::env::consts::EXE_SUFFIX));
    assert!(census.exists(), "build it with `cargo build --example census`");
    census
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}
