//! What is published on one node, and who gets it on others.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which fail where they panic")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use support::Server;
use switchboard::address::{ActorAddress, ActorId, Name};
use switchboard::broker::{MessageBroker, RegisterError};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::{Message, MessageEnvelope};
use switchboard::topics::{Interest, Subject, SubjectPattern, Subscription};
use switchboard::{pattern, subject};
use switchboard_nats::wire::{WireFormat, encode};
use switchboard_nats::{ConnectionState, NatsMessageBroker, NatsOptions};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct News(u32);

impl Message for News {
    const MESSAGE_TYPE: &'static str = "news";
}

type Broker = NatsMessageBroker<News>;

async fn node(server: &Server) -> Broker {
    let options = NatsOptions::new(server.url()).unwrap().lease(Duration::from_millis(900));
    NatsMessageBroker::with_options(options).await.unwrap()
}

/// Long enough for whatever must happen, however busy the machine is.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it happens soon")
}

fn room() -> MailboxOptions {
    MailboxOptions::bounded(1_024)
}

async fn next(subscription: &mut Subscription<News, Broker>) -> u32 {
    soon(subscription.recv()).await.expect("it is open").into_message().0
}

/// All that comes before a last message, which is published behind what is expected, from the same node.
async fn until(last: u32, subscription: &mut Subscription<News, Broker>) -> Vec<u32> {
    let mut got = Vec::new();
    loop {
        match next(subscription).await {
            number if number == last => return got,
            number => got.push(number),
        }
    }
}

const LAST: u32 = 9_999;

