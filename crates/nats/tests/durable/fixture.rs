//! What the tests of this guarantee share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::jetstream;
use serde::{Deserialize, Serialize};
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, MessageBroker, MessageHandler};
use switchboard::message::{Message, MessageEnvelope};
use switchboard_nats::{ClusterDeadLetter, DurableOptions, NatsMessageBroker, NatsOptions};

use crate::support::Server;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Job {
    Note(u64),
    /// Fails the first so many times.
    Fails(u64, u32),
    Reject,
}

impl Message for Job {
    const MESSAGE_TYPE: &'static str = "job";
}

pub(crate) type Broker = NatsMessageBroker<Job>;

pub(crate) fn options(server: &Server, durable: DurableOptions) -> NatsOptions {
    NatsOptions::new(server.url()).unwrap().lease(Duration::from_millis(900)).durable(durable)
}

pub(crate) fn quick() -> DurableOptions {
    DurableOptions::new().ack_wait(Duration::from_millis(600))
}

pub(crate) async fn node(server: &Server) -> Broker {
    NatsMessageBroker::with_options(options(server, quick())).await.unwrap()
}

pub(crate) fn desk() -> ActorAddress {
    ActorAddress::named("desk").unwrap()
}

pub(crate) fn pool() -> ActorAddress {
    ActorAddress::pool("readers").unwrap()
}

pub(crate) fn sure(job: Job) -> MessageEnvelope<Job> {
    MessageEnvelope::new(job).at_least_once()
}

/// Long enough for whatever must happen, however busy the machine is.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what).await.expect("it happens soon")
}

pub(crate) async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    soon(async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// What actors have handled, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(pub(crate) Arc<Mutex<Vec<u64>>>);

impl Log {
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) async fn has(&self, count: usize) {
        until(async || self.numbers().len() >= count).await;
    }
}

pub(crate) struct Clerk(pub(crate) Log);

impl MessageHandler<Job> for Clerk {
    type Error = &'static str;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), &'static str> {
        let number = match *envelope.message() {
            Job::Note(number) => number,
            Job::Fails(_, times) if envelope.attempt() <= times => return Err("no ink"),
            Job::Fails(number, _) => number,
            Job::Reject => return Err(context.reject("never")),
        };
        self.0.0.lock().unwrap().push(number);
        Ok(())
    }
}

/// What waits in the stream.
pub(crate) async fn waiting(server: &Server) -> u64 {
    let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let mut work = context.get_stream("switchboard-work").await.unwrap();
    work.info().await.unwrap().state.messages
}

pub(crate) async fn letters(broker: &Broker) -> Vec<ClusterDeadLetter<Job>> {
    broker.cluster_dead_letters().unwrap().list(0, 100).await.unwrap()
}

pub(crate) async fn one_letter(broker: &Broker) -> ClusterDeadLetter<Job> {
    until(async || letters(broker).await.len() == 1).await;
    letters(broker).await.remove(0)
}
