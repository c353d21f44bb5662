//! A broker that is built on the one in memory chooses who gets what is published, and learns when a subscription has ended.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use common::{Broker, Job, named};
use switchboard::address::Name;
use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
use switchboard::mailbox::MailboxOptions;
use switchboard::message::MessageEnvelope;
use switchboard::topics::{Audience, Interest, Published, Subscription};
use switchboard::{pattern, subject};
use tokio::sync::mpsc::unbounded_channel;

type Subscribed = Subscription<Job, InMemoryMessageBroker<Job>>;

fn in_group(group: &str) -> Interest {
    pattern!("a.*").in_group(Name::new(group).unwrap())
}

async fn subscribe(broker: &Broker, interest: impl Into<Interest> + Send) -> Subscribed {
    broker.subscribe(interest, MailboxOptions::bounded(8)).await.unwrap()
}

fn publish(broker: &Broker, audience: Audience<'_>) -> Published<Job> {
    broker.publish_to(audience, Job::Note(1), |envelope| Some(envelope.clone()))
}

fn got(subscribed: &mut Subscribed) -> usize {
    std::iter::from_fn(|| subscribed.try_recv()).count()
}

#[tokio::test]
async fn each_audience_is_those_who_are_meant_and_nobody_else() {
    let broker = Broker::new();
    let (mut exact, mut wide) = (subscribe(&broker, pattern!("a.*")).await, subscribe(&broker, pattern!("a.>")).await);
    let mut red = [subscribe(&broker, in_group("red")).await, subscribe(&broker, in_group("red")).await];
    let mut blue = subscribe(&broker, in_group("blue")).await;
    let mut all = async |audience: Audience<'_>| {
        let delivered = publish(&broker, audience).delivered;
        let got = [got(&mut exact), got(&mut wide), red.iter_mut().map(got).sum(), got(&mut blue)];
        assert_eq!(got.iter().sum::<usize>(), delivered);
        got
    };
    assert_eq!(all(Audience::All(&subject!("a.b"))).await, [1, 1, 1, 1]);
    assert_eq!(all(Audience::Alone(&subject!("a.b"))).await, [1, 1, 0, 0]);
    assert_eq!(all(Audience::With(&pattern!("a.*").into())).await, [1, 0, 0, 0]);
    assert_eq!(all(Audience::With(&pattern!("a.>").into())).await, [0, 1, 0, 0]);
    assert_eq!(all(Audience::With(&in_group("red"))).await, [0, 0, 1, 0]);
    assert_eq!(all(Audience::With(&in_group("blue"))).await, [0, 0, 0, 1]);
    assert_eq!(all(Audience::With(&in_group("nobody"))).await, [0; 4], "a group that nobody is in is not all");
    assert_eq!(all(Audience::With(&pattern!("a.b").into())).await, [0; 4], "it matches, and is another interest");
}

#[tokio::test]
async fn what_can_not_be_copied_goes_to_as_many_as_there_are_copies() {
    let broker = Broker::new();
    let mut subscriptions = [subscribe(&broker, pattern!("a")).await, subscribe(&broker, pattern!("a")).await];
    let interest = pattern!("a").into();
    let published = broker.publish_to(Audience::With(&interest), Job::Note(1), |_| None::<MessageEnvelope<Job>>);
    assert_eq!(published.delivered, 1);
    assert_eq!(subscriptions.iter_mut().map(got).sum::<usize>(), 1);
    let sent_on = publish(&broker, Audience::All(&subject!("nobody.here"))).and_sent_on();
    assert!(sent_on.sent_on && sent_on.returned.is_none());
}

#[tokio::test]
async fn the_end_of_a_subscription_is_told_once_whichever_way_it_comes() {
    let broker = Broker::new();
    let (told, mut ends) = unbounded_channel();
    let dropped = subscribe(&broker, pattern!("a.*")).await.telling_end(told.clone());
    let closed = subscribe(&broker, in_group("red")).await.telling_end(told.clone());
    let actor = broker.subscribe_actor(pattern!("b"), &named("desk")).await.unwrap().telling_end(told.clone());
    assert!(ends.try_recv().is_err());
    drop(dropped);
    assert_eq!(ends.try_recv().unwrap(), pattern!("a.*").into());
    drop(closed);
    assert_eq!(ends.try_recv().unwrap(), in_group("red"));
    drop(actor);
    assert_eq!(ends.try_recv().unwrap(), pattern!("b").into());
    assert!(ends.try_recv().is_err(), "each is told once");
}
