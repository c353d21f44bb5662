//! The right to answer can be kept, and passed on: another actor answers the same caller, who learns at once if nobody
//! will.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::pin;

use common::{Broker, Gate, Job, Worker, assert_balanced, inbox, named, number_of, poll_once, settle};
use switchboard::actor::{Delivery, SpawnOptions, once};
use switchboard::address::ActorAddress;
use switchboard::broker::{
    Context, ForwardErrorKind, MessageBroker, MessageHandler, Ran, ReplyErrorKind, ReplyToken, RequestErrorKind,
    SendErrorKind,
};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::{Message, MessageEnvelope};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// Passes requests on as [`Job::Hold`]; where nobody takes them it tells the test, waits at the gate, and answers
/// itself with 0.
struct Forwarder {
    to: ActorAddress,
    failed: UnboundedSender<(ForwardErrorKind, Job)>,
    gate: Gate,
}

impl MessageHandler<Job> for Forwarder {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        let message = Job::Hold(number_of(envelope.message()));
        let Err(error) = context.forward(&self.to, message).await else {
            return Ok(());
        };
        let _ = self.failed.send((error.kind(), error.into_inner()));
        self.gate.hold().await;
        let answered = context.reply(Job::Answer(0)).await;
        answered.map_err(|error| error.to_string())
    }
}

struct Office {
    broker: Broker,
    front: ActorAddress,
    back: ActorAddress,
    failed: UnboundedReceiver<(ForwardErrorKind, Job)>,
    gate: Gate,
}

/// A front desk that forwards to the back office, which is not there yet.
async fn office() -> Office {
    let (broker, front, back) = (Broker::new(), named("front"), named("back"));
    let (failed, seen) = mpsc::unbounded_channel();
    let gate = Gate::new();
    let forwarder = Forwarder { to: back.clone(), failed, gate: gate.clone() };
    broker.spawn(&front, forwarder).await.unwrap();
    Office { broker, front, back, failed: seen, gate }
}

#[tokio::test(start_paused = true)]
async fn another_actor_answers_the_same_caller() {
    let office = office().await;
    let worker = Worker::new();
    worker.spawn(&office.broker, &office.back, 8).await;
    worker.gate.let_all_go();
    let reply = office.broker.request(&office.front, Job::Echo(5)).await;
    assert_eq!(reply.unwrap(), Job::Answer(5));
    settle().await;
    assert_balanced(&office.broker.metrics().total);
}

#[tokio::test(start_paused = true)]
async fn what_was_forwarded_keeps_the_id_of_what_was_asked() {
    let office = office().await;
    let mut back = inbox(&office.broker, &office.back, 8).await;
    let envelope = MessageEnvelope::new(Job::Echo(5));
    let asked = envelope.id();
    let mut request = pin!(office.broker.request(&office.front, envelope));
    assert!(poll_once(request.as_mut()).is_pending());
    let delivery = back.recv().await.unwrap();
    assert_eq!(delivery.envelope().id(), asked);
    assert!(delivery.envelope().is_request());
    assert!(delivery.envelope().remaining().is_some(), "the deadline too");
    delivery.reply(Job::Answer(6)).await.unwrap();
    assert_eq!(request.await.unwrap(), Job::Answer(6));
}

#[tokio::test(start_paused = true)]
async fn forwarding_to_nobody_returns_the_message_and_the_forwarder_may_still_answer() {
    let mut office = office().await;
    office.gate.let_all_go();
    let reply = office.broker.request(&office.front, Job::Echo(5)).await;
    assert_eq!(reply.unwrap(), Job::Answer(0));
    let nobody = ForwardErrorKind::NotSent(SendErrorKind::NoSuchActor);
    assert_eq!(office.failed.recv().await, Some((nobody, Job::Hold(5))));
}

#[tokio::test(start_paused = true)]
async fn forwarding_what_nobody_asked_returns_the_message() {
    let mut office = office().await;
    let _back = inbox(&office.broker, &office.back, 8).await;
    office.broker.send(&office.front, Job::Echo(5)).await.unwrap();
    let refused = (ForwardErrorKind::NotAsked, Job::Hold(5));
    assert_eq!(office.failed.recv().await, Some(refused));
}

