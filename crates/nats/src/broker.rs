use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::actor::Registration;
use switchboard::address::{ActorAddress, Name};
use switchboard::balancing::Strategy;
use switchboard::broker::{InMemoryMessageBroker, RegisterError, ShutdownReport};
use switchboard::dead_letters::DeadLetters;
use switchboard::limits::LimitError;
use switchboard::message::Message;
use switchboard::metrics::{Audit, BrokerMetrics};
use switchboard::retry::RetryPolicy;
use switchboard::watching::Watch;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::durable::Durable;
use crate::elsewhere::Elsewhere;
use crate::lease::Lease;
use crate::names::Names;
use crate::node::{Claiming, Node};
use crate::outside::Outside;
use crate::peers::Peers;
use crate::sent::Sending;
use crate::subjects::Subjects;
use crate::topics::Topics;
use crate::{ClusterDeadLetters, ConnectError, NatsOptions, NodeId, SentCounts, TopicCounts, buckets};

/// A broker with NATS behind it: a program that is written against [`MessageBroker`](switchboard::broker::MessageBroker)
/// runs on many machines with it. See [the crate](crate) for what it promises.
///
/// A handle is cheap: clone it wherever it is needed. Actors run in the process that spawned them, in a broker in memory
/// that this one has inside, so what goes from one to another there never leaves the process.
pub struct NatsMessageBroker<M: Message> {
    pub(crate) node: Arc<Node<M>>,
}

impl<M: Message + Serialize + DeserializeOwned> NatsMessageBroker<M> {
    /// Joins the cluster of these servers: see [`NatsOptions::new`] for what the text may say.
    ///
    /// # Errors
    ///
    /// If the text can't be used, or there is no such server, it is too old, has no JetStream, or does not let this in.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, nothing has joined.
    pub async fn connect(servers: impl AsRef<str>) -> Result<Self, ConnectError> {
        Self::with_options(NatsOptions::new(servers)?).await
    }

    /// Joins with these options.
    ///
    /// # Errors, cancel safety
    ///
    /// As [`connect`](Self::connect).
    pub async fn with_options(options: NatsOptions) -> Result<Self, ConnectError> {
        // In a box: it is large, and over before anything else.
        Box::pin(Self::join_cluster(options, InMemoryMessageBroker::new())).await
    }

    /// Joins with these options, and with a broker for the actors of this process that was built as they need it. Nobody
    /// may be registered there yet, and nobody else may use it.
    ///
    /// # Errors, cancel safety
    ///
    /// As [`connect`](Self::connect).
    pub async fn join_cluster(options: NatsOptions, local: InMemoryMessageBroker<M>) -> Result<Self, ConnectError> {
        let connection = Connection::open(&options).await?;
        let client = connection.client();
        let (id, subjects) = (NodeId::next(), Subjects::new(options.namespace.clone()));
        let server = jetstream::new(client.clone());
        let deadline = Instant::now() + options.connect_timeout;
        let bucket = async |what, max_age| {
            buckets::open(&server, subjects.bucket(what), max_age, options.replicas, deadline).await
        };
        let (nodes, names) = (bucket("nodes", options.lease).await?, bucket("names", Duration::ZERO).await?);
        let durable = match options.durable {
            Some(durable) => Some(Durable::open(client.clone(), &subjects, durable, options.replicas, deadline).await?),
            None => None,
        };
        let max_bytes = connection.max_payload().saturating_sub(FRAME_BYTES);
        let (topics, ended) = Topics::new(id.token().into());
        let node = Arc::new(Node {
            id,
            local,
            source: format!("{}/{id}", options.namespace),
            max_bytes: options.max_message_bytes.map_or(max_bytes, |bytes| bytes.min(max_bytes)),
            connection,
            client,
            subjects,
            waiting: Arc::default(),
            outside: Outside::new(),
            lease: Lease::new(id, options.lease),
            nodes,
            names: Names::new(id, names),
            peers: Peers::new(options.lease),
            elsewhere: Elsewhere::default(),
            durable,
            said: Default::default(),
            looked: Default::default(),
            places: Default::default(),
            topics,
            sending: Sending::default(),
            wire: options.wire,
            claiming: Claiming::default(),
            errands: watch::Sender::new(0),
            leaving: watch::Sender::new(false),
        });
        node.begin().await.map_err(ConnectError::Server)?;
        tokio::spawn(Arc::clone(&node).keep_topics(ended));
        if let Some(outlet) = node.local.outlet() {
            tokio::spawn(Arc::clone(&node).keep_sending(outlet));
        }
        Ok(Self { node })
    }

    /// Leaves the cluster: refuses new work, lets the actors here finish what they have accepted for up to `timeout`, and
    /// gives up their names. What they had not handled becomes dead letters, as
    /// [in memory](InMemoryMessageBroker::shutdown).
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, the broker refuses new work. Call it again to wait on.
    pub async fn shutdown(&self, timeout: Duration) -> ShutdownReport {
        self.node.outside.close();
        self.node.stop_fetching();
        let report = self.node.local.shutdown(timeout).await;
        self.node.leave().await;
        report
    }

