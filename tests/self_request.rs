//! An actor that asks itself while it handles a message would wait for ever, so it is refused at once.

mod common;

use common::{Broker, Job, Worker, assert_balanced, inbox, named, number_of, pool};
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, MessageBroker, MessageHandler, Ran, RequestErrorKind};
use switchboard::message::MessageEnvelope;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// How the request to itself ended: with an answer, or with why not, whether it may have run, and the message.
type Ended = Result<Job, (RequestErrorKind, Ran, Option<Job>)>;

/// Asks at `to` for each [`Job::Note`], and answers each [`Job::Echo`] with the number and one more.
struct Asker {
    to: ActorAddress,
    ended: UnboundedSender<Ended>,
}

impl MessageHandler<Job> for Asker {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        let number = number_of(envelope.message());
        if let Job::Echo(_) = envelope.message() {
            return context.reply(Job::Answer(number + 1)).await.map_err(|error| error.to_string());
        }
        let asked = context.request(&self.to, Job::Echo(number)).await;
        let ended = asked.map_err(|error| (error.kind().clone(), error.ran(), error.into_inner()));
        self.ended.send(ended).map_err(|error| error.to_string())
    }
}

fn asker(to: &ActorAddress) -> (Asker, UnboundedReceiver<Ended>) {
    let (ended, ends) = mpsc::unbounded_channel();
    (Asker { to: to.clone(), ended }, ends)
}

fn would_deadlock(asker: &ActorAddress, number: u64) -> Option<Ended> {
    let kind = RequestErrorKind::WouldDeadlock { cycle: vec![asker.clone()] };
    Some(Err((kind, Ran::Never, Some(Job::Echo(number)))))
}

#[tokio::test(start_paused = true)]
async fn asking_oneself_is_refused_at_once_with_the_message_inside() {
    let service = ActorAddress::service("desks").unwrap();
    for address in [named("desk"), pool("desks"), service] {
        let broker = Broker::new();
        let (asker, mut ends) = asker(&address);
        let actor = broker.spawn(&address, asker).await.unwrap();
        let start = tokio::time::Instant::now();
        broker.send(&address, Job::Note(4)).await.unwrap();
        assert_eq!(ends.recv().await, would_deadlock(&address, 4), "{address}");
        assert!(start.elapsed().is_zero());
        assert_eq!(broker.metrics().requests_in_flight, 0);
        actor.drain().await;
        assert_eq!(broker.metrics().total.accepted, 1);
        assert_balanced(&broker.metrics().total);
    }
}

#[tokio::test(start_paused = true)]
async fn asking_oneself_by_id_is_refused_too() {
    let (broker, id) = (Broker::new(), switchboard::address::ActorId::next());
    let (asker, mut ends) = asker(&ActorAddress::from(id));
    broker.spawn(&ActorAddress::from(id), asker).await.unwrap();
    broker.send(&id.into(), Job::Note(4)).await.unwrap();
    assert_eq!(ends.recv().await, would_deadlock(&id.into(), 4));
}

#[tokio::test(start_paused = true)]
async fn in_a_group_with_another_member_that_one_answers() {
    for group in [pool("desks"), ActorAddress::service("desks").unwrap()] {
        let broker = common::in_turns();
        let (asker, mut ends) = asker(&group);
        let asking = broker.spawn(&group, asker).await.unwrap();
        let other = Worker::new().spawn(&broker, &group, 8).await;
        let id = ActorAddress::from(asking.id());
        // Whoever's turn it is.
        for number in 0..6 {
            broker.send(&id, Job::Note(number)).await.unwrap();
            assert_eq!(ends.recv().await, Some(Ok(Job::Answer(number))));
        }
        other.stop();
        other.join().await;
        broker.send(&id, Job::Note(6)).await.unwrap();
        assert_eq!(ends.recv().await, would_deadlock(&group, 6));
    }
}