#[tokio::test]
async fn what_is_published_gets_to_subscriptions_of_all_nodes_in_order() {
    let server = Server::start();
    let (one, two, three) = (node(&server).await, node(&server).await, node(&server).await);
    let mut subscriptions = Vec::new();
    for broker in [&one, &two, &three, &three] {
        subscriptions.push(broker.subscribe(pattern!("orders.*.created"), room()).await.unwrap());
    }
    for number in 0..100 {
        let published = one.publish(&subject!("orders.eu.created"), News(number)).await;
        assert_eq!((published.delivered, published.refused, published.sent_on), (1, 0, true));
    }
    one.publish(&subject!("orders.eu.paid"), News(7)).await;
    one.publish(&subject!("orders.eu.created"), News(LAST)).await;
    for subscription in &mut subscriptions {
        assert_eq!(until(LAST, subscription).await, (0..100).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn each_subscription_gets_a_message_once_however_many_patterns_match_it() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let patterns = ["orders.eu.created", "orders.*.created", "orders.>", "*.eu.*", "orders.>"];
    let mut subscriptions = Vec::new();
    for text in patterns {
        for broker in [&one, &other] {
            subscriptions.push(broker.subscribe(SubjectPattern::new(text).unwrap(), room()).await.unwrap());
        }
    }
    assert_eq!(other.topic_counts().subscriptions, 4);
    for number in 0..50 {
        let published = one.publish(&subject!("orders.eu.created"), News(number)).await;
        assert_eq!(published.delivered, patterns.len());
    }
    one.publish(&subject!("orders.eu.created"), News(LAST)).await;
    for subscription in &mut subscriptions {
        assert_eq!(until(LAST, subscription).await, (0..50).collect::<Vec<_>>(), "{:?}", subscription.pattern());
    }
    assert_eq!(other.topic_counts().received, 51 * 4);
    assert_eq!(one.topic_counts().received, 0);
}

#[tokio::test]
async fn a_subscription_is_in_force_when_it_is_there_and_not_when_it_has_gone() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    for number in 0..30 {
        let mut first = other.subscribe(pattern!("a.>"), room()).await.unwrap();
        one.publish(&subject!("a.b"), News(number)).await;
        assert_eq!(next(&mut first).await, number);
        let second = other.subscribe(pattern!("a.>"), room()).await.unwrap();
        drop(first);
        let mut second = second;
        one.publish(&subject!("a.b"), News(number)).await;
        assert_eq!(next(&mut second).await, number);
        second.close();
    }
    soon(async {
        while other.topic_counts().subscriptions > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // One behind it shows that nothing came for those that have gone.
    let mut last = other.subscribe(pattern!("b"), room()).await.unwrap();
    let before = other.topic_counts();
    one.publish(&subject!("a.b"), News(1)).await;
    one.publish(&subject!("b"), News(2)).await;
    assert_eq!(next(&mut last).await, 2);
    assert_eq!(other.topic_counts().received, before.received + 1);
    assert_eq!(other.topic_counts().untaken, before.untaken);
}

#[tokio::test]
async fn a_subscription_that_is_given_up_while_it_is_made_leaves_nothing_at_the_server() {
    let server = Server::start();
    let one = node(&server).await;
    {
        let mut subscribing = std::pin::pin!(one.subscribe(pattern!("a"), room()));
        assert!(futures_util::FutureExt::now_or_never(subscribing.as_mut()).is_none());
    }
    soon(async {
        while one.topic_counts().subscriptions > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // It refuses before anything is at the server, or gives it back.
    let error = one.subscribe(pattern!("a"), MailboxOptions::bounded(0)).await.unwrap_err();
    assert!(!matches!(error, RegisterError::Unreachable(_)), "{error}");
    soon(async {
        while one.topic_counts().subscriptions > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn one_member_of_a_group_in_the_whole_cluster_gets_each_message() {
    let server = Server::start();
    let nodes = [node(&server).await, node(&server).await, node(&server).await];
    let group = |text: &str| -> Interest { SubjectPattern::new(text).unwrap().in_group(Name::new("billing").unwrap()) };
    let mut members = Vec::new();
    for (place, text) in ["orders.>", "orders.*", "orders.eu", "orders.>", "*.*"].into_iter().enumerate() {
        members.push(nodes[place % nodes.len()].subscribe(group(text), room()).await.unwrap());
    }
    let mut other =
        nodes[1].subscribe(pattern!("orders.>").in_group(Name::new("audit").unwrap()), room()).await.unwrap();
    let mut plain = nodes[1].subscribe(pattern!("orders.>"), room()).await.unwrap();
    for number in 0..300 {
        let published = nodes[number % 3].publish(&subject!("orders.eu"), News(number as u32)).await;
        assert_eq!(published.delivered, usize::from(number % 3 == 1));
    }
    let mut got = BTreeMap::new();
    let mut busy = 0;
    soon(async {
        while got.values().sum::<u32>() < 300 {
            for member in &mut members {
                while let Some(delivery) = member.try_recv() {
                    *got.entry(delivery.into_message().0).or_default() += 1;
                }
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Nobody got one twice: a round trip of every node later nothing more has come.
    for broker in &nodes {
        drop(broker.subscribe(pattern!("nothing"), room()).await.unwrap());
    }
    for member in &mut members {
        assert!(member.try_recv().is_none());
        busy += usize::from(member.lost() == 0);
    }
    assert_eq!(got, (0..300).map(|number| (number, 1)).collect());
    assert_eq!(busy, 5);
    for subscription in [&mut other, &mut plain] {
        let mut all = Vec::new();
        while all.len() < 300 {
            all.push(next(subscription).await);
        }
        all.sort_unstable();
        assert_eq!(all, (0..300).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_actor_that_is_subscribed_on_one_node_gets_what_another_publishes() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let desk = ActorAddress::Id(ActorId::next());
    let mut inbox = other.register(&desk, room()).await.unwrap();
    let subscribed = other.subscribe_actor(pattern!("a.*"), &desk).await.unwrap();
    one.publish(&subject!("a.b"), News(1)).await;
    assert_eq!(soon(inbox.recv()).await.unwrap().into_message(), News(1));
    drop(subscribed);
    soon(async {
        while other.topic_counts().subscriptions > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_subscription_without_room_loses_its_own_and_no_others() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let small = MailboxOptions::bounded(2).strategy(BackpressureStrategy::Error);
    let mut small = other.subscribe(pattern!("a"), small).await.unwrap();
    let mut large = other.subscribe(pattern!("a"), room()).await.unwrap();
    for number in 0..10 {
        one.publish(&subject!("a"), News(number)).await;
    }
    for number in 0..10 {
        assert_eq!(next(&mut large).await, number);
    }
    assert_eq!((small.depth(), small.lost()), (2, 8));
    assert_eq!((next(&mut small).await, next(&mut small).await), (0, 1));
}

#[tokio::test]
async fn without_the_server_only_this_node_gets_it_and_nobody_gets_it_later() {
    let mut server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let mut here = one.subscribe(pattern!("a"), room()).await.unwrap();
    let mut member = one.subscribe(pattern!("a").in_group(Name::new("g").unwrap()), room()).await.unwrap();
    let mut there = other.subscribe(pattern!("a"), room()).await.unwrap();
    let (mut connection, mut others) = (one.connection(), other.connection());
    server.kill();
    assert_eq!(soon(connection.changed()).await, ConnectionState::Disconnected);
    let published = one.publish(&subject!("a"), News(1)).await;
    assert_eq!((published.delivered, published.sent_on), (2, false));
    assert_eq!((next(&mut here).await, next(&mut member).await), (1, 1));
    let unheard = one.publish(&subject!("b"), News(2)).await;
    assert_eq!(unheard.returned.map(MessageEnvelope::into_message), Some(News(2)));
    assert_eq!((one.topic_counts().unsent, one.topic_counts().sent), (2, 0));
    assert!(matches!(one.subscribe(pattern!("c"), room()).await.unwrap_err(), RegisterError::Unreachable(_)));
    server.restart();
    for connection in [&mut connection, &mut others] {
        soon(async { while connection.changed().await != ConnectionState::Connected {} }).await;
    }
    // The client subscribes again by itself: until it has, nobody is there.
    let mut number = 10;
    let first = soon(async {
        loop {
            one.publish(&subject!("a"), News(number)).await;
            number += 1;
            if let Ok(Some(delivery)) = tokio::time::timeout(Duration::from_millis(50), there.recv()).await {
                return delivery.into_message().0;
            }
        }
    })
    .await;
    assert!(first >= 10);
}

#[tokio::test]
async fn what_can_t_go_over_the_wire_stays_here_and_is_counted() {
    let server = Server::start();
    let options = NatsOptions::new(server.url()).unwrap().max_message_bytes(8);
    let one = Broker::with_options(options).await.unwrap();
    let mut here = one.subscribe(pattern!("a"), room()).await.unwrap();
    assert!(!one.publish(&subject!("a"), News(1)).await.sent_on);
    assert_eq!((next(&mut here).await, one.topic_counts().unsent), (1, 1));
}

#[tokio::test]
async fn other_programs_publish_plain_envelopes_and_get_them() {
    let server = Server::start();
    let one = node(&server).await;
    let mut here = one.subscribe(pattern!("a.*"), room()).await.unwrap();
    let mut group = one.subscribe(pattern!("a.*").in_group(Name::new("g").unwrap()), room()).await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let mut heard = client.subscribe("switchboard.topic.>").await.unwrap();
    client.flush().await.unwrap();
    for format in [WireFormat::Json, WireFormat::Compact] {
        let bytes = encode(&MessageEnvelope::new(News(5)), format, "another").unwrap();
        client.publish("switchboard.topic.a.b", bytes).await.unwrap();
        assert_eq!((next(&mut here).await, next(&mut group).await), (5, 5));
        soon(futures_util::StreamExt::next(&mut heard)).await.unwrap();
    }
    client.publish("switchboard.topic.a.b", "no envelope".into()).await.unwrap();
    soon(futures_util::StreamExt::next(&mut heard)).await.unwrap();
    one.publish(&Subject::new("a.c").unwrap(), News(6)).await;
    assert_eq!(next(&mut here).await, 6);
    let read = soon(futures_util::StreamExt::next(&mut heard)).await.unwrap();
    assert_eq!(switchboard_nats::wire::decode::<News>(&read.payload).unwrap().into_message(), News(6));
    assert_eq!(next(&mut group).await, 6);
    assert_eq!(one.topic_counts().unreadable, 2);
}
