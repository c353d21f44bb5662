use std::path::PathBuf;
use std::time::Duration;

use switchboard::address::Name;

use crate::wire::WireFormat;
use crate::{Credentials, DurableOptions, OptionsError};

/// How a broker reaches its server, and as whom.
///
/// ```
/// use std::time::Duration;
///
/// use switchboard_nats::{Credentials, NatsOptions};
///
/// let options = NatsOptions::new("tls://nats-1.example:4222,tls://nats-2.example:4222")?
///     .namespace("shop.eu")?
///     .credentials(Credentials::Token("s3cret".into()))
///     .root_certificates("ca.pem")
///     .connect_timeout(Duration::from_secs(5));
/// assert_eq!(options.servers(), ["tls://nats-1.example:4222", "tls://nats-2.example:4222"]);
/// # Ok::<(), switchboard_nats::OptionsError>(())
/// ```
///
/// The same from one URL, as a program gets it:
///
/// ```
/// use switchboard_nats::NatsOptions;
///
/// let options = NatsOptions::new("nats://ann:pa55@localhost:4222?namespace=shop.eu&wire=json")?;
/// assert_eq!(options.servers(), ["nats://localhost:4222"]);
/// # Ok::<(), switchboard_nats::OptionsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsOptions {
    pub(crate) servers: Vec<String>,
    pub(crate) namespace: Name,
    pub(crate) credentials: Credentials,
    pub(crate) root_certificates: Option<PathBuf>,
    pub(crate) client_certificate: Option<(PathBuf, PathBuf)>,
    pub(crate) require_tls: bool,
    pub(crate) client_name: Option<String>,
    pub(crate) connect_timeout: Duration,
    pub(crate) wire: WireFormat,
    pub(crate) max_message_bytes: Option<usize>,
    pub(crate) lease: Duration,
    pub(crate) replicas: usize,
    pub(crate) durable: Option<DurableOptions>,
}

/// The namespace of brokers that say none.
const NAMESPACE: &str = "switchboard";

/// How long names stay a node's that can't be heard of.
const LEASE: Duration = Duration::from_secs(10);

/// The least time that a renewal has to reach the server in.
const SHORTEST_LEASE: Duration = Duration::from_millis(300);

/// How long a first connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl NatsOptions {
    /// The servers at these addresses, with a comma between them: `nats://host:port`, or `tls://` to insist on TLS. A
    /// cluster tells the rest of its servers by itself.
    ///
    /// A user and a password, or a token alone, may stand before the host of the first. After it may stand a `?` with
    /// `namespace` and `wire` (`compact` or `json`), and an `&` between them. Letters that mean something in a URL are
    /// written as `%` and two hex digits.
    ///
    /// # Errors
    ///
    /// If there is none, or one that is no such address.
    pub fn new(url: impl AsRef<str>) -> Result<Self, OptionsError> {
        let mut options = Self::bare()?;
        crate::url::read(url.as_ref(), &mut options)?;
        Ok(options)
    }

    /// The options that the environment has: `SWITCHBOARD_NATS_URL`, by default `nats://127.0.0.1:4222`, and over what
    /// that says `SWITCHBOARD_NATS_NAMESPACE`, `…_WIRE`, `…_USER` with `…_PASSWORD`, `…_TOKEN`, `…_NKEY`, which is a
    /// seed, and the files `…_CA`, and `…_CERT` with `…_KEY`.
    ///
    /// # Errors
    ///
    /// If one of them can't be used. It is named.
    pub fn from_env() -> Result<Self, OptionsError> {
        crate::env::read(|name| std::env::var(name).ok())
    }

    /// Keeps this system apart from others on the same server: only brokers with the same namespace meet. By default it
    /// is `switchboard`.
    ///
    /// # Errors
    ///
    /// If it is not a [name](Name) of at most 64 bytes.
    pub fn namespace(mut self, namespace: impl AsRef<str>) -> Result<Self, OptionsError> {
        const MOST: usize = 64;
        let name = Name::new(namespace).map_err(|error| OptionsError::Namespace(error.to_string()))?;
        if name.as_str().len() > MOST {
            return Err(OptionsError::Namespace(format!("it has more than {MOST} bytes")));
        }
        self.namespace = name;
        Ok(self)
    }

    /// Says who this is. By default, nobody in particular.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// Trusts the authorities in this PEM file, and no others, and insists on TLS.
    #[must_use]
    pub fn root_certificates(mut self, file: impl Into<PathBuf>) -> Self {
        self.root_certificates = Some(file.into());
        self.require_tls = true;
        self
    }

    /// Shows the server this certificate, whose key is in the other file, both PEM, and insists on TLS.
    #[must_use]
    pub fn client_certificate(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.client_certificate = Some((certificate.into(), key.into()));
        self.require_tls = true;
        self
    }

    /// Insists on TLS, with the system's authorities unless [others](Self::root_certificates) are named.
    #[must_use]
    pub fn require_tls(mut self) -> Self {
        self.require_tls = true;
        self
    }

    /// Has messages that are sent [at least once](switchboard::message::MessageEnvelope::at_least_once) to names, services and
    /// pools kept by the server until they have been handled, on whichever node; else this is so in the memory of the node that
    /// has the actor alone, and what is to be sent to another is refused. All nodes of a namespace should say the same.
    #[must_use]
    pub fn durable(mut self, options: DurableOptions) -> Self {
        self.durable = Some(options);
        self
    }

    /// What the server's lists of connections call this. By default, the namespace.
    #[must_use]
    pub fn client_name(mut self, name: impl Into<String>) -> Self {
        self.client_name = Some(name.into());
        self
    }

    /// How long a first connection may take: ten seconds by default. After that, a connection that is lost is sought
    /// again without end.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How this broker writes envelopes. It reads all forms.
    #[must_use]
    pub fn wire_format(mut self, format: WireFormat) -> Self {
        self.wire = format;
        self
    }

    /// The most bytes that an envelope may have on the wire, if that is to be less than what the server takes.
    #[must_use]
    pub fn max_message_bytes(mut self, bytes: usize) -> Self {
        self.max_message_bytes = Some(bytes);
        self
    }

    /// How long this node's names stay its own after it was last heard of: ten seconds by default, at least 0.3. When it is
    /// killed, others wait for that before they take its names; when it can't reach the server for that long, it stops
    /// acting as their owner. All brokers of a namespace must have the same.
    #[must_use]
    pub fn lease(mut self, time: Duration) -> Self {
        self.lease = time.max(SHORTEST_LEASE);
        self
    }

    /// On how many servers of a cluster the owners of names are kept: 1 by default, and 3 to do without one of them.
    #[must_use]
    pub fn replicas(mut self, servers: usize) -> Self {
        self.replicas = servers.clamp(1, 5);
        self
    }

    /// The servers, without what was before their hosts.
    #[must_use]
    pub fn servers(&self) -> &[String] {
        &self.servers
    }

    fn bare() -> Result<Self, OptionsError> {
        Ok(Self {
            servers: Vec::new(),
            namespace: Name::new(NAMESPACE).map_err(|error| OptionsError::Namespace(error.to_string()))?,
            credentials: Credentials::None,
            root_certificates: None,
            client_certificate: None,
            require_tls: false,
            client_name: None,
            connect_timeout: CONNECT_TIMEOUT,
            wire: WireFormat::default(),
            max_message_bytes: None,
            lease: LEASE,
            replicas: 1,
            durable: None,
        })
    }
}
