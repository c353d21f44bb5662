//! The example `census` with its readers in other processes, as its users run it, against the same without.

#![allow(clippy::unwrap_used, reason = "as in the tests themselves")]

mod support;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::Value;
use support::Server;
use tempfile::TempDir;

/// Enough that they are not all read before somebody can be killed.
const FILES: usize = 800;

/// A process that reads. It is killed when this is dropped.
struct Reader(Child);

impl Reader {
    /// Returns when it has begun.
    fn start(server: &Server) -> Self {
        let mut command = Command::new(program());
        command.args(["--read", "--workers", "1", "--nats", &server.url()]).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.ends_with(" read for pool:readers\n"), "{line}");
        Self(process)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let census = test.ancestors().nth(2).unwrap().join("examples/census");
    assert!(census.exists(), "build it with `cargo build --example census`");
    census
}

fn tree() -> TempDir {
    let folder = TempDir::new().unwrap();
    for number in 0..FILES {
        let extension = ["rs", "py", "md", "bin"][number % 4];
        let content = if extension == "bin" { "\0".into() } else { format!("{number}\n\n  \nend") };
        std::fs::write(folder.path().join(format!("{number}.{extension}")), content).unwrap();
    }
    folder
}

fn census(path: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.arg(path).args(["--json", "--workers", "4"]).args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// All that was counted, and what was not. The rest is about the broker.
fn counted(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report.as_object_mut().unwrap().remove("broker").unwrap();
    report
}

#[tokio::test]
async fn readers_in_other_processes_count_the_same_also_when_one_is_killed() {
    let (server, tree) = (Server::start(), tree());
    let expected = counted(&census(tree.path(), &[]).output().unwrap());
    assert_eq!(expected["total"]["files"], FILES as u64 * 3 / 4);
    assert_eq!(expected["failed"].as_array().unwrap().len(), FILES / 4);

    let url = server.url();
    let (_one, other) = (Reader::start(&server), Reader::start(&server));
    let together = census(tree.path(), &["--nats", &url]).output().unwrap();
    assert_eq!(counted(&together), expected);

    let client = async_nats::connect(&url).await.unwrap();
    let mut said = client.subscribe("switchboard.node.*").await.unwrap();
    client.flush().await.unwrap();
    let mut bereft = census(tree.path(), &["--nats", &url]).spawn().unwrap();
    // A question and an answer for each file: this is a quarter of the way.
    for _ in 0..FILES / 2 {
        tokio::time::timeout(Duration::from_secs(60), said.next()).await.unwrap().unwrap();
    }
    drop(other);
    assert!(bereft.try_wait().unwrap().is_none(), "it is over before somebody is killed");
    assert_eq!(counted(&bereft.wait_with_output().unwrap()), expected);
}
