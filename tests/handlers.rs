//! Handlers and programs are written once, against any broker; and what they use can be sent between threads.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::time::Duration;

use common::{Broker, EchoOf, Echoed, Job, Log, Worker, inbox, named};
use switchboard::actor::{ActorHandle, Delivery, Inbox, Registration, SpawnOptions, StopCause, once};
use switchboard::address::ActorAddress;
use switchboard::broker::{
    AskError, Context, ForwardError, MessageBroker, MessageHandler, ReplyError, ReplyToken, RequestError, Route,
    SendError,
};
use switchboard::mailbox::MailboxOptions;
use switchboard::message::{Message, MessageEnvelope, MessageId};
use switchboard::watching::{Ends, Watch};

/// Counts what it is told, and tells it on request.
#[derive(Default)]
struct Counter {
    total: u64,
}

impl MessageHandler<Job> for Counter {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        match envelope.into_message() {
            Job::Note(number) => self.total += number,
            _ => context.reply(Job::Answer(self.total)).await.map_err(|error| error.to_string())?,
        }
        Ok(())
    }
}

/// A program that knows nothing of its broker but that it is one.
async fn count<B: MessageBroker<Job>>(broker: &B) -> Echoed {
    let counter = named("counter");
    let actor = broker.spawn(&counter, Counter::default()).await.unwrap();
    let mut front = broker.register(&named("front"), MailboxOptions::bounded(4)).await.unwrap();
    for number in 1..=4 {
        broker.send(&named("front"), Job::Note(number)).await.unwrap();
    }
    for _ in 0..4 {
        let message = front.recv().await.unwrap().into_message();
        broker.try_send(&counter, message).unwrap();
    }
    let total = broker.ask_within(&counter, EchoOf(0), Duration::from_secs(1)).await.unwrap();
    assert!(broker.unregister(&front.registration()).await);
    assert_eq!(actor.drain().await, StopCause::Drained);
    total
}

#[tokio::test(start_paused = true)]
async fn one_program_runs_with_any_broker() {
    assert_eq!(count(&Broker::new()).await, Echoed(10));
}

#[tokio::test(start_paused = true)]
async fn a_closure_is_a_handler() {
    let (broker, desk, log) = (Broker::new(), named("desk"), Log::default());
    let noting = log.clone();
    let mut seen = 0;
    let closure = move |envelope: MessageEnvelope<Job>| {
        seen += 1;
        let (log, seen) = (noting.clone(), seen);
        async move {
            match envelope.into_message() {
                Job::Note(number) => log.add(number + seen),
                other => return Err(format!("no {other:?}")),
            }
            Ok(())
        }
    };
    let actor = broker.spawn(&desk, closure).await.unwrap();
    for number in [10, 20] {
        broker.send(&desk, Job::Note(number)).await.unwrap();
    }
    let refused = broker.request(&desk, Job::Echo(1)).await.unwrap_err();
    assert!(refused.to_string().contains("no Echo(1)"), "{refused}");
    actor.drain().await;
    assert_eq!(log.numbers(), [11, 22]);
}

/// Starts an actor of its own for each message, which answers in its place.
struct Manager;

impl MessageHandler<Job> for Manager {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        let helper = named(&format!("helper-{}", common::number_of(envelope.message())));
        let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(1));
        let spawned = context.broker().spawn_with(&helper, options, once(Worker::new())).await;
        let spawned = spawned.map_err(|error| error.to_string())?;
        let id = ActorAddress::from(spawned.id());
        context.forward(&id, envelope).await.map_err(|error| error.to_string())
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_starts_actors_with_the_broker_of_its_context() {
    let (broker, desk) = (Broker::new(), named("desk"));
    broker.spawn(&desk, Manager).await.unwrap();
    for number in 1..4 {
        let reply = broker.request(&desk, Job::Echo(number)).await;
        assert_eq!(reply.unwrap(), Job::Answer(number));
    }
    assert_eq!(broker.registry().len(), 4);
    // The helper of the first is still there under its name.
    let reply = broker.request(&named("helper-1"), Job::Echo(9)).await;
    assert_eq!(reply.unwrap(), Job::Answer(9));
    let again = broker.request(&desk, Job::Echo(1)).await.unwrap_err();
    assert!(again.to_string().contains("named:helper-1"), "{again}");
}

/// Says what its context says.
struct Introspective {
    told: tokio::sync::mpsc::UnboundedSender<Told>,
}

#[derive(Debug, PartialEq)]
struct Told {
    address: ActorAddress,
    registration: Registration,
    message: Option<MessageId>,
    depth: usize,
    asked: bool,
}

impl MessageHandler<Job> for Introspective {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        _: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        assert_eq!(context.id(), context.registration().actor);
        let told = Told {
            address: context.address().clone(),
            registration: context.registration(),
            message: context.message_id(),
            depth: context.depth(),
            asked: context.is_asked(),
        };
        self.told.send(told).map_err(|error| error.to_string())
    }
}

