use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{fmt, io};

use async_nats::jetstream::context::AccountErrorKind;
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::{ConnectError, Credentials, NatsOptions};

/// The oldest server with all that is used: before it, deadlines in streams and more than one filter of a consumer are
/// ignored without a word.
const OLDEST: (i64, i64, i64) = (2, 11, 0);
const OLDEST_TEXT: &str = "2.11.0";

/// Whether the server can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionState {
    /// It can.
    Connected,
    /// It can't, and is being sought again.
    Disconnected,
    /// The connection was closed for good.
    Closed,
}

/// The connection to the server, to be read and followed. A clone is the same connection.
#[derive(Clone)]
pub struct Connection {
    client: Client,
    news: watch::Receiver<News>,
    /// The last change that this handle was told.
    seen: u64,
    dropped: Arc<AtomicU64>,
}

/// The state, how often it has changed, and how often it was lost: what was over before anybody looked has happened all the
/// same.
#[derive(Clone, Copy, Debug)]
struct News {
    state: ConnectionState,
    changes: u64,
    losses: u64,
}

impl News {
    fn first() -> Self {
        Self { state: ConnectionState::Connected, changes: 0, losses: 0 }
    }
}

impl Connection {
    /// Connects, and sees to it that the server has what the broker needs.
    ///
    /// # Errors
    ///
    /// If there is no such server, it is too old, has no JetStream, or does not let this in.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, there is no connection.
    pub async fn open(options: &NatsOptions) -> Result<Self, ConnectError> {
        let (changes, news) = watch::channel(News::first());
        let dropped = Arc::new(AtomicU64::new(0));
        let deadline = Instant::now() + options.connect_timeout;
        let connecting = client_options(options, changes, Arc::clone(&dropped)).connect(&options.servers);
        let client = match timeout_at(deadline, connecting).await {
            Ok(connected) => connected.map_err(|error| why_not(options, error))?,
            Err(_) => return Err(why_not(options, ConnectErrorKind::TimedOut.into())),
        };
        let connection = Self { client, news, seen: 0, dropped };
        connection.check_version()?;
        connection.check_jetstream(options, deadline).await?;
        Ok(connection)
    }

    /// Whether the server can be reached now. A connection that has just been lost may not have been missed yet.
    #[must_use]
    pub fn state(&self) -> ConnectionState {
        self.news.borrow().state
    }

    /// Waits for the next change of the state after the last one that this handle was given, and gives it. Changes that
    /// follow each other quickly are one. [`Closed`](ConnectionState::Closed) is the last: after it, it is given again.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, no change is lost.
    pub async fn changed(&mut self) -> ConnectionState {
        let seen = self.seen;
        let changed = self.news.wait_for(|news| news.changes != seen || news.state == ConnectionState::Closed).await;
        let Ok(news) = changed.map(|news| *news) else {
            return ConnectionState::Closed;
        };
        self.seen = news.changes;
        news.state
    }

    /// Waits until the connection has been lost more often than that, and says how often. `None` if it is closed for good.
    pub(crate) async fn lost(&mut self, known: u64) -> Option<u64> {
        let lost = self.news.wait_for(|news| news.losses != known || news.state == ConnectionState::Closed).await;
        lost.ok().filter(|news| news.losses != known).map(|news| news.losses)
    }

    /// The most bytes that the server takes at once.
    #[must_use]
    pub fn max_payload(&self) -> usize {
        self.client.max_payload()
    }

    /// The version of the server.
    #[must_use]
    pub fn server_version(&self) -> String {
        self.client.server_info().version
    }

    /// How many messages the client has said that it dropped because they were not taken from it.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    fn check_version(&self) -> Result<(), ConnectError> {
        let (major, minor, patch) = OLDEST;
        if self.client.is_server_compatible(major, minor, patch) {
            return Ok(());
        }
        Err(ConnectError::TooOld { found: self.server_version(), needed: OLDEST_TEXT })
    }

    /// Asks for JetStream until the deadline, since a cluster that elects a leader has none for a while.
    async fn check_jetstream(&self, options: &NatsOptions, deadline: Instant) -> Result<(), ConnectError> {
        let server = async_nats::jetstream::new(self.client.clone());
        let missing = |why| Err(ConnectError::NoJetStream { why, namespace: options.namespace.to_string() });
        loop {
            // The client's own limit for one question may be later.
            match timeout_at(deadline, server.query_account()).await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(error)) if matches!(error.kind(), AccountErrorKind::JetStreamUnavailable) => {
                    return missing(error.to_string());
                }
                Ok(Err(_)) if Instant::now() + PAUSE < deadline => tokio::time::sleep(PAUSE).await,
                Ok(Err(error)) => return missing(error.to_string()),
                Err(_) => return missing("the server did not answer".into()),
            }
        }
    }
}