#[tokio::test(start_paused = true)]
async fn in_a_group_whose_other_member_is_full_it_waits_for_that_one() {
    let (broker, group) = (Broker::new(), pool("desks"));
    let (asker, mut ends) = asker(&group);
    let asking = broker.spawn(&group, asker).await.unwrap();
    let mut other = inbox(&broker, &group, 1).await;
    broker.send(&ActorAddress::from(other.id()), Job::Note(0)).await.unwrap();
    broker.send(&ActorAddress::from(asking.id()), Job::Note(5)).await.unwrap();
    common::settle().await;
    assert_eq!(broker.metrics().blocked_senders, 1);
    assert!(ends.try_recv().is_err());
    other.recv().await.unwrap();
    other.recv().await.unwrap().reply(Job::Answer(7)).await.unwrap();
    assert_eq!(ends.recv().await, Some(Ok(Job::Answer(7))));
}

#[tokio::test(start_paused = true)]
async fn another_actor_of_the_same_kind_may_be_asked() {
    let (broker, left, right) = (Broker::new(), named("left"), named("right"));
    let (asker_of_right, mut ends) = asker(&right);
    broker.spawn(&left, asker_of_right).await.unwrap();
    broker.spawn(&right, asker(&left).0).await.unwrap();
    broker.send(&left, Job::Note(1)).await.unwrap();
    assert_eq!(ends.recv().await, Some(Ok(Job::Answer(2))));
}

/// Hands its messages to the test, envelope and all.
struct Mover(UnboundedSender<MessageEnvelope<Job>>);

impl MessageHandler<Job> for Mover {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        _: &Context<Job, B>,
    ) -> Result<(), String> {
        self.0.send(envelope).map_err(|error| error.to_string())
    }
}

/// Sends itself on for each note, and answers whatever asks.
struct Originator(ActorAddress);

impl MessageHandler<Job> for Originator {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        if context.is_asked() {
            return context.reply(Job::Answer(1)).await.map_err(|error| error.to_string());
        }
        context.send(&self.0, envelope.into_message()).await.map_err(|error| error.to_string())
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_else_may_ask_an_actor_with_the_envelope_that_it_sent() {
    let (broker, origin, mover) = (Broker::new(), named("origin"), named("mover"));
    let (moved, mut moves) = mpsc::unbounded_channel();
    broker.spawn(&origin, Originator(mover.clone())).await.unwrap();
    broker.spawn(&mover, Mover(moved)).await.unwrap();
    broker.send(&origin, Job::Note(1)).await.unwrap();
    let envelope = moves.recv().await.unwrap();
    let reply = broker.request(&origin, envelope).await;
    assert_eq!(reply.unwrap(), Job::Answer(1));
}

#[tokio::test(start_paused = true)]
async fn somebody_else_may_ask_an_actor_with_a_dead_letter_that_it_sent() {
    let (broker, origin, gone) = (Broker::new(), named("origin"), named("gone"));
    let mailbox = inbox(&broker, &gone, 8).await;
    broker.spawn(&origin, Originator(gone)).await.unwrap();
    broker.send(&origin, Job::Note(1)).await.unwrap();
    common::settle().await;
    drop(mailbox);
    let letter = common::take_letters(&broker).pop().unwrap();
    let reply = broker.request(&origin, letter.envelope).await;
    assert_eq!(reply.unwrap(), Job::Answer(1));
}

/// Forwards what nobody asked, hands the message that it could not forward to the test, and answers whatever asks.
struct InVain(UnboundedSender<MessageEnvelope<Job>>);

impl MessageHandler<Job> for InVain {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        if context.is_asked() {
            return context.reply(Job::Answer(1)).await.map_err(|error| error.to_string());
        }
        match context.forward(context.address(), envelope.into_message()).await {
            Ok(()) => Err("nobody asked".into()),
            Err(error) => self.0.send(error.into_envelope()).map_err(|error| error.to_string()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_else_may_ask_an_actor_with_what_it_could_not_forward() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let (moved, mut moves) = mpsc::unbounded_channel();
    broker.spawn(&desk, InVain(moved)).await.unwrap();
    broker.send(&desk, Job::Note(1)).await.unwrap();
    let envelope = moves.recv().await.unwrap();
    let reply = broker.request(&desk, envelope).await;
    assert_eq!(reply.unwrap(), Job::Answer(1));
}
