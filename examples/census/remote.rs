//! Reading in other processes, which are found by a NATS server.

use std::path::{self, Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use switchboard::broker::{Context, MessageBroker, MessageHandler, ReplyError};
use switchboard::message::{Message, MessageEnvelope};
use switchboard_nats::NatsMessageBroker;

use crate::addresses;
use crate::counts::Counts;
use crate::error::CensusError;
use crate::reading::{self, Unread};
use crate::text::TextCounter;

/// How often it is looked whether somebody has come who reads.
const LOOK: Duration = Duration::from_millis(100);

/// What goes between the processes: to a reader a path, and its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum File {
    Read(PathBuf),
    Counted(Counts),
    Unread(Unread),
}

impl Message for File {
    const MESSAGE_TYPE: &'static str = "census.file";
}

/// An actor of a process that reads.
struct Remote(TextCounter);

impl MessageHandler<File> for Remote {
    type Error = ReplyError<File>;

    async fn handle<B: MessageBroker<File>>(
        &mut self,
        envelope: MessageEnvelope<File>,
        context: &Context<File, B>,
    ) -> Result<(), ReplyError<File>> {
        match envelope.into_message() {
            File::Read(path) => context.reply(reading::read(&mut self.0, &path).into()).await,
            // Whoever asks such a thing learns that there is no answer.
            File::Counted(_) | File::Unread(_) => Ok(()),
        }
    }
}

impl From<Result<Counts, Unread>> for File {
    fn from(read: Result<Counts, Unread>) -> Self {
        read.map_or_else(Self::Unread, Self::Counted)
    }
}

/// Reads for others, with so many actors, until the process is killed.
pub(crate) async fn read(servers: &str, workers: usize) -> Result<(), CensusError> {
    let broker = NatsMessageBroker::connect(servers).await?;
    for _ in 0..workers {
        broker.spawn(&addresses::readers(), Remote(TextCounter::new())).await?;
    }
    println!("{workers} read for {}", addresses::readers());
    std::future::pending().await
}

/// The actors of other processes that read.
#[derive(Clone)]
pub(crate) struct Others(NatsMessageBroker<File>);

impl Others {
    /// Waits until there is one.
    pub(crate) async fn find(servers: &str) -> Result<Self, CensusError> {
        let broker = NatsMessageBroker::connect(servers).await?;
        while broker.members(&addresses::readers()).await.is_empty() {
            tokio::time::sleep(LOOK).await;
        }
        Ok(Self(broker))
    }

    /// Has a file counted by whoever is there.
    pub(crate) async fn count(&self, path: &Path) -> Result<Counts, Unread> {
        let path = path::absolute(path).map_err(|error| Unread::ForGood(error.to_string()))?;
        match self.0.request(&addresses::readers(), File::Read(path)).await {
            Ok(File::Counted(counts)) => Ok(counts),
            Ok(File::Unread(why)) => Err(why),
            Ok(other) => Err(Unread::ForNow(format!("{other:?} is no answer"))),
            // Whoever was asked has gone, or nobody is there just now.
            Err(error) => Err(Unread::ForNow(error.kind().to_string())),
        }
    }
}
