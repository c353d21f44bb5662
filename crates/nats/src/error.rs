use std::time::Duration;

use thiserror::Error;

/// Why options can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// A part of a URL.
    #[error("`{part}` can't be used, as {why}: write `nats://host:port`, with a comma between servers")]
    Url {
        /// The part, without what could be a password.
        part: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The namespace.
    #[error("the namespace can't be used ({0}): choose letters, digits, `_` and `-`, with dots between parts")]
    Namespace(String),
    /// Variables that contradict each other.
    #[error("the variables SWITCHBOARD_NATS_… contradict each other ({0}): set one kind of credentials, each whole")]
    Environment(&'static str),
}

impl OptionsError {
    pub(crate) fn url(part: &str, why: &'static str) -> Self {
        // What is before the host may be a secret.
        let public = part.rsplit_once('@').map_or(part, |(_, host)| host);
        Self::Url { part: public.chars().take(64).flat_map(char::escape_debug).collect(), why }
    }
}

/// Why there is no connection.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// No server could be reached in time.
    #[error("no server could be reached ({source}): see that one runs at {servers:?}, and that nothing is in between")]
    Unreachable {
        /// Where it was looked for.
        servers: Vec<String>,
        /// What the client says.
        source: async_nats::ConnectError,
    },
    /// The server does not take these credentials.
    #[error("the server refused the credentials ({0}): see what it expects in its `authorization`")]
    Refused(async_nats::ConnectError),
    /// There is no agreement on TLS.
    #[error("there is no TLS connection ({0}): see the certificates on both sides, and the names in the server's")]
    Tls(async_nats::ConnectError),
    /// The server is too old: features that the broker relies on would be ignored in silence.
    #[error("the server has version {found}: update it to {needed} or newer")]
    TooOld {
        /// Its version.
        found: String,
        /// The oldest that will do.
        needed: &'static str,
    },
    /// The server has no JetStream, or not for this user, or does not let this user hear what it answers.
    #[error(
        "there is no JetStream ({why}): start the server with `-js`, and allow this user `{namespace}.>` and what of \
         `$JS.API.>` a node needs"
    )]
    NoJetStream {
        /// What the client says.
        why: String,
        /// That of the options.
        namespace: String,
    },
    /// The nodes of this namespace have another lease. With two of them, a node's names could be taken while it holds them.
    #[error(
        "the nodes of this namespace have a lease of {found:?} and not {wanted:?}: give all the same, or end all of them and \
         delete the bucket `{bucket}`"
    )]
    OtherLease {
        /// Theirs.
        found: Duration,
        /// That of the options.
        wanted: Duration,
        /// Where theirs is kept.
        bucket: String,
    },
    /// A stream is there that is not as it must be for what is delivered at least once.
    #[error(
        "the stream `{stream}` is there, and does not keep messages as a node needs it: choose another namespace, or end all \
         nodes and delete it"
    )]
    OtherStream {
        /// Its name.
        stream: String,
    },
    /// The options can't be used.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The server is there, but does not do what is needed to join.
    #[error("the server would not let this node join ({0}): see what this user may do there, and the server's log")]
    Server(String),
}