#[tokio::test(start_paused = true)]
async fn the_caller_learns_at_once_that_the_actor_it_was_passed_on_to_has_stopped() {
    let office = office().await;
    let worker = Worker::new();
    let back = worker.spawn_held(&office.broker, &office.back, 8).await;
    let mut request = pin!(office.broker.request(&office.front, Job::Echo(5)));
    assert!(poll_once(request.as_mut()).is_pending());
    settle().await;
    assert_eq!(back.depth(), 1);
    back.stop();
    let error = request.await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::ActorStopped);
}

#[tokio::test(start_paused = true)]
async fn stopping_the_forwarder_does_not_end_what_it_has_passed_on() {
    let (broker, front, back) = (Broker::new(), named("front"), named("back"));
    let (failed, _seen) = mpsc::unbounded_channel();
    let forwarder = Forwarder { to: back.clone(), failed, gate: Gate::new() };
    let forwarder = broker.spawn(&front, forwarder).await.unwrap();
    let mut inbox = inbox(&broker, &back, 8).await;
    let mut request = pin!(broker.request(&front, Job::Echo(5)));
    assert!(poll_once(request.as_mut()).is_pending());
    settle().await;
    forwarder.abort();
    forwarder.join().await;
    assert!(poll_once(request.as_mut()).is_pending());
    inbox.recv().await.unwrap().reply(Job::Answer(5)).await.unwrap();
    assert_eq!(request.await.unwrap(), Job::Answer(5));
}

#[tokio::test(start_paused = true)]
async fn a_forwarder_aborted_while_it_waits_for_room_ends_the_request() {
    let (broker, front, back) = (Broker::new(), named("front"), named("back"));
    let (failed, _seen) = mpsc::unbounded_channel();
    let forwarder = Forwarder { to: back.clone(), failed, gate: Gate::new() };
    let forwarder = broker.spawn(&front, forwarder).await.unwrap();
    let worker = Worker::new();
    let busy = worker.spawn_held(&broker, &back, 1).await;
    broker.send(&back, Job::Note(1)).await.unwrap();
    let mut request = pin!(broker.request(&front, Job::Echo(5)));
    assert!(poll_once(request.as_mut()).is_pending());
    settle().await;
    forwarder.abort();
    let error = request.await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::NoReply);
    worker.gate.let_all_go();
    busy.drain().await;
    assert_eq!(worker.log.numbers(), [0, 1]);
}

/// A caller whose request the front desk tries to pass on to a full back office, which is then stopped.
#[tokio::test(start_paused = true)]
async fn a_target_that_stops_while_the_forwarder_waits_for_room_leaves_the_answer_to_the_forwarder() {
    let mut office = office().await;
    let worker = Worker::new();
    let back = worker.spawn_held(&office.broker, &office.back, 1).await;
    office.broker.send(&office.back, Job::Note(1)).await.unwrap();
    let mut request = pin!(office.broker.request(&office.front, Job::Echo(5)));
    assert!(poll_once(request.as_mut()).is_pending());
    settle().await;
    assert_eq!(office.broker.metrics().blocked_senders, 1);
    back.stop();
    let stopped = ForwardErrorKind::NotSent(SendErrorKind::ActorStopped);
    assert_eq!(office.failed.recv().await, Some((stopped, Job::Hold(5))));
    office.gate.let_all_go();
    assert_eq!(request.await.unwrap(), Job::Answer(0));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_refused_the_request_and_stops_has_no_say_in_it() {
    let mut office = office().await;
    let mailbox = MailboxOptions::bounded(1).strategy(BackpressureStrategy::Error);
    let options = SpawnOptions::new().mailbox(mailbox);
    let worker = Worker::new();
    let back = worker.spawn_with(&office.broker, &office.back, options).await;
    office.broker.send(&office.back, Job::Hold(0)).await.unwrap();
    worker.gate.arrival().await;
    office.broker.send(&office.back, Job::Note(1)).await.unwrap();
    let mut request = pin!(office.broker.request(&office.front, Job::Echo(5)));
    assert!(poll_once(request.as_mut()).is_pending());
    let full = ForwardErrorKind::NotSent(SendErrorKind::Full);
    assert_eq!(office.failed.recv().await, Some((full, Job::Hold(5))));
    back.stop();
    office.gate.let_all_go();
    assert_eq!(request.await.unwrap(), Job::Answer(0));
}

#[tokio::test(start_paused = true)]
async fn a_forwarded_request_may_have_run_though_its_second_actor_never_began() {
    let office = office().await;
    let worker = Worker::new();
    worker.spawn_held(&office.broker, &office.back, 8).await;
    let second = std::time::Duration::from_secs(1);
    let request = office.broker.request(&office.front, Job::Echo(5).within(second));
    let error = request.await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(error.ran(), Ran::Maybe, "the forwarder has begun with it");
    assert!(!error.is_retryable());
    worker.gate.let_all_go();
}

/// Takes one request, asked of an inbox, out of its mailbox, and polls its caller once before.
async fn received<F: Future>(
    request: std::pin::Pin<&mut F>,
    inbox: &mut switchboard::actor::Inbox<Job, Broker>,
) -> Delivery<Job, Broker> {
    assert!(poll_once(request).is_pending());
    inbox.recv().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_reply_token_outlives_the_message() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    let mut request = pin!(broker.request(&desk, Job::Echo(1)));
    let mut delivery = received(request.as_mut(), &mut inbox).await;
    let token = delivery.reply_token().unwrap();
    assert_eq!(token.asked(), Some(delivery.envelope().id()));
    assert!(delivery.reply_token().is_none());
    drop((delivery, inbox));

    assert!(poll_once(request.as_mut()).is_pending());
    token.reply(Job::Answer(1)).await.unwrap();
    assert_eq!(request.await.unwrap(), Job::Answer(1));
}

#[tokio::test(start_paused = true)]
async fn dropping_a_reply_token_ends_the_request_at_once() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    let mut request = pin!(broker.request(&desk, Job::Echo(1)));
    let token = received(request.as_mut(), &mut inbox).await.reply_token();
    assert!(poll_once(request.as_mut()).is_pending());
    drop(token);
    let error = request.await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::NoReply);
    assert_eq!(error.ran(), Ran::Maybe);
}

