//! The in-memory broker as a candidate, alone and with faults.
#![allow(dead_code, reason = "each test binary is compiled with all of it and uses a part")]

use std::time::Duration;

use switchboard::InMemoryMessageBroker;
use switchboard::dead_letters::DeadLetterFilter;
use switchboard_conformance::{Accounts, Candidate, Capabilities, Capability, FaultPlan, FaultyBroker, Job, Letter};

/// It can do everything that one process can.
#[derive(Debug)]
pub(crate) struct InMemory;

impl Candidate for InMemory {
    type Broker = InMemoryMessageBroker<Job>;

    fn capabilities(&self) -> Capabilities {
        Capabilities::all_but([Capability::ClusterWideNames, Capability::Durable])
    }

    async fn make(&self) -> Self::Broker {
        InMemoryMessageBroker::new()
    }

    async fn accounts(&self, broker: &Self::Broker) -> Option<Accounts> {
        Some(Accounts::of(broker))
    }

    async fn dead_letters(&self, broker: &Self::Broker) -> Option<Vec<Letter>> {
        Some(broker.dead_letters().read(&DeadLetterFilter::all()).into_iter().map(Letter::from).collect())
    }

    async fn shut_down(&self, broker: &Self::Broker, time: Duration) {
        broker.shutdown(time).await;
    }
}

/// The broker in memory with faults.
#[derive(Debug)]
pub(crate) struct Faulty(pub(crate) FaultPlan);

impl Candidate for Faulty {
    type Broker = FaultyBroker<InMemoryMessageBroker<Job>>;

    fn capabilities(&self) -> Capabilities {
        InMemory.capabilities()
    }

    async fn make(&self) -> Self::Broker {
        FaultyBroker::new(InMemory.make().await, self.0.clone())
    }

    async fn accounts(&self, broker: &Self::Broker) -> Option<Accounts> {
        InMemory.accounts(broker.inner()).await
    }

    async fn dead_letters(&self, broker: &Self::Broker) -> Option<Vec<Letter>> {
        InMemory.dead_letters(broker.inner()).await
    }

    async fn shut_down(&self, broker: &Self::Broker, time: Duration) {
        InMemory.shut_down(broker.inner(), time).await;
    }
}
