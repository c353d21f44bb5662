//! The order of each routing key survives that members join, leave, drain and end.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use common::{Gate, named, poll_once, pool, settle, soon};
use switchboard::actor::{ActorHandle, Delivery, Inbox, SpawnOptions};
use switchboard::address::ActorAddress;
use switchboard::balancing::Strategy;
use switchboard::broker::{
    Context, InMemoryMessageBroker, MessageBroker, MessageHandler, RequestErrorKind, SendErrorKind,
};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::{Message, MessageEnvelope};
use switchboard::retry::{Backoff, RetryPolicy};
use switchboard::services::MemberOptions;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

/// A step of an order, by the number of the order and that of the step.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    order: String,
    number: u64,
}

impl Message for Step {
    const MESSAGE_TYPE: &'static str = "tests.step";

    fn routing_key(&self) -> Option<&str> {
        Some(&self.order)
    }
}

type Steps = InMemoryMessageBroker<Step>;
type Desk = Inbox<Step, Steps>;

const SECOND: Duration = Duration::from_secs(1);

fn step(order: &str, number: u64) -> Step {
    Step { order: order.to_owned(), number }
}

fn by_key() -> Steps {
    Steps::builder().default_strategy(Strategy::ConsistentHash).build().unwrap()
}

async fn join(broker: &Steps, group: &ActorAddress, capacity: usize) -> Desk {
    broker.register(group, MailboxOptions::bounded(capacity)).await.unwrap()
}

/// The order, of those that the first has a step of, that is the newcomer's by now.
fn moved_order(broker: &Steps, group: &ActorAddress, newcomer: &Desk) -> String {
    let moved = |order: &String| broker.registry().pick(group, &step(order, 0).into()) == Some(newcomer.id());
    orders().find(moved).expect("of so many orders, a newcomer gets some")
}

fn orders() -> impl Iterator<Item = String> {
    (0..100).map(|number| format!("order-{number}"))
}

/// A member with the first step of each order before it, another that has joined since, and an order that is now the
/// other's.
async fn moved(broker: &Steps, group: &ActorAddress) -> (Desk, Desk, String) {
    let first = join(broker, group, 1_000).await;
    for order in orders() {
        broker.try_send(group, step(&order, 1)).unwrap();
    }
    let newcomer = join(broker, group, 1_000).await;
    let order = moved_order(broker, group, &newcomer);
    (first, newcomer, order)
}

