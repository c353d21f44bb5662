//! Counts the files, lines, blank lines and bytes of a source tree, by language, with actors.
//!
//! `cargo run --release --example census -- [PATH]`; `--help` lists the options.
//!
//! ```text
//! walker ──Read──▶ pool:readers ──Counted──▶ named:tally.rust, named:tally.toml, …
//!    │                   │                         ▲
//!    │            Opened, Failed               GetTotals
//!    │                   ▼                         │
//!    └──Failed───▶ named:summary ──────────────────┘
//! ```
//!
//! The walker finds the files, and waits when the readers have as many as they can hold. A reader counts a file and
//! tells the tally of its language. The summary knows which tallies there are and what is not to be counted, and is
//! the one to ask for the totals.
//!
//! A file that can't be read because of something that may pass, such as too many open files, is handled again a little
//! later, by any reader. One that can't be read at all is rejected. What was read in vain is a dead letter, with its path
//! and the reason; at the end they are listed.
//!
//! Nothing sleeps or polls for the end: when the walk is over the readers are drained, which waits for what is to be
//! handled again. With the last of them gone each count is in its tally's mailbox, where a request for the totals
//! queues up behind it.
//!
//! With `--nats URL` the files are read in other processes, on this machine or on any that has the same files: start
//! `census --nats URL --read` as often as you like. Their actors are in one pool, which the readers here ask in place of
//! reading. When such a process goes, what it was asked is handled again, and asked of
//! another; and since a count comes back as an answer, each file is counted once.

mod addresses;
mod arguments;
mod census;
mod counts;
mod error;
mod failure;
mod hindrance;
mod languages;
mod message;
mod progress;
mod reader;
mod reading;
mod remote;
mod report;
mod summary;
mod table;
mod tally;
mod text;
mod totals;
mod tree;
mod unread;
mod walker;

use std::io::{self, BufWriter, ErrorKind, Write};
use std::num::NonZero;
use std::process::ExitCode;

use arguments::{Arguments, Command, HELP};
use error::CensusError;
use report::Report;
use tokio::runtime::{Builder, Runtime};

fn main() -> ExitCode {
    let done = match arguments::parse(lexopt::Parser::from_env()) {
        Ok(Command::Help) => print(|out| out.write_all(HELP.as_bytes())).map_err(Into::into),
        Ok(Command::Count(arguments)) => count(&arguments),
        Ok(Command::Read { servers, workers }) => read(&servers, workers),
        Err(error) => {
            eprintln!("census: {error}\nTry `census --help`.");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("census: {error}");
            ExitCode::FAILURE
        }
    }
}

fn count(arguments: &Arguments) -> Result<(), CensusError> {
    let report = runtime(arguments.workers, arguments.nats.is_some())?.block_on(census::take(arguments))?;
    print(|out| show(&report, arguments.json, out))?;
    Ok(report.audit()?)
}

/// Reads for others, until it is killed.
fn read(servers: &str, workers: NonZero<usize>) -> Result<(), CensusError> {
    runtime(workers, true)?.block_on(remote::read(servers, workers.get()))
}

/// One thread for each reader, which keeps it busy while it reads, and one for everybody else. Without a server it opens no
/// file of its own.
fn runtime(workers: NonZero<usize>, with_server: bool) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers.get() + 1).enable_time();
    if with_server {
        builder.enable_io();
    }
    builder.build()
}

fn show(report: &Report, json: bool, out: &mut dyn Write) -> io::Result<()> {
    if json {
        serde_json::to_writer(&mut *out, report)?;
        writeln!(out)
    } else {
        table::write(report, out)
    }
}

/// Writes to standard output. That nobody reads it to its end, as `head` may not, is no error.
fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
