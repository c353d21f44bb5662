//! Services and pools pick a member for each message as their strategy says, and never one that has stopped.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::pin;

use common::{Worker, poll_once, pool, settle};
use switchboard::actor::{ActorHandle, Inbox, SpawnOptions, once};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::balancing::Strategy;
use switchboard::broker::{InMemoryMessageBroker, MessageBroker, SendErrorKind};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::{Message, MessageEnvelope};

/// A message that belongs to somebody, or to nobody if that is empty.
#[derive(Debug, Clone, PartialEq)]
struct Order(String);

impl Message for Order {
    const MESSAGE_TYPE: &'static str = "tests.order";

    fn routing_key(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(&self.0)
    }
}

type Orders = InMemoryMessageBroker<Order>;
type Desk = Inbox<Order, Orders>;

const KEYLESS: Order = Order(String::new());

fn order(customer: usize) -> Order {
    Order(format!("customer-{customer}"))
}

fn groups() -> [ActorAddress; 2] {
    [pool("desks"), ActorAddress::service("desks").unwrap()]
}

async fn join(broker: &Orders, group: &ActorAddress, capacity: usize) -> Desk {
    broker.register(group, MailboxOptions::bounded(capacity)).await.unwrap()
}

/// So many members with room for all.
async fn desks(broker: &Orders, group: &ActorAddress, members: usize) -> Vec<Desk> {
    let mut desks = Vec::new();
    for _ in 0..members {
        desks.push(join(broker, group, 100_000).await);
    }
    desks
}

fn depths(desks: &[Desk]) -> Vec<usize> {
    desks.iter().map(Inbox::depth).collect()
}

fn spread(desks: &[Desk]) -> usize {
    depths(desks).iter().max().unwrap() - depths(desks).iter().min().unwrap()
}

fn send(broker: &Orders, group: &ActorAddress, messages: usize) {
    (0..messages).for_each(|_| broker.try_send(group, KEYLESS).unwrap());
}

/// Who gets the orders of each customer.
fn keepers(broker: &Orders, group: &ActorAddress) -> HashMap<usize, ActorId> {
    let keeper = |customer| broker.registry().pick(group, &order(customer).into()).unwrap();
    (0..2_000).map(|customer| (customer, keeper(customer))).collect()
}

