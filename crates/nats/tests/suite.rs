//! The broker passes the suite that every broker must pass, on one server.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which fail where they panic")]

mod support;

use std::time::Duration;

use support::Server;
use switchboard::dead_letters::DeadLetterFilter;
use switchboard_conformance::{Accounts, Candidate, Capabilities, Capability, Clock, Job, Letter};
use switchboard_nats::{NatsMessageBroker, NatsOptions};

/// A broker on a server of its own.
struct Nats {
    server: Server,
}

impl Nats {
    fn start() -> Self {
        Self { server: Server::start() }
    }

    async fn broker(&self) -> NatsMessageBroker<Job> {
        let options = NatsOptions::new(self.server.url()).expect("a URL");
        NatsMessageBroker::with_options(options).await.expect("the server lets anybody in")
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

switchboard_conformance::suite!(Nats::start());