#[tokio::test(start_paused = true)]
async fn a_context_knows_its_actor_and_the_message_in_hand() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let (told, mut tells) = tokio::sync::mpsc::unbounded_channel();
    let actor = broker.spawn(&desk, Introspective { told }).await.unwrap();
    let first = MessageEnvelope::new(Job::Note(1));
    let second = MessageEnvelope::new(Job::Note(2)).with_reply_to(named("asker"));
    let ids = [first.id(), second.id()];
    broker.send(&desk, first).await.unwrap();
    broker.send(&desk, second).await.unwrap();
    for (place, id) in ids.into_iter().enumerate() {
        let expected = Told {
            address: desk.clone(),
            registration: actor.registration(),
            message: Some(id),
            depth: 1 - place,
            asked: place == 1,
        };
        assert_eq!(tells.recv().await, Some(expected));
    }
}

/// Sends on, in every way that its context has.
struct Sender {
    to: ActorAddress,
}

impl MessageHandler<Job> for Sender {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        context.send(&self.to, Job::Note(1)).await.map_err(|error| error.to_string())?;
        context.try_send(&self.to, Job::Note(2)).map_err(|error| error.to_string())?;
        context.forward(&self.to, envelope).await.map_err(|error| error.to_string())
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_sends_names_its_actor_as_the_sender() {
    let (broker, desk, back) = (Broker::new(), named("desk"), named("back"));
    let mut inbox = inbox(&broker, &back, 8).await;
    let actor = broker.spawn(&desk, Sender { to: back }).await.unwrap();
    let question = MessageEnvelope::new(Job::Echo(3)).with_reply_to(named("asker"));
    broker.send(&desk, question).await.unwrap();
    for number in 1..=3 {
        let delivery = inbox.recv().await.unwrap();
        assert_eq!(common::number_of(delivery.message()), number);
        assert_eq!(delivery.envelope().sender(), Some(actor.id()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_answers_names_its_actor_as_the_sender() {
    let (broker, desk, asker) = (Broker::new(), named("desk"), named("asker"));
    let mut inbox = inbox(&broker, &asker, 8).await;
    let actor = Worker::new().spawn(&broker, &desk, 8).await;
    let question = MessageEnvelope::new(Job::Echo(3)).with_reply_to(asker);
    broker.send(&desk, question).await.unwrap();
    let answer = inbox.recv().await.unwrap();
    assert_eq!(answer.envelope().sender(), Some(actor.id()));
}

/// Not even its messages may be shared between threads: a message need only be `Send`.
#[derive(Debug)]
struct Unshared(#[expect(dead_code, reason = "it is here for what it is not")] std::cell::Cell<u64>);

impl Message for Unshared {
    const MESSAGE_TYPE: &'static str = "tests.unshared";
}

type Unsharing = switchboard::broker::InMemoryMessageBroker<Unshared>;

const fn is_send<T: Send>() {}
const fn is_sync<T: Sync>() {}

const _: () = {
    is_send::<Unsharing>();
    is_sync::<Unsharing>();
    is_send::<Route<Unshared>>();
    is_sync::<Route<Unshared>>();
    is_send::<Context<Unshared, Unsharing>>();
    is_sync::<Context<Unshared, Unsharing>>();
    is_send::<ReplyToken<Unshared, Unsharing>>();
    is_sync::<ReplyToken<Unshared, Unsharing>>();
    is_send::<ActorHandle<Unshared>>();
    is_sync::<ActorHandle<Unshared>>();
    is_send::<Inbox<Unshared, Unsharing>>();
    is_send::<Delivery<Unshared, Unsharing>>();
    is_send::<SendError<Unshared>>();
    is_send::<RequestError<Unshared>>();
    is_send::<AskError<Unshared>>();
    is_send::<ReplyError<Unshared>>();
    is_send::<ForwardError<Unshared>>();
    is_send::<Watch>();
    is_sync::<Watch>();
    is_send::<Ends>();
    is_sync::<Ends>();
};

fn sends<T: Send>(value: T) -> T {
    value
}

/// Only compiled: that is the test. Every future can move between threads, though the message can't be shared.
#[expect(dead_code, reason = "it need only compile")]
async fn every_future_is_send(
    broker: &Unsharing,
    route: &Route<Unshared>,
    inbox: &mut Inbox<Unshared, Unsharing>,
    actor: ActorHandle<Unshared>,
    token: ReplyToken<Unshared, Unsharing>,
    to: &ActorAddress,
) {
    let message = || Unshared(std::cell::Cell::new(1));
    let _ = sends(broker.send(to, message())).await;
    let _ = sends(broker.request(to, message())).await;
    let _ = sends(broker.register(to, MailboxOptions::default())).await;
    let _ = sends(broker.unregister(&actor.registration())).await;
    let _ = sends(broker.shutdown(Duration::ZERO)).await;
    let _ = sends(route.send(message())).await;
    let _ = sends(route.request(message())).await;
    let _ = sends(inbox.recv()).await;
    let _ = sends(token.reply(message())).await;
    let _ = sends(actor.drain()).await;
}

#[test]
fn brokers_need_nothing_of_a_message_but_that_it_can_be_sent() {
    let broker = Unsharing::new();
    assert!(broker.registry().is_empty());
    assert!(format!("{broker:?}").contains("tests.unshared"));
}
