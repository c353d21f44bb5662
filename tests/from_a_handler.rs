//! What a handler sends later, at an interval or to all is sent in the name of its actor.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::time::Duration;

use common::{Broker, Job, inbox, named, pool, soon};
use switchboard::address::ActorId;
use switchboard::broker::{Context, MessageHandler};
use switchboard::{MessageBroker, MessageEnvelope};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// Sends to the pool in one of the four ways for each message.
struct Sender;

impl MessageHandler<Job> for Sender {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        let (to, job) = (pool("desks"), envelope.into_message());
        match job {
            Job::Note(1) => drop(context.broadcast(&to, job).await),
            Job::Note(2) => drop(context.send_at(Instant::now() + SECOND, &to, job).await),
            Job::Note(3) => drop(context.send_after(2 * SECOND, &to, job).await),
            _ => drop(context.send_every(SECOND, &to, job).await),
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_way_a_handler_sends_its_actor_is_the_sender_and_the_time_is_as_asked() {
    for (way, delays) in [(1, [0, 0]), (2, [1, 1]), (3, [2, 2]), (4, [1, 2])] {
        let broker = Broker::new();
        let mut desk = inbox(&broker, &pool("desks"), 8).await;
        let sender = broker.spawn(&named("sender"), Sender).await.unwrap();
        let began = Instant::now();
        broker.send(&named("sender"), Job::Note(way)).await.unwrap();
        // What comes at an interval comes again.
        let times = if way == 4 { 2 } else { 1 };
        for delay in &delays[..times] {
            let received = soon(desk.recv()).await.unwrap();
            let from: Option<ActorId> = received.envelope().sender();
            assert_eq!((received.message(), from), (&Job::Note(way), Some(sender.id())));
            assert_eq!(began.elapsed().as_secs(), *delay, "way {way}");
        }
    }
}
