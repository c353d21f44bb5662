//! Reading in other processes, which are found by a NATS server.

use std::path::{self, Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use switchboard::broker::{Context, MessageBroker, MessageHandler, Ran, RegisterError, ReplyError};
use switchboard::message::{Message, MessageEnvelope};
use switchboard_nats::NatsMessageBroker;

use crate::addresses;
use crate::counts::Counts;
use crate::error::CensusError;
use crate::reading::{self, Unread};
use crate::text::TextCounter;

/// How many actors may read in all processes together. One that has nobody yet asks for all of them in turn.
const MOST: usize = 32;

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
    let mut number = 0;
    for _ in 0..workers {
        number = spawn(&broker, number).await?;
        println!("reads as {}", addresses::reader(number));
        number += 1;
    }
    std::future::pending().await
}

/// Spawns an actor at the first number from this on that nobody has.
async fn spawn(broker: &NatsMessageBroker<File>, from: usize) -> Result<usize, CensusError> {
    for number in from..MOST {
        match broker.spawn(&addresses::reader(number), Remote(TextCounter::new())).await {
            Ok(_) => return Ok(number),
            Err(RegisterError::Taken { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(format!("there are {MOST} actors that read, and that is the most").into())
}

/// The actors of other processes, as one reader here sees them.
#[derive(Clone)]
pub(crate) struct Others {
    broker: NatsMessageBroker<File>,
    /// The number of the one that is asked next.
    next: usize,
}

impl Others {
    /// Waits until there is one.
    pub(crate) async fn find(servers: &str) -> Result<Self, CensusError> {
        let mut others = Self { broker: NatsMessageBroker::connect(servers).await?, next: 0 };
        // A folder is no text, and all that is wanted is that somebody says so.
        while others.ask(Path::new(".")).await.is_none() {
            tokio::time::sleep(LOOK).await;
        }
        Ok(others)
    }

    /// The same, beginning with another.
    pub(crate) fn from(&self, number: usize) -> Self {
        Self { broker: self.broker.clone(), next: number }
    }

    /// Has a file counted by whoever is there.
    pub(crate) async fn count(&mut self, path: &Path) -> Result<Counts, Unread> {
        let path = path::absolute(path).map_err(|error| Unread::ForGood(error.to_string()))?;
        match self.ask(&path).await {
            Some(answer) => answer,
            None => Err(Unread::ForNow("no process is there that reads".into())),
        }
    }

    /// Asks one after the other, until one is there. `None` if none is.
    async fn ask(&mut self, path: &Path) -> Option<Result<Counts, Unread>> {
        for _ in 0..MOST {
            let reader = addresses::reader(self.next);
            let (error, ran) = match self.broker.request(&reader, File::Read(path.to_owned())).await {
                Ok(File::Counted(counts)) => return Some(Ok(counts)),
                Ok(File::Unread(why)) => return Some(Err(why)),
                Ok(other) => (format!("{other:?} is no answer"), Ran::Maybe),
                Err(error) => (error.kind().to_string(), error.ran()),
            };
            self.next = (self.next + 1) % MOST;
            if ran == Ran::Maybe {
                return Some(Err(Unread::ForNow(error)));
            }
        }
        None
    }
}