/// Takes what waits, as far as the first step of that order.
async fn work_up_to(desk: &mut Desk, order: &str) -> Delivery<Step, Steps> {
    loop {
        let delivery = soon(desk.recv()).await.unwrap();
        if delivery.message().order == order {
            return delivery;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_keeps_a_key_until_it_has_no_more_of_it_and_then_the_newcomer_has_it() {
    let (broker, group) = (by_key(), pool("desks"));
    let (mut first, newcomer, order) = moved(&broker, &group).await;
    broker.try_send(&group, step(&order, 2)).unwrap();
    assert_eq!((first.depth(), newcomer.depth()), (101, 0));
    drop(work_up_to(&mut first, &order).await);
    let second = work_up_to(&mut first, &order).await;
    // In hand counts too.
    broker.try_send(&group, step(&order, 3)).unwrap();
    assert_eq!((first.depth(), newcomer.depth()), (1, 0));
    drop(second);
    drop(work_up_to(&mut first, &order).await);
    broker.try_send(&group, step(&order, 4)).unwrap();
    assert_eq!((first.depth(), newcomer.depth()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_was_never_begun_elsewhere_is_the_newcomers_at_once() {
    let (broker, group) = (by_key(), pool("desks"));
    let (first, newcomer, _) = moved(&broker, &group).await;
    let fresh = (100..200).map(|number| format!("order-{number}"));
    fresh.for_each(|order| broker.try_send(&group, step(&order, 1)).unwrap());
    assert!(newcomer.depth() > 0);
    assert_eq!(first.depth() + newcomer.depth(), 200);
}

#[tokio::test(start_paused = true)]
async fn who_sends_by_the_key_of_a_member_that_has_left_waits_until_it_is_done() {
    let (broker, group) = (by_key(), pool("desks"));
    let mut leaving = join(&broker, &group, 8).await;
    broker.send(&group, step("a", 1)).await.unwrap();
    broker.send(&group, step("b", 1)).await.unwrap();
    let mut other = join(&broker, &group, 8).await;
    leaving.close();
    assert_eq!(broker.try_send(&group, step("a", 2)).unwrap_err().kind(), SendErrorKind::Full);
    let mut waits = pin!(broker.send(&group, step("a", 2)));
    assert!(poll_once(waits.as_mut()).is_pending());
    // Nobody waits for the key of another.
    broker.try_send(&group, step("c", 1)).unwrap();
    assert_eq!(soon(other.recv()).await.unwrap().into_message(), step("c", 1));
    let first = soon(leaving.recv()).await.unwrap();
    assert!(poll_once(waits.as_mut()).is_pending(), "it is in hand");
    drop(first);
    soon(waits).await.unwrap();
    assert_eq!(soon(other.recv()).await.unwrap().into_message(), step("a", 2));
    assert_eq!(soon(leaving.recv()).await.unwrap().into_message(), step("b", 1));
    broker.try_send(&group, step("b", 2)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_key_ends_with_the_patience_of_the_mailbox_or_the_message() {
    let (broker, group) = (by_key(), pool("desks"));
    let options = MailboxOptions::bounded(8).block_limit(5 * SECOND);
    let mut leaving = broker.register(&group, options).await.unwrap();
    broker.send(&group, step("a", 1)).await.unwrap();
    let _other = join(&broker, &group, 8).await;
    leaving.close();
    let start = Instant::now();
    let error = broker.send(&group, step("a", 2)).await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed()), (SendErrorKind::TimedOut, 5 * SECOND));
    let error = broker.send(&group, MessageEnvelope::new(step("a", 2)).within(SECOND)).await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed()), (SendErrorKind::TimedOut, 6 * SECOND));
    assert_eq!(error.into_inner(), step("a", 2));
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_key_ends_with_the_broker() {
    let (broker, group) = (by_key(), pool("desks"));
    let mut leaving = join(&broker, &group, 8).await;
    broker.send(&group, step("a", 1)).await.unwrap();
    let in_hand = soon(leaving.recv()).await.unwrap();
    let _other = join(&broker, &group, 8).await;
    leaving.close();
    let sending = tokio::spawn({
        let (broker, group) = (broker.clone(), group.clone());
        async move { broker.send(&group, step("a", 2)).await }
    });
    settle().await;
    broker.shutdown(Duration::ZERO).await;
    let error = soon(sending).await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.into_inner()), (SendErrorKind::ShutDown, step("a", 2)));
    drop(in_hand);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_waits_for_room_nobody_waits_for_a_key() {
    let (broker, group) = (by_key(), pool("desks"));
    let options = MailboxOptions::bounded(8).strategy(BackpressureStrategy::Error);
    let mut leaving = broker.register(&group, options).await.unwrap();
    broker.send(&group, step("a", 1)).await.unwrap();
    let _other = broker.register(&group, options).await.unwrap();
    leaving.close();
    assert_eq!(broker.send(&group, step("a", 2)).await.unwrap_err().kind(), SendErrorKind::Full);
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_the_line_of_a_member_that_leaves_goes_to_the_next_behind_what_it_has() {
    let (broker, group) = (by_key(), pool("desks"));
    let mut leaving = join(&broker, &group, 1).await;
    broker.send(&group, step("a", 1)).await.unwrap();
    let mut waits = pin!(broker.send(&group, step("a", 2)));
    assert!(poll_once(waits.as_mut()).is_pending());
    let mut other = join(&broker, &group, 1).await;
    leaving.close();
    assert!(poll_once(waits.as_mut()).is_pending());
    assert_eq!(soon(leaving.recv()).await.unwrap().into_message(), step("a", 1));
    soon(waits).await.unwrap();
    assert_eq!(soon(other.recv()).await.unwrap().into_message(), step("a", 2));
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_in_line_holds_no_key() {
    let (broker, group) = (by_key(), pool("desks"));
    let (mut first, mut waiter) = (join(&broker, &group, 1).await, None);
    for order in ["a", "b"] {
        let mut waits = Box::pin(broker.send(&group, step(order, 1)));
        if poll_once(waits.as_mut()).is_pending() {
            waiter = Some(waits);
        }
    }
    drop(waiter.expect("there is room for one"));
    let other = join(&broker, &group, 1).await;
    first.close();
    broker.try_send(&group, step("b", 2)).unwrap();
    assert_eq!(other.depth(), 1);
    assert_eq!(soon(first.recv()).await.unwrap().into_message(), step("a", 1));
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_ends_in_whatever_way_gives_its_keys_up() {
    let ways: [fn(Held); 4] = [
        |held| held.actor.stop(),
        |held| held.actor.abort(),
        |held| held.gate.let_all_go(),
        |held| drop(held.broker.unregister(&held.actor.registration())),
    ];
    for (number, end) in ways.into_iter().enumerate() {
        let (broker, group, gate) = (by_key(), pool("desks"), Gate::new());
        let actor = broker.spawn(&group, Keeper { gate: gate.clone(), asks: None }).await.unwrap();
        for number in 1..=3 {
            broker.send(&group, step("a", number)).await.unwrap();
        }
        gate.arrival().await;
        let mut other = join(&broker, &group, 8).await;
        let registration = actor.registration();
        end(Held { broker: broker.clone(), actor, gate: gate.clone() });
        broker.unregister(&registration).await;
        let mut sending = pin!(broker.send(&group, step("a", 4)));
        if number != 1 {
            assert!(poll_once(sending.as_mut()).is_pending(), "{number}: it is in its handler");
            gate.let_all_go();
        }
        soon(sending).await.unwrap();
        assert_eq!(soon(other.recv()).await.unwrap().into_message(), step("a", 4), "{number}");
        settle().await;
        assert!(broker.audit().is_balanced());
    }
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_leaves_and_lives_on_is_waited_for_as_one_that_ends() {
    let (broker, group) = (by_key(), pool("desks"));
    let mut leaving = join(&broker, &named("desk"), 8).await;
    let member = broker.join(&group, &leaving.registration(), MemberOptions::new()).await.unwrap();
    broker.send(&group, step("a", 1)).await.unwrap();
    broker.send(&group, step("b", 1)).await.unwrap();
    let other = join(&broker, &group, 8).await;
    member.leave();
    assert_eq!(broker.try_send(&group, step("a", 2)).unwrap_err().kind(), SendErrorKind::Full);
    // What does not come by the group has no key here.
    broker.try_send(&named("desk"), step("a", 9)).unwrap();
    drop(soon(leaving.recv()).await);
    broker.try_send(&group, step("a", 2)).unwrap();
    assert_eq!((leaving.depth(), other.depth()), (2, 1));
    drop(other);
    assert!(format!("{:?}", broker.registry()).contains("pools: 1"), "b is still with who has left");
    drop(leaving);
    assert!(format!("{:?}", broker.registry()).contains("pools: 0"));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_leaves_is_refused_its_own_key_instead_of_waiting_for_itself() {
    let (broker, group, gate) = (by_key(), pool("desks"), Gate::new());
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let leaving = broker.spawn(&group, Keeper { gate: gate.clone(), asks: Some((group.clone(), tell)) }).await.unwrap();
    broker.send(&group, step("a", 1)).await.unwrap();
    gate.arrival().await;
    let _other = join(&broker, &group, 8).await;
    broker.unregister(&leaving.registration()).await;
    gate.let_all_go();
    let full = Some(Some(RequestErrorKind::NotSent(SendErrorKind::Full)));
    assert_eq!((soon(told.recv()).await, soon(told.recv()).await), (full.clone(), full));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_asks_by_a_key_of_its_own_is_refused_instead_of_waiting_for_itself() {
    let (broker, group, gate) = (by_key(), pool("desks"), Gate::new());
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let _only = broker.spawn(&group, Keeper { gate: gate.clone(), asks: Some((group.clone(), tell)) }).await.unwrap();
    broker.send(&group, step("a", 1)).await.unwrap();
    gate.let_go(1);
    assert_eq!(soon(told.recv()).await, Some(None), "there is room for what it tells itself");
    let cycle = vec![group];
    assert_eq!(soon(told.recv()).await, Some(Some(RequestErrorKind::WouldDeadlock { cycle })));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_was_left_by_all_still_knows_who_is_not_done() {
    let (broker, group) = (by_key(), pool("desks"));
    let mut leaving = join(&broker, &group, 8).await;
    broker.send(&group, step("a", 1)).await.unwrap();
    leaving.close();
    assert_eq!(broker.send(&group, step("a", 2)).await.unwrap_err().kind(), SendErrorKind::NoMembers);
    let other = join(&broker, &group, 8).await;
    assert_eq!(broker.try_send(&group, step("a", 2)).unwrap_err().kind(), SendErrorKind::Full);
    drop(soon(leaving.recv()).await);
    broker.try_send(&group, step("a", 2)).unwrap();
    assert_eq!(other.depth(), 1);
    drop((leaving, other));
    assert!(format!("{:?}", broker.registry()).contains("pools: 0"));
}

#[tokio::test(start_paused = true)]
async fn what_is_evicted_or_expires_or_is_a_dead_letter_holds_no_key() {
    let (broker, group) = (by_key(), pool("desks"));
    let options = MailboxOptions::bounded(1).strategy(BackpressureStrategy::DropOldest);
    let mut leaving = broker.register(&group, options).await.unwrap();
    broker.send(&group, step("a", 1)).await.unwrap();
    broker.send(&group, MessageEnvelope::new(step("b", 1)).within(SECOND)).await.unwrap();
    let _other = join(&broker, &group, 8).await;
    leaving.close();
    broker.try_send(&group, step("a", 2)).unwrap();
    assert_eq!(broker.try_send(&group, step("b", 2)).unwrap_err().kind(), SendErrorKind::Full);
    tokio::time::advance(2 * SECOND).await;
    assert!(soon(leaving.recv()).await.is_none(), "it is too late for that");
    broker.try_send(&group, step("b", 2)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_handled_again_in_order_keeps_its_key_and_what_is_set_aside_does_not() {
    for in_order in [true, false] {
        let (broker, group) = (by_key(), pool("desks"));
        let options = if in_order { SpawnOptions::new().in_order() } else { SpawnOptions::new() };
        let fails = |_: MessageEnvelope<Step>| async { Err::<(), _>("not yet") };
        let leaving = broker.spawn_with(&group, options, switchboard::actor::once(fails)).await.unwrap();
        let policy = RetryPolicy::attempts(2).backoff(Backoff::fixed(SECOND));
        broker.send(&group, MessageEnvelope::new(step("a", 1)).at_least_once().with_retry(policy)).await.unwrap();
        settle().await;
        let _other = join(&broker, &group, 8).await;
        broker.unregister(&leaving.registration()).await;
        let refused = broker.try_send(&group, step("a", 2)).map_err(|error| error.kind());
        assert_eq!(refused, if in_order { Err(SendErrorKind::Full) } else { Ok(()) });
        tokio::time::sleep(2 * SECOND).await;
        broker.try_send(&group, step("a", 3)).unwrap();
    }
}

/// An actor that holds a message.
struct Held {
    broker: Steps,
    actor: ActorHandle<Step>,
    gate: Gate,
}

/// Holds each message until the gate lets it go, and may then send the next step to a group.
struct Keeper {
    gate: Gate,
    asks: Option<(ActorAddress, UnboundedSender<Option<RequestErrorKind>>)>,
}

impl MessageHandler<Step> for Keeper {
    type Error = Infallible;

    async fn handle<B: MessageBroker<Step>>(
        &mut self,
        envelope: MessageEnvelope<Step>,
        context: &Context<Step, B>,
    ) -> Result<(), Infallible> {
        self.gate.hold().await;
        if let Some((group, tell)) = &self.asks {
            let next = Step { number: 2, ..envelope.into_message() };
            let refused = context.send(group, next.clone()).await.err().map(|error| error.kind());
            tell.send(refused.map(RequestErrorKind::NotSent)).unwrap();
            let unasked = context.request(group, next).await.err().map(|error| error.kind().clone());
            tell.send(unasked).unwrap();
        }
        Ok(())
    }
}
