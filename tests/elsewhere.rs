//! A broker that is built on the one in memory shows members that it has elsewhere, and sees those that are here.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::pin;
use std::task::Poll;

use common::{Broker, Job, Worker, poll_once, pool, settle};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::balancing::Strategy;
use switchboard::broker::{MessageBroker, SendErrorKind};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::MessageEnvelope;
use switchboard::services::{Provider, ServiceChange};

fn provider(actor: ActorId) -> Provider {
    serde_json::from_str(&format!(r#"{{"actor":"{actor}","version":null,"tags":[],"weight":1}}"#)).unwrap()
}

fn search() -> ActorAddress {
    ActorAddress::service("search").unwrap()
}

#[tokio::test]
async fn members_elsewhere_are_shown_after_those_here_and_get_nothing() {
    let broker = Broker::new();
    let there = provider(ActorId::next());
    broker.show_elsewhere(&search(), vec![there.clone()]);
    assert_eq!(broker.services().await, ["search".parse().unwrap()]);
    assert_eq!(broker.providers(&search()).await, std::slice::from_ref(&there));
    assert_eq!(broker.send(&search(), Job::Note(1)).await.unwrap_err().kind(), SendErrorKind::NoMembers);
    let here = broker.register(&search(), MailboxOptions::bounded(8)).await.unwrap();
    let shown: Vec<_> = broker.providers(&search()).await.iter().map(Provider::actor).collect();
    assert_eq!(shown, [here.id(), there.actor()]);
    assert_eq!(broker.services().await.len(), 1, "a service is named once");
    broker.send(&search(), Job::Note(1)).await.unwrap();
    assert_eq!(broker.members(&search()).await, [here.id()]);
    broker.show_elsewhere(&search(), Vec::new());
    drop(here);
    assert!(broker.services().await.is_empty() && broker.providers(&search()).await.is_empty());
}

#[tokio::test]
async fn whoever_follows_hears_of_members_elsewhere_as_of_those_here() {
    let broker = Broker::new();
    let (one, other) = (provider(ActorId::next()), provider(ActorId::next()));
    broker.show_elsewhere(&search(), vec![one.clone()]);
    let mut changes = broker.follow_service(&search(), 8);
    assert_eq!(changes.try_next(), Some(ServiceChange::Present { providers: vec![one.clone()], missed: 0 }));
    broker.show_elsewhere(&search(), vec![one.clone()]);
    assert_eq!(changes.try_next(), None, "the same again is no news");
    let mut next = Box::pin(changes.next());
    assert!(poll_once(next.as_mut()).is_pending());
    broker.show_elsewhere(&search(), vec![other.clone()]);
    assert_eq!(poll_once(next.as_mut()), Poll::Ready(Some(ServiceChange::Left(one))));
    drop(next);
    assert_eq!(changes.try_next(), Some(ServiceChange::Joined(other.clone())));
    let here = broker.register(&search(), MailboxOptions::bounded(8)).await.unwrap();
    assert!(matches!(changes.try_next(), Some(ServiceChange::Joined(provider)) if provider.actor() == here.id()));
    let ServiceChange::Present { providers, .. } = changes.refresh() else { panic!("all are present") };
    assert_eq!(providers.len(), 2);
    assert!(providers.contains(&other));
}

#[tokio::test]
async fn the_outlook_is_what_a_sender_would_find() {
    let broker = Broker::new();
    let full = MailboxOptions::bounded(1);
    let blocks = broker.register(&pool("p"), full).await.unwrap();
    let _evicts = broker.register(&pool("p"), full.strategy(BackpressureStrategy::DropOldest)).await.unwrap();
    let outlook = || broker.registry().outlook(&pool("p"));
    assert!(outlook().iter().all(|member| (member.load, member.is_full, member.is_aside) == (0, false, false)));
    for member in outlook() {
        broker.send(&member.provider.address(), Job::Note(1)).await.unwrap();
    }
    let seen: Vec<_> = outlook().iter().map(|member| (member.load, member.is_full)).collect();
    assert_eq!(seen, [(1, true), (1, false)], "one that evicts has always room");
    assert_eq!(broker.registry().all_providers()[0].1.len(), 2);
    drop(blocks);
    assert_eq!(outlook().len(), 1);
    assert!(broker.registry().outlook(&search()).is_empty());
    assert!(broker.registry().outlook(&ActorId::next().into()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_keeps_failing_is_aside() {
    let broker = Broker::new();
    let worker = Worker::new();
    let actor = worker.spawn(&broker, &pool("p"), 64).await;
    for _ in 0..20 {
        broker.send(&pool("p"), Job::Fail("again")).await.unwrap();
        settle().await;
    }
    let outlook = broker.registry().outlook(&pool("p"));
    assert!(outlook[0].is_aside && outlook[0].provider.actor() == actor.id());
}

#[tokio::test]
async fn changes_of_members_here_are_counted_and_waited_for() {
    let broker = Broker::new();
    let mut waiting = Box::pin(broker.members_changed(0));
    assert!(poll_once(waiting.as_mut()).is_pending());
    broker.show_elsewhere(&search(), vec![provider(ActorId::next())]);
    let named = broker.register(&"named:desk".parse().unwrap(), MailboxOptions::bounded(8)).await.unwrap();
    assert!(poll_once(waiting.as_mut()).is_pending(), "neither is a member here");
    let member = broker.register(&search(), MailboxOptions::bounded(8)).await.unwrap();
    let Poll::Ready(joined) = poll_once(waiting.as_mut()) else { panic!("one has joined") };
    assert!(poll_once(pin!(broker.members_changed(joined))).is_pending());
    drop((member, named));
    assert!(poll_once(pin!(broker.members_changed(joined))).is_ready());
}

#[tokio::test]
async fn the_strategy_for_a_message_is_its_own_or_the_groups_or_the_brokers() {
    let broker = Broker::new();
    let note = || MessageEnvelope::new(Job::Note(1));
    let strategy = |envelope| broker.registry().strategy_for(&pool("p"), &envelope);
    assert_eq!(strategy(note()), Some(Strategy::default()));
    broker.set_strategy(&pool("p"), Strategy::Weighted).unwrap();
    assert_eq!(strategy(note()), Some(Strategy::Weighted));
    assert_eq!(strategy(note().balanced_by(Strategy::Random)), Some(Strategy::Random));
    assert_eq!(strategy(note().to_all()), None);
    broker.set_broadcast(&pool("p")).unwrap();
    assert_eq!(strategy(note()), None);
}
