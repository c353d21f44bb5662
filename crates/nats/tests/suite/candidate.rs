use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use switchboard::dead_letters::DeadLetterFilter;
use switchboard_conformance::{Accounts, Candidate, Capabilities, Capability, Clock, Job, Letter};
use switchboard_nats::{NatsMessageBroker, NatsOptions};

use crate::support::{Cluster, Server};

/// Where the brokers of one case meet.
pub(crate) enum Nats {
    /// On a server of their own.
    Single(Server),
    /// On a cluster that all cases share, in a namespace of their own, the nodes at servers by chance.
    Clustered { namespace: String, nodes: AtomicU64 },
}

/// It takes some seconds to form, so there is one. Its servers end with the process.
static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);

impl Nats {
    pub(crate) fn single() -> Self {
        Self::Single(Server::start())
    }

    pub(crate) fn clustered() -> Self {
        static CASES: AtomicU64 = AtomicU64::new(0);
        let namespace = format!("case{}", CASES.fetch_add(1, Ordering::Relaxed));
        Self::Clustered { namespace, nodes: AtomicU64::new(0) }
    }

    fn options(&self) -> NatsOptions {
        match self {
            Self::Single(server) => NatsOptions::new(server.url()).expect("a URL"),
            Self::Clustered { namespace, nodes } => {
                let first = nodes.fetch_add(1, Ordering::Relaxed) as usize % CLUSTER.servers.len();
                let options = NatsOptions::new(CLUSTER.urls(first)).expect("URLs");
                let options = options.replicas(CLUSTER.servers.len()).connect_timeout(Duration::from_secs(60));
                options.namespace(namespace).expect("a name")
            }
        }
    }

    async fn broker(&self) -> NatsMessageBroker<Job> {
        NatsMessageBroker::with_options(self.options()).await.expect("the server lets anybody in")
    }
}

impl Candidate for Nats {
    type Broker = NatsMessageBroker<Job>;

    fn capabilities(&self) -> Capabilities {
        Capabilities::all_but([Capability::Durable])
    }

    fn clock(&self) -> Clock {
        Clock::Real
    }

    async fn make(&self) -> Self::Broker {
        self.broker().await
    }

    async fn connect(&self, _: &Self::Broker) -> Self::Broker {
        self.broker().await
    }

    async fn accounts(&self, broker: &Self::Broker) -> Option<Accounts> {
        Some(broker.audit().into())
    }

    async fn dead_letters(&self, broker: &Self::Broker) -> Option<Vec<Letter>> {
        Some(broker.dead_letters().read(&DeadLetterFilter::all()).into_iter().map(Letter::from).collect())
    }

    async fn shut_down(&self, broker: &Self::Broker, time: Duration) {
        broker.shutdown(time).await;
    }
}
