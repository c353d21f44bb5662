//! A broker that wraps another lends its handlers contexts of its own, and what they do there counts as done.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use common::{Broker, Job, Worker, inbox, named, soon, take_letters};
use switchboard::actor::{SpawnOptions, once};
use switchboard::broker::{Context, MessageBroker, MessageHandler, RequestErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::mailbox::MailboxOptions;
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;
use switchboard::retry::RetryPolicy;
use switchboard::{pattern, subject};

/// Lends the handler inside a context whose broker is this one.
struct Wrapped<H>(H, Broker);

impl<H: MessageHandler<Job>> MessageHandler<Job> for Wrapped<H> {
    type Error = H::Error;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), H::Error> {
        let lent = context.through(self.1.clone());
        assert!(!context.is_asked(), "the lent context has the right to answer");
        assert_eq!(lent.message_id(), context.message_id());
        self.0.handle(envelope, &lent).await
    }
}

/// Passes echoes on, rejects notes, and fails for the rest.
struct Contrary;

impl MessageHandler<Job> for Contrary {
    type Error = &'static str;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), &'static str> {
        match envelope.into_message() {
            Job::Echo(number) => context.forward(&named("next"), Job::Echo(number)).await.map_err(|_| "nobody there"),
            Job::Note(_) => Err(context.reject("a note")),
            _ => Err("no note"),
        }
    }
}

async fn spawn<H: MessageHandler<Job>>(broker: &Broker, handler: H) {
    let options = SpawnOptions::new().duplicate_window(8);
    broker.spawn_with(&named("desk"), options, once(Wrapped(handler, broker.clone()))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_answered_not_answered_or_ends_in_a_panic_reaches_the_caller() {
    let broker = Broker::new();
    spawn(&broker, Worker::new()).await;
    let desk = named("desk");
    assert_eq!(broker.request(&desk, Job::Echo(1)).await.unwrap(), Job::Answer(1));
    for (job, kind) in [
        (Job::Note(1), RequestErrorKind::NoReply),
        (Job::Fail("no ink"), RequestErrorKind::HandlerFailed("no ink".into())),
        (Job::Panic("boom"), RequestErrorKind::HandlerPanicked("boom".into())),
    ] {
        assert_eq!(broker.request(&desk, job).await.unwrap_err().kind(), &kind);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_rejected_is_not_handled_again() {
    let broker = Broker::new();
    spawn(&broker, Contrary).await;
    for job in [Job::Note(1), Job::Hold(2)] {
        let envelope = MessageEnvelope::new(job).at_least_once().with_retry(RetryPolicy::attempts(3));
        broker.send(&named("desk"), envelope).await.unwrap();
    }
    broker.shutdown(std::time::Duration::from_secs(10)).await;
    let ends: Vec<_> = take_letters(&broker).iter().map(|letter| (letter.reason, letter.attempts)).collect();
    assert_eq!(ends, [(DeadLetterReason::Rejected, 1), (DeadLetterReason::Failed, 3)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_passed_on_is_not_taken_for_handled_when_it_comes_back() {
    let broker = Broker::new();
    spawn(&broker, Contrary).await;
    let mut next = inbox(&broker, &named("next"), 8).await;
    let envelope = MessageEnvelope::new(Job::Echo(1));
    for _ in 0..2 {
        let desk = named("desk");
        let answering = async { soon(next.recv()).await.unwrap().reply(Job::Answer(1)).await };
        let (reply, answered) = tokio::join!(broker.request(&desk, envelope.clone()), answering);
        answered.unwrap();
        assert_eq!(reply.unwrap(), Job::Answer(1));
    }
    assert_eq!(broker.metrics().total.outcomes[Outcome::Duplicate], 0);
}

#[tokio::test(start_paused = true)]
async fn an_inbox_and_a_subscription_that_are_passed_through_lose_nothing() {
    let broker = Broker::new();
    let mut inbox = inbox(&broker, &named("desk"), 8).await;
    broker.send(&named("desk"), Job::Note(1)).await.unwrap();
    inbox = inbox.through(broker.clone());
    assert_eq!(inbox.try_recv().unwrap().into_message(), Job::Note(1));

    let subscription = broker.subscribe(pattern!("news"), MailboxOptions::bounded(8)).await.unwrap();
    let _ = broker.publish(&subject!("news"), Job::Note(2)).await;
    let mut subscription = subscription.through(broker.clone());
    let _ = broker.publish(&subject!("news"), Job::Note(3)).await;
    for number in [2, 3] {
        assert_eq!(subscription.try_recv().unwrap().into_message(), Job::Note(number));
    }
    broker.send(&named("desk"), Job::Note(4)).await.unwrap();
    assert_eq!(inbox.depth(), 1);
}
