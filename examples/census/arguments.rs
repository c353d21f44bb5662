//! What the command line asks for.

use std::num::NonZero;
use std::path::PathBuf;
use std::thread;

use lexopt::prelude::*;
use thiserror::Error;

pub(crate) const HELP: &str = "\
Counts the files, lines, blank lines and bytes of a source tree, by language.

Usage: census [OPTIONS] [PATH]

Arguments:
  [PATH]         the folder or file to count [default: .]

Options:
  --workers N    read with N actors at once, 1 to 256 [default: one for each core]
  --json         print one JSON object in place of the tables
  --no-ignore    count what .gitignore and the like leave out, too
  --nats URL     have the files read by other processes, which this finds by a NATS server
  --read         read for such a one, until this is killed; takes no PATH
  -h, --help     print this

Lines are newline bytes, as `wc -l` counts them. Blank lines hold only ASCII whitespace. A file is text, and
counted, if it is valid UTF-8 with no NUL byte in its first 8 KiB; one that is not, or can't be read, is
listed with the reason. Reading is tried again where that may help, as with too many open files. Hidden files count. Symbolic links are not followed, and `.git` is left alone.

Exit codes: 0 if the census is complete, 1 if it is not, 2 if the arguments make no sense.
";

const MOST_WORKERS: usize = 256;

pub(crate) enum Command {
    Help,
    Count(Arguments),
    /// For a census that another process takes.
    Read {
        servers: String,
        workers: NonZero<usize>,
    },
}

#[derive(Clone)]
pub(crate) struct Arguments {
    pub(crate) path: PathBuf,
    pub(crate) workers: NonZero<usize>,
    pub(crate) json: bool,
    pub(crate) no_ignore: bool,
    /// By which servers the processes are found that read.
    pub(crate) nats: Option<String>,
}

#[derive(Debug, Error)]
pub(crate) enum ArgumentError {
    #[error(transparent)]
    Syntax(#[from] lexopt::Error),
    #[error("`--workers` takes a number from 1 to {MOST_WORKERS}, and {given:?} is not one")]
    Workers { given: String },
    #[error("one path at a time: both {first:?} and {second:?} are given")]
    SecondPath { first: PathBuf, second: PathBuf },
    #[error("can't count {path:?}: {error}")]
    Path { path: PathBuf, error: std::io::Error },
    #[error("`--read` takes `--nats URL`, and no path")]
    Read,
}

pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Command, ArgumentError> {
    let mut path = None;
    let mut workers = None;
    let mut nats = None;
    let (mut json, mut no_ignore, mut read) = (false, false, false);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("workers") => workers = Some(number_of_workers(&parser.value()?.string()?)?),
            Long("json") => json = true,
            Long("no-ignore") => no_ignore = true,
            Long("nats") => nats = Some(parser.value()?.string()?),
            Long("read") => read = true,
            Short('h') | Long("help") => return Ok(Command::Help),
            Value(value) => set_path(&mut path, value.into())?,
            unknown => return Err(unknown.unexpected().into()),
        }
    }
    let workers = workers.unwrap_or_else(one_for_each_core);
    if read {
        return match (nats, path) {
            (Some(servers), None) => Ok(Command::Read { servers, workers }),
            _ => Err(ArgumentError::Read),
        };
    }
    let path = existing(path.unwrap_or_else(|| ".".into()))?;
    Ok(Command::Count(Arguments { path, workers, json, no_ignore, nats }))
}

fn number_of_workers(given: &str) -> Result<NonZero<usize>, ArgumentError> {
    let number = given.parse().ok().and_then(NonZero::new);
    number
        .filter(|number| number.get() <= MOST_WORKERS)
        .ok_or_else(|| ArgumentError::Workers { given: given.to_owned() })
}

fn one_for_each_core() -> NonZero<usize> {
    let cores = thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    NonZero::new(MOST_WORKERS).map_or(cores, |most| cores.min(most))
}

fn set_path(path: &mut Option<PathBuf>, second: PathBuf) -> Result<(), ArgumentError> {
    match path.take() {
        Some(first) => Err(ArgumentError::SecondPath { first, second }),
        None => {
            *path = Some(second);
            Ok(())
        }
    }
}

fn existing(path: PathBuf) -> Result<PathBuf, ArgumentError> {
    match path.metadata() {
        Ok(_) => Ok(path),
        Err(error) => Err(ArgumentError::Path { path, error }),
    }
}