/// Hands the right to answer to another task.
struct Delegating(UnboundedSender<Box<dyn FnOnce(Job) + Send>>);

impl MessageHandler<Job> for Delegating {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        _: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        let token: ReplyToken<Job, B> = context.reply_token().ok_or("nobody asks")?;
        assert!(!context.is_asked());
        let answer = move |job| drop(tokio::spawn(token.reply(job)));
        self.0.send(Box::new(answer)).map_err(|e| e.to_string())
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_taken_in_a_handler_answers_after_its_actor_has_ended() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let (tokens, mut taken) = mpsc::unbounded_channel();
    let actor = broker.spawn(&desk, Delegating(tokens)).await.unwrap();
    let mut request = pin!(broker.request(&desk, Job::Echo(1)));
    assert!(poll_once(request.as_mut()).is_pending());
    let answer = taken.recv().await.unwrap();
    actor.drain().await;
    assert!(poll_once(request.as_mut()).is_pending());
    answer(Job::Answer(1));
    assert_eq!(request.await.unwrap(), Job::Answer(1));
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_reply_address_comes_as_a_message_that_says_what_it_answers() {
    let (broker, desk, asker) = (Broker::new(), named("desk"), named("asker"));
    Worker::new().spawn(&broker, &desk, 8).await;
    let mut inbox = inbox(&broker, &asker, 8).await;
    let question = MessageEnvelope::new(Job::Echo(4)).with_reply_to(asker);
    let asked = question.id();
    broker.send(&desk, question).await.unwrap();
    let answer = inbox.recv().await.unwrap();
    assert_eq!(answer.message(), &Job::Answer(4));
    assert_eq!(answer.envelope().correlation(), Some(asked));
    assert!(!answer.envelope().is_request());
}

#[tokio::test(start_paused = true)]
async fn a_forwarded_question_is_answered_to_its_reply_address() {
    let (office, asker, worker) = (office().await, named("asker"), Worker::new());
    worker.spawn(&office.broker, &office.back, 8).await;
    worker.gate.let_all_go();
    let mut inbox = inbox(&office.broker, &asker, 8).await;
    let question = MessageEnvelope::new(Job::Echo(4)).with_reply_to(asker);
    let asked = question.id();
    office.broker.send(&office.front, question).await.unwrap();
    let answer = inbox.recv().await.unwrap();
    assert_eq!(answer.message(), &Job::Answer(4));
    assert_eq!(answer.envelope().correlation(), Some(asked));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_its_reply_address_does_not_take_comes_back() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    let question = MessageEnvelope::new(Job::Echo(4)).with_reply_to(named("nobody"));
    broker.send(&desk, question).await.unwrap();
    let delivery = inbox.recv().await.unwrap();
    let error = delivery.reply(Job::Answer(4)).await.unwrap_err();
    let nobody = ReplyErrorKind::NotSent(SendErrorKind::NoSuchActor);
    assert_eq!(error.kind(), nobody);
    assert_eq!(error.into_inner(), Job::Answer(4));
}

/// Passes what it is asked on, is held then if there is a gate, and fails.
struct Unsteady {
    to: ActorAddress,
    gate: Option<Gate>,
}

impl MessageHandler<Job> for Unsteady {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        let message = Job::Hold(number_of(envelope.message()));
        context.forward(&self.to, message).await.map_err(|error| error.to_string())?;
        if let Some(gate) = &self.gate {
            gate.hold().await;
        }
        Err("after it was passed on".into())
    }
}

