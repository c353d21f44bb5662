//! The example `service_directory` shows what it says it does.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

use std::process::Command;

#[test]
fn engines_come_and_go_and_whoever_asks_is_answered() {
    let printed = run();
    let expected = [
        "Engines come:",
        "  now        | nobody",
        "  + 1.1.4 eu | 1.1.4 eu",
        "  + 1.2.0 us | 1.1.4 eu, 1.2.0 us",
        "  + 1.2.0 eu | 1.1.4 eu, 1.2.0 eu, 1.2.0 us",
        "Clients ask for what suits them:",
        "  `cafés` found by 1.2.0 in eu",
        "  `diners` found by 1.2.0 in us",
        "  `teahouses`: no ^1.2 in asia",
        "The version that nobody asks for goes:",
        "  - 1.1.4 eu | 1.2.0 eu, 1.2.0 us",
        "An upgrade, while a client asks on:",
        "  + 1.3.0 eu | 1.2.0 eu, 1.2.0 us, 1.3.0 eu",
        "  - 1.2.0 eu | 1.2.0 us, 1.3.0 eu",
        "  asked 1000 times, answered 1000 times",
        "  `cafés` found by 1.3.0 in eu",
        "The end of an actor is the end of its membership:",
        "  - 1.2.0 us | 1.3.0 eu",
    ];
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
}

fn run() -> String {
    let test = std::env::current_exe().unwrap();
    let built = test.ancestors().nth(2).unwrap().join("examples");
    let example = built.join(format!("service_directory{}", std::env::consts::EXE_SUFFIX));
    assert!(example.exists(), "build it with `cargo build --example service_directory`");
    let output = Command::new(example).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
