use std::collections::HashMap;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{Context, consumer};
use foldhash::fast::RandomState;
use parking_lot::Mutex;
use switchboard::address::ActorAddress;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::DurableOptions;
use crate::ConnectError;
use crate::connection::PAUSE;
use crate::subjects::Subjects;

/// How long one question to JetStream may take before it is asked again.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);

/// For how long the server remembers a consumer that nobody uses. What waits is kept without it.
const IDLE_CONSUMER: Duration = Duration::from_secs(3_600);

/// The streams of what is delivered at least once, and who works on them here.
pub(crate) struct Durable {
    pub(crate) options: DurableOptions,
    pub(crate) context: Context,
    /// What waits to be handled.
    pub(crate) work: Stream,
    /// What was not handled to its end.
    pub(crate) dead: Stream,
    /// How many work on what waits for each address here.
    pub(crate) working: Mutex<HashMap<ActorAddress, usize, RandomState>>,
    /// How many work on anything.
    pub(crate) workers: watch::Sender<usize>,
    /// True once nothing more is begun here.
    pub(crate) closing: watch::Sender<bool>,
    /// How often somebody here has come to own a name.
    pub(crate) names: watch::Sender<u64>,
}

impl Durable {
    /// Finds the streams of the namespace, or makes them.
    ///
    /// # Errors
    ///
    /// If they can't be had until the deadline, or are there and not as they must be.
    pub(crate) async fn open(
        client: Client,
        subjects: &Subjects,
        options: DurableOptions,
        replicas: usize,
        deadline: Instant,
    ) -> Result<Self, ConnectError> {
        let context = ContextBuilder::new().timeout(ASK_TIMEOUT).ack_timeout(ASK_TIMEOUT).build(client);
        let most = |limit: Option<u64>| limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        let dead = Config {
            name: subjects.bucket("dead"),
            subjects: vec![subjects.dead(">")],
            max_bytes: most(options.max_bytes),
            max_age: options.max_age,
            storage: StorageType::File,
            num_replicas: replicas,
            duplicate_window: options.duplicate_window.min(options.max_age),
            discard: DiscardPolicy::New,
            allow_direct: true,
            ..Config::default()
        };
        let work = Config {
            name: subjects.bucket("work"),
            subjects: vec![subjects.work(">")],
            max_messages: most(options.max_messages),
            retention: RetentionPolicy::WorkQueue,
            ..dead.clone()
        };
        Ok(Self {
            work: open(&context, work, deadline).await?,
            dead: open(&context, dead, deadline).await?,
            options,
            context,
            working: Mutex::default(),
            workers: watch::Sender::new(0),
            closing: watch::Sender::new(false),
            names: watch::Sender::new(0),
        })
    }

    /// The consumer that all who work on what waits for this address share.
    pub(crate) async fn consumer(
        &self,
        subjects: &Subjects,
        to: &ActorAddress,
    ) -> Result<consumer::Consumer<pull::Config>, String> {
        let max_ack_pending = if to.is_group() { -1 } else { i64::try_from(self.options.per_name).unwrap_or(-1) };
        let config = pull::Config {
            durable_name: Some(subjects.consumer(to)),
            filter_subject: subjects.work_for(to),
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.options.ack_wait,
            max_deliver: -1,
            max_ack_pending,
            inactive_threshold: IDLE_CONSUMER,
            ..pull::Config::default()
        };
        self.work.create_consumer(config).await.map_err(|error| error.to_string())
    }
}

/// The stream of this configuration, made if there is none.
async fn open(context: &Context, config: Config, deadline: Instant) -> Result<Stream, ConnectError> {
    loop {
        match timeout_at(deadline, find_or_make(context, &config)).await {
            Ok(Ok(stream)) => return as_asked(stream, &config),
            Ok(Err(_)) if Instant::now() + PAUSE < deadline => tokio::time::sleep(PAUSE).await,
            Ok(Err(error)) => return Err(ConnectError::Server(error)),
            Err(_) => return Err(ConnectError::Server(format!("no answer about the stream `{}`", config.name))),
        }
    }
}

async fn find_or_make(context: &Context, config: &Config) -> Result<Stream, String> {
    match context.get_stream(&config.name).await {
        Ok(stream) => Ok(stream),
        // Somebody else may make it at the same time; then it is found in the next round.
        Err(_) => context.create_stream(config.clone()).await.map_err(|error| error.to_string()),
    }
}

/// Whether it does what the guarantees rest on. Its limits and replicas are its operator's business.
fn as_asked(stream: Stream, wanted: &Config) -> Result<Stream, ConnectError> {
    let found = &stream.cached_info().config;
    let is_as_asked = found.retention == wanted.retention
        && found.discard == wanted.discard
        && found.storage == wanted.storage
        && found.subjects == wanted.subjects
        && found.allow_direct == wanted.allow_direct;
    if is_as_asked { Ok(stream) } else { Err(ConnectError::OtherStream { stream: wanted.name.clone() }) }
}
