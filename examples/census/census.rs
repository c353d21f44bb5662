//! Starts the actors, and takes them down in the order that leaves nothing uncounted.

use std::time::{Duration, Instant};

use switchboard::actor::{ActorHandle, SpawnOptions, StopCause, once};
use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
use switchboard::dead_letters::DeadLetterOptions;
use switchboard::mailbox::MailboxOptions;
use switchboard::retry::{Backoff, RetryPolicy};

use crate::addresses;
use crate::arguments::Arguments;
use crate::error::CensusError;
use crate::message::{CensusMessage, GetTotals};
use crate::progress::Progress;
use crate::reader::Reader;
use crate::reading::Reading;
use crate::remote::Others;
use crate::report::Report;
use crate::summary::Summary;
use crate::unread;
use crate::walker::Walker;

pub(crate) type Broker = InMemoryMessageBroker<CensusMessage>;
type Readers = Vec<ActorHandle<CensusMessage>>;

/// How many paths wait for one reader before the walker does: enough to keep it reading, and no whole tree.
const READER_MAILBOX: MailboxOptions = MailboxOptions::bounded(64);

/// For a file that may be readable in a moment, such as when one of those that are open is closed again. The waits
/// between the attempts come to 1.1 s at most, and to half of that on average.
const RETRY: RetryPolicy =
    RetryPolicy::attempts(8).backoff(Backoff::exponential(Duration::from_millis(10)).cap(Duration::from_millis(500)));

/// More than enough for actors that have nothing left to do.
const TIME_TO_STOP: Duration = Duration::from_secs(10);

pub(crate) async fn take(arguments: &Arguments) -> Result<Report, CensusError> {
    let start = Instant::now();
    // All dead letters are kept: each is a file that is to be listed.
    let broker = Broker::builder().dead_letters(DeadLetterOptions::new().capacity(usize::MAX)).build()?;
    broker.set_retry(&addresses::readers(), RETRY)?;
    let progress = Progress::start(arguments);
    broker.spawn(&addresses::summary(), Summary::default()).await?;
    let readers = spawn_readers(&broker, arguments, &progress).await?;
    let walker = Walker::new(arguments, broker.clone());
    tokio::task::spawn_blocking(|| walker.run()).await??;
    drain(readers).await?;
    let totals = broker.ask(&addresses::summary(), GetTotals).await?;
    let elapsed = start.elapsed();
    progress.end();
    // Whoever answered may not have returned yet; with all actors gone, the broker's account is closed.
    broker.shutdown(TIME_TO_STOP).await;
    Ok(Report::new(totals, unread::failures(&broker.dead_letters()), &broker, elapsed))
}

async fn spawn_readers(broker: &Broker, arguments: &Arguments, progress: &Progress) -> Result<Readers, CensusError> {
    let others = match &arguments.nats {
        Some(servers) => Some(Others::find(servers).await?),
        None => None,
    };
    let options = SpawnOptions::new().mailbox(READER_MAILBOX);
    let mut readers = Readers::with_capacity(arguments.workers.get());
    for _ in 0..arguments.workers.get() {
        let reading = others.clone().map_or_else(Reading::here, Reading::By);
        let reader = once(Reader::new(reading, progress.clone()));
        readers.push(broker.spawn_with(&addresses::readers(), options, reader).await?);
    }
    Ok(readers)
}

/// Lets the readers finish. When this returns, each count they have made is in a tally's mailbox.
async fn drain(readers: Readers) -> Result<(), CensusError> {
    for reader in readers {
        match reader.drain().await {
            StopCause::Drained => {}
            cause => return Err(format!("a reader did not finish: {cause}").into()),
        }
    }
    Ok(())
}
