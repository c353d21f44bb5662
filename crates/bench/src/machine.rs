//! What the figures were measured on, and with which versions.

use std::fs;
use std::process::Command;

const LOCKED: &str = include_str!("../Cargo.lock");

/// The processor, its cores, the system and the compiler, in one line.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{} ({cores} cores), Linux {}, {}",
        processor(),
        first_line("uname", "-r"),
        first_line("rustc", "--version")
    )
}

/// The version of a package that is in this build: the newest, if some package still needs an older one as well.
pub fn version(package: &str) -> &'static str {
    let named = format!("\nname = \"{package}\"\n");
    // The file is sorted by name and then by version.
    let entry = LOCKED.split("[[package]]").filter(|entry| entry.contains(&named)).last();
    let version = entry.and_then(|entry| entry.lines().find_map(|line| line.strip_prefix("version = ")));
    version.map_or("unknown", |version| version.trim_matches('"'))
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| "unknown processor".into(), |(_, name)| name.into())
}

fn first_line(command: &str, argument: &str) -> String {
    let output = Command::new(command).arg(argument).output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).lines().next().unwrap_or("unknown").into()
}