#[tokio::test(start_paused = true)]
async fn a_forwarder_that_fails_or_is_aborted_does_not_end_what_it_has_passed_on() {
    for gate in [None, Some(Gate::new())] {
        let (broker, front, back) = (Broker::new(), named("front"), named("back"));
        let mut inbox = inbox(&broker, &back, 8).await;
        let forwarder = broker.spawn(&front, Unsteady { to: back, gate: gate.clone() }).await.unwrap();
        let mut request = pin!(broker.request(&front, MessageEnvelope::new(Job::Echo(5)).at_least_once()));
        assert!(poll_once(request.as_mut()).is_pending());
        settle().await;
        if gate.is_some() {
            forwarder.abort();
            forwarder.join().await;
        }
        assert_eq!(common::take_letters(&broker).len(), 1, "the forwarder's own part is over");
        assert!(poll_once(request.as_mut()).is_pending());
        inbox.recv().await.unwrap().reply(Job::Answer(5)).await.unwrap();
        assert_eq!(request.await.unwrap(), Job::Answer(5));
    }
}

/// Passes what it is asked on to itself, and answers then.
struct Twice(ActorAddress);

impl MessageHandler<Job> for Twice {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        match envelope.into_message() {
            Job::Echo(number) => context.forward(&self.0, Job::Hold(number)).await.map_err(|error| error.to_string()),
            other => context.reply(Job::Answer(number_of(&other))).await.map_err(|error| error.to_string()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_to_its_forwarder_is_no_duplicate_of_what_was_passed_on() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let handler = once(Twice(desk.clone()));
    broker.spawn_with(&desk, SpawnOptions::new().duplicate_window(8), handler).await.unwrap();
    assert_eq!(broker.request(&desk, Job::Echo(5)).await.unwrap(), Job::Answer(5));
    settle().await;
    assert_balanced(&broker.metrics().total);
}

/// Holds where it is told to, and passes on whatever is asked.
struct Desk {
    gate: Gate,
    back: ActorAddress,
}

impl MessageHandler<Job> for Desk {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        match envelope.message() {
            Job::Hold(_) => self.gate.hold().await,
            Job::Echo(number) => context.forward(&self.back, Job::Hold(*number)).await.map_err(|e| e.to_string())?,
            _ => {}
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_got_in_and_was_passed_on_before_its_caller_looked_does_not_end_with_the_forwarder() {
    let (broker, front, back) = (Broker::new(), named("front"), named("back"));
    let (gate, worker) = (Gate::new(), Worker::new());
    let busy = worker.spawn_held(&broker, &back, 8).await;
    let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(1));
    let desk = Desk { gate: gate.clone(), back };
    let actor = broker.spawn_with(&front, options, once(desk)).await.unwrap();
    broker.send(&front, Job::Hold(0)).await.unwrap();
    gate.arrival().await;
    broker.send(&front, Job::Note(1)).await.unwrap();
    let mut request = pin!(broker.request(&front, Job::Echo(5)));
    assert!(poll_once(request.as_mut()).is_pending());
    // It waits for room, gets in, and is passed on, and its caller has not looked since.
    gate.let_all_go();
    settle().await;
    assert_eq!(busy.depth(), 1);
    actor.stop();
    actor.join().await;
    assert!(poll_once(request.as_mut()).is_pending());
    worker.gate.let_all_go();
    assert_eq!(request.await.unwrap(), Job::Answer(5));
}
