//! The example `topics` shows what it says it does.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

use std::process::Command;

#[test]
fn each_gets_what_matches_and_the_slow_one_loses_its_own() {
    let printed = run();
    // The alarm is an actor, and sounds when it comes to it.
    let (alarm, others): (Vec<_>, Vec<_>) = printed.lines().partition(|line| line.starts_with("  alarm"));
    assert_eq!(alarm, ["  alarm   weather.*.storm: 2 a storm"]);
    let expected = [
        "Published:",
        "  1 on weather.oslo.rain: to 3",
        "  2 on weather.oslo.storm: to 4",
        "  3 on weather.rome.sun: to 2",
        "  4 on weather.oslo.snow: to 3",
        "  5 on weather.oslo.sun: to 3",
        "  6 on sports.oslo.ski: nobody has subscribed",
        "Received:",
        "  log     weather.>: 1 rain, 2 a storm, 3 sun, 4 snow, 5 sun at last; lost: 0",
        "  display weather.oslo.*: 4 snow, 5 sun at last; lost: 2",
        "  printer weather.>: 1 rain, 3 sun, 5 sun at last; lost: 0",
        "  printer weather.>: 2 a storm, 4 snow; lost: 0",
        "The display's subscription ends when it is dropped:",
        "  7 on weather.oslo.fog: to 2",
        "  8 on weather.oslo.fog: nobody has subscribed",
        "Audit: 17 accepted = 13 handled + 2 evicted + 2 abandoned",
    ];
    assert_eq!(others, expected);
}

fn run() -> String {
    let test = std::env::current_exe().unwrap();
    let built = test.ancestors().nth(2).unwrap().join("examples");
    let example = built.join(format!("topics{}", std::env::consts::EXE_SUFFIX));
    assert!(example.exists(), "build it with `cargo build --example topics`");
    let output = Command::new(example).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
