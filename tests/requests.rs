//! A request ends with its reply, or at once with what is known. Its deadline, its caller's going away and its being
//! forwarded have files of their own.

mod common;

use std::pin::pin;
use std::task::Poll;

use common::{
    Broker, EchoOf, Echoed, Gate, Job, Log, Wakes, Worker, assert_at_rest, inbox, named, numbers_of, poll_counted,
    poll_once, settle, take_letters,
};
use switchboard::actor::SpawnOptions;
use switchboard::broker::{
    AskError, Context, InMemoryMessageBroker, MessageBroker, MessageHandler, Ran, ReplyErrorKind, RequestErrorKind,
    SendErrorKind,
};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;
use tokio::sync::mpsc;

#[tokio::test(start_paused = true)]
async fn the_reply_comes_back_to_its_own_caller() {
    let broker = InMemoryMessageBroker::new();
    let desk = named("desk");
    Worker::new().spawn(&broker, &desk, 8).await;
    let (one, two) = tokio::join!(broker.request(&desk, Job::Echo(1)), broker.request(&desk, Job::Echo(2)),);
    assert_eq!(one.unwrap(), Job::Answer(1));
    assert_eq!(two.unwrap(), Job::Answer(2));
    assert_eq!(broker.metrics().requests_in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_typed_request_gets_its_typed_reply() {
    let broker = InMemoryMessageBroker::new();
    let desk = named("desk");
    Worker::new().spawn(&broker, &desk, 8).await;
    assert_eq!(broker.ask(&desk, EchoOf(7)).await.unwrap(), Echoed(7));
    let route = broker.route(&desk).unwrap();
    assert_eq!(route.ask(EchoOf(8)).await.unwrap(), Echoed(8));
}

#[tokio::test(start_paused = true)]
async fn a_reply_of_another_kind_is_an_error_with_the_reply_inside() {
    let broker = InMemoryMessageBroker::new();
    let desk = named("desk");
    let mut inbox = inbox(&broker, &desk, 8).await;
    let contrary = async { inbox.recv().await.unwrap().reply(Job::Note(3)).await };
    let (asked, replied) = tokio::join!(broker.ask(&desk, EchoOf(3)), contrary);
    replied.unwrap();
    let error = asked.unwrap_err();
    assert!(matches!(error, AskError::WrongReply(_)), "{error}");
    assert_eq!((error.kind(), error.ran()), (None, Ran::Maybe));
    assert_eq!(error.into_inner(), Some(Job::Note(3)));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_returns_without_replying_ends_the_request_at_once() {
    let broker = InMemoryMessageBroker::new();
    let desk = named("desk");
    Worker::new().spawn(&broker, &desk, 8).await;
    let start = tokio::time::Instant::now();
    let error = broker.request(&desk, Job::Note(1)).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::NoReply);
    assert_eq!(error.ran(), Ran::Maybe);
    assert_eq!(start.elapsed(), std::time::Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_fails_ends_the_request_with_its_text() {
    let broker = InMemoryMessageBroker::new();
    let desk = named("desk");
    Worker::new().spawn(&broker, &desk, 8).await;
    let error = broker.request(&desk, Job::Fail("no ink")).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::HandlerFailed("no ink".into()));
    assert_eq!(error.ran(), Ran::Maybe);
    assert_eq!(error.into_inner(), None);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_ends_the_request_with_the_cause() {
    let broker = InMemoryMessageBroker::new();
    let desk = named("desk");
    Worker::new().spawn(&broker, &desk, 8).await;
    let error = broker.request(&desk, Job::Panic("boom")).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::HandlerPanicked("boom".into()));
    assert_eq!(error.ran(), Ran::Maybe);
}

#[tokio::test(start_paused = true)]
async fn a_request_to_nobody_ends_in_its_first_poll_with_the_message_inside() {
    let broker = Broker::new();
    for (address, kind) in
        [(named("nobody"), SendErrorKind::NoSuchActor), (common::pool("nobody"), SendErrorKind::NoMembers)]
    {
        let polled = poll_once(pin!(broker.request(&address, Job::Echo(4))));
        let Poll::Ready(Err(error)) = polled else {
            panic!("not at once: {polled:?}");
        };
        assert_eq!(error.kind(), &RequestErrorKind::NotSent(kind));
        assert_eq!(error.ran(), Ran::Never);
        assert_eq!(error.into_inner(), Some(Job::Echo(4)));
    }
    assert_eq!(broker.metrics().requests_in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_the_requests_that_wait_at_once_though_the_handler_is_at_work() {
    let broker = Broker::new();
    let (desk, worker) = (named("desk"), Worker::new());
    let actor = worker.spawn_held(&broker, &desk, 8).await;
    let mut queued = pin!(broker.request(&desk, Job::Echo(1)));
    assert!(poll_once(queued.as_mut()).is_pending());

    actor.stop();
    let Poll::Ready(Err(error)) = poll_once(queued) else {
        panic!("it waits for the handler");
    };
    assert_eq!(error.kind(), &RequestErrorKind::ActorStopped);
    assert_eq!(error.ran(), Ran::Never);
    worker.gate.let_all_go();
    actor.join().await;
    assert_eq!(numbers_of(&take_letters(&broker), DeadLetterReason::ActorStopped), [1]);
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_the_requests_that_the_actor_has_fetched_but_not_begun() {
    let broker = Broker::new();
    let (desk, worker) = (named("desk"), Worker::new());
    let actor = worker.spawn(&broker, &desk, 8).await;
    // All are in the mailbox before the actor first looks, so it fetches them together and is held by the first.
    let mut requests: Vec<_> =
        [Job::Hold(0), Job::Echo(1), Job::Echo(2)].map(|job| Box::pin(broker.request(&desk, job))).into();
    for request in &mut requests {
        assert!(poll_once(request.as_mut()).is_pending());
    }
    worker.gate.arrival().await;

    actor.stop();
    for fetched in requests.drain(1..) {
        let error = fetched.await.unwrap_err();
        assert_eq!(error.kind(), &RequestErrorKind::ActorStopped);
        assert_eq!(error.ran(), Ran::Never);
    }
    worker.gate.let_all_go();
    assert_eq!(requests.remove(0).await.unwrap(), Job::Answer(0));
    actor.join().await;
    assert_eq!(worker.log.numbers(), [0]);
    assert_eq!(take_letters(&broker).len(), 2);
    assert_eq!(broker.metrics().total.unaccounted(), 0);
}

#[tokio::test(start_paused = true)]
async fn aborting_ends_the_request_in_the_handler_as_one_that_may_have_run() {
    let broker = Broker::new();
    let (desk, worker) = (named("desk"), Worker::new());
    let actor = worker.spawn(&broker, &desk, 8).await;
    let mut held = pin!(broker.request(&desk, Job::Hold(1)));
    assert!(poll_once(held.as_mut()).is_pending());
    worker.gate.arrival().await;

    actor.abort();
    let error = held.await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::ActorStopped);
    assert_eq!(error.ran(), Ran::Maybe);
    actor.join().await;
    assert_at_rest(&broker.metrics().total, &[(Outcome::Abandoned, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_the_requests_behind_it() {
    let broker = Broker::new();
    let desk = named("desk");
    let actor = Worker::new().spawn(&broker, &desk, 8).await;
    let (first, second) = tokio::join!(broker.request(&desk, Job::Panic("boom")), broker.request(&desk, Job::Echo(2)),);
    assert!(first.is_err());
    let error = second.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::ActorStopped);
    assert_eq!(error.ran(), Ran::Never);
    actor.join().await;
    assert_at_rest(&broker.metrics().total, &[(Outcome::Failed, 1), (Outcome::Abandoned, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_makes_room_for_another_message_ends_at_once() {
    for (strategy, evicted) in [(BackpressureStrategy::DropOldest, 1), (BackpressureStrategy::DropNewest, 2)] {
        let broker = Broker::new();
        let (desk, worker) = (named("desk"), Worker::new());
        let mailbox = MailboxOptions::bounded(1).strategy(strategy);
        let options = SpawnOptions::new().mailbox(mailbox);
        worker.spawn_with(&broker, &desk, options).await;
        broker.send(&desk, Job::Hold(0)).await.unwrap();
        worker.gate.arrival().await;
        let (number, error) = tokio::select! {
            biased;
            ended = broker.request(&desk, Job::Echo(1)) => (1, ended.unwrap_err()),
            ended = broker.request(&desk, Job::Echo(2)) => (2, ended.unwrap_err()),
        };
        assert_eq!(number, evicted, "the other one waits for the handler");
        assert_eq!(error.kind(), &RequestErrorKind::Evicted);
        assert_eq!(error.ran(), Ran::Never);
        let letters = take_letters(&broker);
        assert_eq!(numbers_of(&letters, DeadLetterReason::Evicted), [evicted]);
        worker.gate.let_all_go();
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_needs_no_room_in_any_mailbox() {
    let broker = Broker::new();
    let (desk, asker, worker) = (named("desk"), named("asker"), Worker::new());
    Worker::new().spawn(&broker, &desk, 1).await;
    // The asker's own mailbox is full to the brim while it waits for the reply.
    let asking = Asking { whom: desk, log: worker.log.clone(), gate: worker.gate.clone() };
    let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(1));
    let actor = broker.spawn_with(&asker, options, switchboard::actor::once(asking)).await.unwrap();
    broker.send(&asker, Job::Echo(5)).await.unwrap();
    worker.gate.arrival().await;
    broker.try_send(&asker, Job::Note(6)).unwrap();
    assert!(broker.try_send(&asker, Job::Note(7)).unwrap_err().is_full());
    worker.gate.let_all_go();
    actor.drain().await;
    assert_eq!(worker.log.numbers(), [5]);
}

/// Asks somebody else and logs the answer.
struct Asking {
    whom: switchboard::address::ActorAddress,
    log: Log,
    gate: Gate,
}

impl MessageHandler<Job> for Asking {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        let Job::Echo(number) = envelope.into_message() else {
            return Ok(());
        };
        self.gate.hold().await;
        let asked = context.request(&self.whom, Job::Echo(number)).await;
        if asked.is_ok_and(|answer| answer == Job::Answer(number)) {
            self.log.add(number);
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_wakes_its_caller_and_no_other() {
    let broker = Broker::new();
    let desk = named("desk");
    let mut inbox = inbox(&broker, &desk, 8).await;
    let (one, two) = (Wakes::new(), Wakes::new());
    let mut first = pin!(broker.request(&desk, Job::Echo(1)));
    let mut second = pin!(broker.request(&desk, Job::Echo(2)));
    assert!(poll_counted(first.as_mut(), &one).is_pending());
    assert!(poll_counted(second.as_mut(), &two).is_pending());

    inbox.recv().await.unwrap().reply(Job::Answer(1)).await.unwrap();
    assert_eq!((one.count(), two.count()), (1, 0));
    assert_eq!(poll_once(first).map(Result::unwrap), Poll::Ready(Job::Answer(1)));
    assert!(poll_once(second).is_pending());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_given_before_the_caller_looks_for_it_is_not_lost() {
    let broker = Broker::new();
    let desk = named("desk");
    let mut inbox = inbox(&broker, &desk, 8).await;
    let (answered, mut seen) = mpsc::unbounded_channel();
    let answering = tokio::spawn(async move {
        while let Some(delivery) = inbox.recv().await {
            let answer = Job::Answer(common::number_of(delivery.message()));
            delivery.reply(answer).await.unwrap();
            answered.send(()).unwrap();
        }
    });
    for number in 0..1_000 {
        let mut request = pin!(broker.request(&desk, Job::Echo(number)));
        // The answer is in the table before the caller polls for the second time, or even within its first poll.
        let mut polled = poll_once(request.as_mut());
        seen.recv().await.unwrap();
        if polled.is_pending() {
            polled = poll_once(request);
        }
        assert_eq!(polled.map(Result::unwrap), Poll::Ready(Job::Answer(number)));
    }
    answering.abort();
}

#[tokio::test(start_paused = true)]
async fn answering_twice_is_an_error_with_the_second_answer_inside() {
    let broker = Broker::new();
    let desk = named("desk");
    let (tell, mut told) = mpsc::unbounded_channel();
    broker.spawn(&desk, AnswersTwice(tell)).await.unwrap();
    let reply = broker.request(&desk, Job::Echo(1)).await.unwrap();
    assert_eq!(reply, Job::Answer(1));
    let second = told.recv().await.unwrap();
    assert_eq!(second, Some((ReplyErrorKind::NotAsked, Job::Answer(2))));

    // The same for a message that is no request.
    broker.send(&desk, Job::Echo(1)).await.unwrap();
    let second = told.recv().await.unwrap();
    assert_eq!(second, Some((ReplyErrorKind::NotAsked, Job::Answer(2))));
    settle().await;
    assert_eq!(broker.metrics().late_replies, 0);
}

type Refused = Option<(ReplyErrorKind, Job)>;

struct AnswersTwice(mpsc::UnboundedSender<Refused>);

impl MessageHandler<Job> for AnswersTwice {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        _: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        let _ = context.reply(Job::Answer(1)).await;
        assert!(!context.is_asked());
        let second = context.reply(Job::Answer(2)).await;
        let refused = second.err().map(|error| (error.kind(), error.into_inner()));
        self.0.send(refused).map_err(|error| error.to_string())
    }
}