/// How long after one question to a server that has no leader the next one comes.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("state", &self.state()).finish_non_exhaustive()
    }
}

fn client_options(options: &NatsOptions, changes: watch::Sender<News>, dropped: Arc<AtomicU64>) -> ConnectOptions {
    let name = options.client_name.as_deref().unwrap_or(options.namespace.as_str());
    let mut client = ConnectOptions::new().name(name).event_callback(move |event| {
        note(&changes, &dropped, &event);
        std::future::ready(())
    });
    client = match options.credentials.clone() {
        Credentials::None => client,
        Credentials::Password { user, password } => client.user_and_password(user, password),
        Credentials::Token(token) => client.token(token),
        Credentials::Nkey(seed) => client.nkey(seed),
    };
    if let Some(file) = &options.root_certificates {
        client = client.add_root_certificates(file.clone());
    }
    if let Some((certificate, key)) = &options.client_certificate {
        client = client.add_client_certificate(certificate.clone(), key.clone());
    }
    // What the server answers comes within the namespace too, so that a user who may have only this can be a node, and no
    // other reads what is meant for it.
    client = client.custom_inbox_prefix(format!("{}.inbox", options.namespace));
    // Subjects are made of names, ids and subjects that have been checked, each in its type, so not once more for each message.
    client = client.skip_subject_validation(true);
    // A connection that is open and dead is given up when two have had no answer.
    client.require_tls(options.require_tls).ping_interval(options.lease / 4)
}

fn note(changes: &watch::Sender<News>, dropped: &AtomicU64, event: &Event) {
    let state = match event {
        Event::Connected => ConnectionState::Connected,
        Event::Disconnected => ConnectionState::Disconnected,
        Event::Closed => ConnectionState::Closed,
        Event::SlowConsumer(_) => {
            // Relaxed: a count, that nothing else goes by. Said once, since it comes once for each message.
            if dropped.fetch_add(1, Ordering::Relaxed) == 0 {
                tracing::warn!("this process is too slow for what comes: the client drops messages");
            }
            return;
        }
        other => {
            tracing::warn!(event = %other.to_string().escape_debug(), "the connection to the server reports");
            return;
        }
    };
    let changed = changes.send_if_modified(|news| {
        news.losses += u64::from(state == ConnectionState::Disconnected);
        let changed = std::mem::replace(&mut news.state, state) != state;
        news.changes += u64::from(changed);
        changed
    });
    if changed {
        tracing::info!(?state, "the connection to the server has changed");
    }
}

fn why_not(options: &NatsOptions, error: async_nats::ConnectError) -> ConnectError {
    match error.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => ConnectError::Refused(error),
        ConnectErrorKind::Tls => ConnectError::Tls(error),
        ConnectErrorKind::Io if is_of_handshake(&error) => ConnectError::Tls(error),
        _ => ConnectError::Unreachable { servers: options.servers.clone(), source: error },
    }
}

/// Whether the other side says what has no place in a handshake, or shows a certificate that is not trusted: the client
/// has both as data that is not valid.
fn is_of_handshake(error: &async_nats::ConnectError) -> bool {
    let inner = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    inner.is_some_and(|error| error.kind() == io::ErrorKind::InvalidData)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_drops_is_counted_and_changes_no_state() {
        let (changes, state) = watch::channel(News::first());
        let dropped = AtomicU64::new(0);
        (0..3).for_each(|_| note(&changes, &dropped, &Event::SlowConsumer(7)));
        note(&changes, &dropped, &Event::LameDuckMode);
        assert_eq!((dropped.into_inner(), state.borrow().state), (3, ConnectionState::Connected));
        assert!(!state.has_changed().unwrap());
    }

    #[tokio::test]
    async fn a_loss_that_was_over_before_anybody_looked_is_told_and_counted() {
        let (changes, mut news) = watch::channel(News::first());
        let dropped = AtomicU64::new(0);
        [Event::Disconnected, Event::Connected, Event::Connected]
            .iter()
            .for_each(|event| note(&changes, &dropped, event));
        let told = *news.borrow_and_update();
        assert_eq!((told.state, told.changes, told.losses), (ConnectionState::Connected, 2, 1));
    }
}
