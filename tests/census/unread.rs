//! What becomes of files that can't be read: tried again where that helps, and else listed with path and reason.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::process::{Command, Output};

use serde_json::{Value, json};
use switchboard::metrics::{BrokerMetrics, Outcome};

use crate::expected::Expected;
use crate::tree::Tree;
use crate::{compare, parse, program, run, text};

/// This file opens, and reading at its beginning fails, for every user.
#[test]
fn a_file_that_fails_in_the_middle_of_reading_is_reported() {
    let report = parse(&run(&["/proc/self/mem".as_ref(), "--json".as_ref()]));
    let reason = io::Error::from_raw_os_error(5).to_string();
    assert_eq!(report["failed"], json!([{"path": "/proc/self/mem", "reason": reason}]));
    assert_eq!(outcomes(&report), (1, 1, 0));
}

#[test]
fn a_file_that_never_opens_is_rejected_at_once_and_listed_with_path_and_reason() {
    let tree = Tree::empty();
    tree.write("kept.rs", b"kept\n");
    let [path] = tree.add_out_of_reach(1).try_into().unwrap();
    let reason = fs::File::open(&path).unwrap_err().to_string();

    let report = parse(&tree.census(&[]));
    assert_eq!(report["failed"], json!([{"path": path, "reason": reason}]));
    assert_eq!(report["total"]["files"], 1);
    // The other one is read and counted; its tally is made known and asked, and so is the summary.
    assert_eq!(outcomes(&report), (5, 1, 0));

    let census = run(&[tree.path().as_os_str()]);
    let table = text(&census.stdout);
    assert!(census.status.success(), "{census:?}");
    assert!(table.contains(&format!("Not counted: 1\n  {reason}   {path}\n")), "{table}");
    assert!(!table.contains("again"), "{table}");
}

#[test]
fn of_the_files_that_never_open_none_is_left_out_however_many_there_are() {
    let tree = Tree::empty();
    let paths = tree.add_out_of_reach(1_100);
    let report = parse(&tree.census(&[]));
    let failed = report["failed"].as_array().unwrap().iter().map(|failure| failure["path"].as_str().unwrap());
    assert_eq!(failed.collect::<Vec<_>>(), paths);
    assert_eq!(outcomes(&report), (1, 1_100, 0));
}

/// No file can be opened while the walker has the folder open, and all of them after that. The walker comes to the end
/// of the folder only when the mailbox has room for the rest of it, so that many are read in vain before.
#[test]
fn files_that_could_not_be_opened_for_a_time_are_read_again_and_all_are_counted() {
    let tree = Tree::empty();
    for number in 0..300 {
        tree.write(&format!("{number}.rs"), b"one\n\nthree\n");
    }
    let options = ["--workers", "1", "--no-ignore", "--json"].map(OsStr::new);
    let census = run_with_files(4, &[&options[..], &[tree.path().as_os_str()]].concat());
    compare(&census, &Expected::of(&tree, &[]));
    let (.., again) = outcomes(&parse(&census));
    assert!(again >= 300 - 64 - 1, "{again}");
}

/// The three files that a program starts with are all that it may have open.
#[test]
fn a_file_that_can_not_be_opened_for_long_is_listed_with_the_attempts_made() {
    let tree = Tree::empty();
    tree.write("some.rs", b"some\n");
    let path = tree.shown("some.rs");
    let reason = io::Error::from_raw_os_error(24).to_string();
    let options = ["--workers", "1", "--no-ignore", &path].map(OsStr::new);

    let report = parse(&run_with_files(3, &[&options[..], &["--json".as_ref()]].concat()));
    assert_eq!(report["failed"], json!([{"path": path, "reason": reason, "attempts": 8}]));
    assert_eq!(outcomes(&report), (1, 1, 7));

    let census = run_with_files(3, &options);
    let table = text(&census.stdout);
    assert!(census.status.success(), "{census:?}");
    assert!(table.contains(&format!("Not counted: 1\n  {reason}, 8 attempts   {path}\n")), "{table}");
    assert!(table.contains("handled again: 7\n"), "{table}");
}

/// Runs it so that it may have only `limit` files open, at least three. Those are taken from the start, by the standard
/// library if by nobody else; until then one is free for the loader of the program.
fn run_with_files(limit: u32, arguments: &[&OsStr]) -> Output {
    let script = format!("exec 0<&- 3>&-; ulimit -n {limit}; exec \"$0\" \"$@\"");
    Command::new("sh").arg("-c").arg(script).arg(program()).args(arguments).output().unwrap()
}

/// How many messages were handled and how many failed, of those that were accepted, and how often one was handled again.
fn outcomes(report: &Value) -> (u64, u64, u64) {
    let broker: BrokerMetrics = serde_json::from_value(report["broker"].clone()).unwrap();
    let (total, outcomes) = (&broker.total, &broker.total.outcomes);
    assert_eq!(total.accepted, outcomes.sum());
    (outcomes[Outcome::Handled], outcomes[Outcome::Failed], total.redeliveries)
}
