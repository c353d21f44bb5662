//! Finds the files, on a thread where it may block.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, Walk};
use switchboard::address::ActorAddress;
use switchboard::broker::MessageBroker;
use switchboard::message::MessageEnvelope;
use tokio::runtime::Handle;

use crate::addresses;
use crate::arguments::Arguments;
use crate::error::CensusError;
use crate::failure::Failure;
use crate::message::CensusMessage;
use crate::tree;

pub(crate) struct Walker<B> {
    walk: Walk,
    root: PathBuf,
    post: Post<B>,
    readers: ActorAddress,
    summary: ActorAddress,
}

/// The broker, for a thread that may block.
struct Post<B> {
    broker: B,
    runtime: Handle,
}

impl<B: MessageBroker<CensusMessage>> Walker<B> {
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub(crate) fn new(arguments: &Arguments, broker: B) -> Self {
        Self {
            walk: tree::walk(arguments),
            root: arguments.path.clone(),
            post: Post { broker, runtime: Handle::current() },
            readers: addresses::readers(),
            summary: addresses::summary(),
        }
    }

    /// Sends each file to a reader, waiting while none has room, and what is in the way of the walk to the summary.
    pub(crate) fn run(mut self) -> Result<(), CensusError> {
        while let Some(found) = self.walk.next() {
            match found {
                Ok(entry) => self.visit(entry)?,
                Err(error) => self.report(&self.root, &error)?,
            }
        }
        Ok(())
    }

    fn visit(&self, entry: DirEntry) -> Result<(), CensusError> {
        if let Some(error) = entry.error() {
            self.report(entry.path(), error)?;
        }
        if tree::is_file(&entry) {
            let read = CensusMessage::Read(entry.into_path());
            self.post.send(&self.readers, MessageEnvelope::new(read).at_least_once())?;
        }
        Ok(())
    }

    fn report(&self, otherwise: &Path, error: &ignore::Error) -> Result<(), CensusError> {
        let (path, reason) = blame(error);
        let failure = Failure::new(path.unwrap_or(otherwise), &reason);
        self.post.send(&self.summary, CensusMessage::Failed(failure).into())
    }
}

impl<B: MessageBroker<CensusMessage>> Post<B> {
    fn send(&self, to: &ActorAddress, envelope: MessageEnvelope<CensusMessage>) -> Result<(), CensusError> {
        Ok(self.runtime.block_on(self.broker.send(to, envelope))?)
    }
}

/// The path that an error is about, if it says so, and what it says about it.
fn blame(error: &ignore::Error) -> (Option<&Path>, String) {
    match error {
        ignore::Error::WithPath { path, err } => (Some(path), blame(err).1),
        ignore::Error::WithDepth { err, .. } => blame(err),
        error => (None, error.io_error().map_or_else(|| error.to_string(), innermost)),
    }
}

/// The error that the operating system gave, without the path that was put around it.
fn innermost(error: &io::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