    /// Claims the address for an actor that `make` registers here. What is no name needs no claim.
    pub(crate) async fn claimed<T>(
        &self,
        address: &ActorAddress,
        make: impl Future<Output = Result<T, RegisterError>>,
        who: impl FnOnce(&T) -> (Registration, Watch),
    ) -> Result<T, RegisterError> {
        let name = match address {
            ActorAddress::Named(name) if !*self.node.leaving.borrow() => name,
            _ => return make.await,
        };
        let _claiming = self.node.claiming.begin(name).await;
        // Refused here first, which needs no server.
        if self.node.has(name) {
            return Err(RegisterError::Taken { address: address.clone() });
        }
        let claim = Claim::of(Arc::clone(&self.node), name).await?;
        let made = make.await?;
        let (registration, watch) = who(&made);
        claim.settle(registration, watch);
        Ok(made)
    }
}

impl<M: Message> NatsMessageBroker<M> {
    /// The connection to the server.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.node.connection.clone()
    }

    /// Which node of the cluster this is.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        self.node.id
    }

    /// Sets how a member of this group is picked for what is sent from here, as
    /// [in memory](InMemoryMessageBroker::set_strategy). Each node goes by what was set there.
    ///
    /// # Errors
    ///
    /// If no more groups may be known.
    pub fn set_strategy(&self, group: &ActorAddress, strategy: impl Into<Option<Strategy>>) -> Result<(), LimitError> {
        self.node.local.set_strategy(group, strategy)
    }

    /// Has what is sent to this group from here go to all its members, as [in memory](InMemoryMessageBroker::set_broadcast).
    ///
    /// # Errors
    ///
    /// If no more groups may be known.
    pub fn set_broadcast(&self, group: &ActorAddress) -> Result<(), LimitError>
    where
        M: Clone,
    {
        self.node.local.set_broadcast(group)
    }

    /// Sets the retry policy for what is sent to this address from here, as [in memory](InMemoryMessageBroker::set_retry).
    ///
    /// # Errors
    ///
    /// If no more policies may be kept.
    pub fn set_retry(&self, address: &ActorAddress, policy: impl Into<Option<RetryPolicy>>) -> Result<(), LimitError> {
        self.node.local.set_retry(address, policy)
    }

    /// The dead letters of what was to be delivered at least once, as all nodes see them; `None` unless this is kept by the
    /// server: see [`NatsOptions::durable`].
    #[must_use]
    pub fn cluster_dead_letters(&self) -> Option<ClusterDeadLetters<M>>
    where
        M: Serialize + DeserializeOwned,
    {
        ClusterDeadLetters::new(Arc::clone(&self.node))
    }

    /// What the actors here have counted up to now.
    #[must_use]
    pub fn metrics(&self) -> BrokerMetrics {
        self.node.local.metrics()
    }

    /// What was exchanged with other nodes by topics up to now.
    #[must_use]
    pub fn topic_counts(&self) -> TopicCounts {
        self.node.topics.counts(self.node.connection.dropped())
    }

    /// What was sent to actors of other nodes up to now.
    #[must_use]
    pub fn sent_counts(&self) -> SentCounts {
        self.node.sending.counts()
    }

    /// Where every message is that an actor here has accepted, and whether the accounts balance.
    #[must_use]
    pub fn audit(&self) -> Audit {
        self.node.local.audit()
    }

    /// What actors here have accepted and not handled.
    #[must_use]
    pub fn dead_letters(&self) -> DeadLetters<M> {
        self.node.local.dead_letters()
    }
}

/// What a frame has besides its envelope, at the most: two ids, a key, and an address of 255 bytes.
const FRAME_BYTES: usize = 512;

/// A name that was claimed for an actor which is not registered yet: given up if it never is.
struct Claim<M: Message + Serialize + DeserializeOwned> {
    node: Arc<Node<M>>,
    name: Name,
    epoch: u64,
    is_settled: bool,
}

impl<M: Message + Serialize + DeserializeOwned> Claim<M> {
    async fn of(node: Arc<Node<M>>, name: &Name) -> Result<Self, RegisterError> {
        if !node.lease.holds() {
            return Err(RegisterError::Unreachable("this node's lease has ended".into()));
        }
        match node.claim(name).await {
            Ok(Some(epoch)) => Ok(Self { node, name: name.clone(), epoch, is_settled: false }),
            Ok(None) => Err(RegisterError::Taken { address: ActorAddress::Named(name.clone()) }),
            Err(error) => Err(RegisterError::Unreachable(error.0)),
        }
    }

    /// It is this actor's, until that ends.
    fn settle(mut self, registration: Registration, watch: Watch) {
        self.is_settled = true;
        self.node.names.settle(&self.name, self.epoch, registration);
        self.node.work_again();
        let (node, name, epoch) = (Arc::clone(&self.node), self.name.clone(), self.epoch);
        tokio::spawn(async move {
            watch.await;
            node.names.release(&name, epoch).await;
        });
    }
}

impl<M: Message + Serialize + DeserializeOwned> Drop for Claim<M> {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if !self.is_settled {
            let (node, name, epoch) = (Arc::clone(&self.node), self.name.clone(), self.epoch);
            runtime.spawn(async move { node.names.release(&name, epoch).await });
        }
    }
}

impl<M: Message> Clone for NatsMessageBroker<M> {
    fn clone(&self) -> Self {
        Self { node: Arc::clone(&self.node) }
    }
}

impl<M: Message> fmt::Debug for NatsMessageBroker<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsMessageBroker").field("node", &self.node).finish()
    }
}