#[tokio::test(start_paused = true)]
async fn by_default_the_less_loaded_of_two_gets_it() {
    for group in groups() {
        let broker = Orders::new();
        let desks = desks(&broker, &group, 10).await;
        send(&broker, &group, 10_000);
        // One random choice would leave them about 150 apart.
        assert!(spread(&desks) <= 10, "{:?}", depths(&desks));
        broker.try_send(&desks[3].id().into(), KEYLESS).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn under_power_of_two_a_slow_member_gets_no_more_than_it_can_do() {
    let (broker, group, slow, quick) = (common::Broker::new(), pool("desks"), Worker::new(), Worker::new());
    let _held = slow.spawn_held(&broker, &group, 64).await;
    for _ in 0..3 {
        quick.spawn(&broker, &group, 64).await;
    }
    for number in 0..1_000 {
        broker.send(&group, common::Job::Note(number)).await.unwrap();
        settle().await;
    }
    // Held with one message before it, it loses to whoever has none.
    assert_eq!(quick.log.numbers().len(), 1_000);
    slow.gate.let_all_go();
}

#[tokio::test(start_paused = true)]
async fn the_least_loaded_of_all_gets_it() {
    let (broker, group) = (Orders::new(), pool("desks"));
    broker.set_strategy(&group, Strategy::LeastLoaded).unwrap();
    let desks = desks(&broker, &group, 5).await;
    let first = ActorAddress::from(desks[0].id());
    send(&broker, &first, 10);
    send(&broker, &group, 40);
    assert_eq!(depths(&desks), [10; 5]);
}

#[tokio::test(start_paused = true)]
async fn chance_gives_each_member_about_the_same_and_looks_at_nobody() {
    let (broker, group) = (Orders::new(), pool("desks"));
    broker.set_strategy(&group, Strategy::Random).unwrap();
    let desks = desks(&broker, &group, 4).await;
    send(&broker, &ActorAddress::from(desks[0].id()), 50_000);
    send(&broker, &group, 10_000);
    // Seven standard deviations.
    for share in [desks[0].depth() - 50_000, desks[1].depth(), desks[2].depth(), desks[3].depth()] {
        assert!(share.abs_diff(2_500) < 303, "{:?}", depths(&desks));
    }
}

#[tokio::test(start_paused = true)]
async fn members_get_messages_in_proportion_to_their_weights() {
    let (broker, group) = (Orders::new(), pool("desks"));
    broker.set_strategy(&group, Strategy::Weighted).unwrap();
    let mailbox = MailboxOptions::bounded(100_000);
    let mut actors: Vec<ActorHandle<Order>> = Vec::new();
    for weight in [3, 0, 6] {
        let busy = |_: MessageEnvelope<Order>| std::future::pending::<Result<(), Infallible>>();
        let options = SpawnOptions::new().mailbox(mailbox).weight(weight);
        assert_eq!(options.share(), weight);
        actors.push(broker.spawn_with(&group, options, once(busy)).await.unwrap());
    }
    let inbox = join(&broker, &group, 100_000).await;
    send(&broker, &group, 10_000);
    let shares = [actors[0].depth(), actors[1].depth(), actors[2].depth(), inbox.depth()];
    assert_eq!(shares.iter().sum::<usize>(), 10_000);
    // Seven standard deviations; an inbox weighs 1.
    for (share, expected) in shares.iter().zip([3_000, 0, 6_000, 1_000]) {
        assert!(share.abs_diff(expected) <= if expected == 0 { 0 } else { 343 }, "{shares:?}");
    }
    drop(actors);
    broker.shutdown(std::time::Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_may_ask_for_a_strategy_of_its_own() {
    for group in groups() {
        let broker = Orders::builder().default_strategy(Strategy::RoundRobin).build().unwrap();
        let desks = desks(&broker, &group, 3).await;
        send(&broker, &ActorAddress::from(desks[0].id()), 9);
        send(&broker, &group, 3);
        assert_eq!(depths(&desks), [10, 1, 1]);
        let envelope = MessageEnvelope::new(KEYLESS).balanced_by(Strategy::LeastLoaded);
        assert_eq!(envelope.strategy(), Some(Strategy::LeastLoaded));
        for _ in 0..4 {
            broker.try_send(&group, envelope.clone()).unwrap();
        }
        assert_eq!(depths(&desks), [10, 3, 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_set_for_a_group_goes_before_the_default_and_outlives_its_members() {
    let broker = Orders::builder().default_strategy(Strategy::RoundRobin).build().unwrap();
    let [first, second] = groups();
    broker.set_strategy(&first, Strategy::ConsistentHash).unwrap();
    for _ in 0..2 {
        let ours = desks(&broker, &first, 3).await;
        (0..6).for_each(|_| broker.try_send(&first, order(1)).unwrap());
        assert_eq!(spread(&ours), 6);
        drop(ours);
    }
    let others = desks(&broker, &second, 3).await;
    (0..6).for_each(|_| broker.try_send(&second, order(1)).unwrap());
    assert_eq!(depths(&others), [2, 2, 2]);
    broker.set_strategy(&first, None).unwrap();
    let ours = desks(&broker, &first, 3).await;
    (0..6).for_each(|_| broker.try_send(&first, order(1)).unwrap());
    assert_eq!(depths(&ours), [2, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_key_stays_with_its_member_and_what_has_none_goes_where_there_is_less_to_do() {
    for group in groups() {
        let broker = Orders::builder().default_strategy(Strategy::ConsistentHash).build().unwrap();
        let desks = desks(&broker, &group, 4).await;
        let keepers = keepers(&broker, &group);
        for (&customer, &keeper) in &keepers {
            let keeper = desks.iter().find(|desk| desk.id() == keeper).unwrap();
            let before = keeper.depth();
            (0..3).for_each(|_| broker.try_send(&group, order(customer)).unwrap());
            assert_eq!(keeper.depth(), before + 3);
        }
        let spread_before = spread(&desks);
        send(&broker, &group, 20_000);
        assert!(spread(&desks) < spread_before.min(10), "{:?}", depths(&desks));
    }
}

#[tokio::test(start_paused = true)]
async fn no_keys_move_but_those_that_a_member_brings_or_takes_along() {
    let (broker, group) = (Orders::new(), pool("desks"));
    broker.set_strategy(&group, Strategy::ConsistentHash).unwrap();
    let mut desks = desks(&broker, &group, 9).await;
    let with_nine = keepers(&broker, &group);
    desks.push(join(&broker, &group, 8).await);
    let with_ten = keepers(&broker, &group);
    let moved: Vec<_> = with_ten.iter().filter(|(customer, keeper)| with_nine[customer] != **keeper).collect();
    assert!(moved.iter().all(|(_, keeper)| **keeper == desks[9].id()), "only to the one that joined");
    // A tenth, give or take the half of that.
    assert!((100..300).contains(&moved.len()), "{}", moved.len());
    drop(desks.pop());
    assert_eq!(keepers(&broker, &group), with_nine);
}

#[tokio::test(start_paused = true)]
async fn a_full_member_is_passed_over_unless_a_key_binds_the_message_to_it() {
    for &strategy in Strategy::ALL {
        let (broker, group) = (Orders::new(), pool("desks"));
        broker.set_strategy(&group, strategy).unwrap();
        let mailbox = MailboxOptions::bounded(2).strategy(BackpressureStrategy::Error);
        let mut desks = Vec::new();
        for _ in 0..8 {
            desks.push(broker.register(&group, mailbox).await.unwrap());
        }
        let accepted = (0..16).filter(|_| broker.try_send(&group, order(1)).is_ok()).count();
        let kept = if strategy.may_move_on() { 16 } else { 2 };
        assert_eq!(accepted, kept, "{strategy}: {:?}", depths(&desks));
        let refused = broker.send(&group, order(1)).await.unwrap_err();
        assert_eq!((refused.kind(), refused.into_inner()), (SendErrorKind::Full, order(1)));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_key_binds_waits_for_room_at_its_member_and_goes_to_another_when_that_stops() {
    let (broker, group) = (Orders::new(), pool("desks"));
    broker.set_strategy(&group, Strategy::ConsistentHash).unwrap();
    let mut desks = vec![join(&broker, &group, 1).await, join(&broker, &group, 1).await];
    broker.try_send(&group, order(1)).unwrap();
    let mut waiting = pin!(broker.send(&group, order(1)));
    assert!(poll_once(waiting.as_mut()).is_pending());
    let keeper = desks.iter().position(|desk| desk.depth() == 1).unwrap();
    drop(desks.remove(keeper));
    waiting.await.unwrap();
    assert_eq!(depths(&desks), [1]);
}

#[tokio::test(start_paused = true)]
async fn of_four_of_which_one_has_stopped_none_of_ten_thousand_asks_fails_under_any_strategy() {
    for &strategy in Strategy::ALL {
        let (broker, group, worker) = (common::Broker::new(), pool("desks"), Worker::new());
        broker.set_strategy(&group, strategy).unwrap();
        let mut actors = Vec::new();
        for _ in 0..4 {
            actors.push(worker.spawn(&broker, &group, 64).await);
        }
        for number in 0..10_000 {
            if number == 100 {
                actors.pop().unwrap().stop();
            }
            let answer = broker.request(&group, common::Job::Echo(number)).await;
            assert_eq!(answer.unwrap(), common::Job::Answer(number), "{strategy}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_members_that_a_message_would_be_offered_to_are_picked_in_that_order_each_once() {
    for group in groups() {
        let broker = Orders::builder().default_strategy(Strategy::RoundRobin).build().unwrap();
        assert!(broker.members(&group).await.is_empty());
        assert!(broker.pick(&group, &KEYLESS.into(), 2).await.is_empty());
        let mut desks = desks(&broker, &group, 4).await;
        drop(desks.remove(1));
        let ids: Vec<_> = desks.iter().map(Inbox::id).collect();
        assert_eq!(broker.members(&group).await, ids);
        let one = ActorAddress::from(ids[1]);
        assert_eq!(
            (broker.members(&one).await, broker.pick(&one, &KEYLESS.into(), 2).await),
            (vec![ids[1]], vec![ids[1]])
        );

        let firsts = [broker.pick(&group, &KEYLESS.into(), 2).await, broker.pick(&group, &KEYLESS.into(), 2).await];
        assert_ne!(firsts[0], firsts[1], "each takes a turn");
        for &strategy in Strategy::ALL {
            let envelope = MessageEnvelope::new(KEYLESS).balanced_by(strategy);
            let mut all = broker.pick(&group, &envelope, 9).await;
            all.sort_unstable();
            assert_eq!(all, ids, "{strategy}");
            assert_eq!(broker.pick(&group, &envelope, 2).await.len(), 2);
        }
        let bound = MessageEnvelope::new(order(1)).balanced_by(Strategy::ConsistentHash);
        assert_eq!(broker.pick(&group, &bound, 2).await, [broker.registry().pick(&group, &bound).unwrap()]);
    }
}
