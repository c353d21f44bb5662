//! What is published on a subject reaches those who have subscribed to it, each in a mailbox of its own.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod groups;

#[path = "../common/mod.rs"]
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{
    Broker, Job, Log, Worker, assert_at_rest, inbox, named, number_of, numbers_of, pool, settle, take_letters,
};
use switchboard::actor::{SpawnOptions, once};
use switchboard::address::Name;
use switchboard::broker::{Context, MessageHandler, RegisterError};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::metrics::Outcome;
use switchboard::topics::{Interest, Published, Subject, SubjectPattern, Subscription};
use switchboard::{
    BackpressureStrategy, InMemoryMessageBroker, MailboxOptions, Message, MessageBroker, MessageEnvelope, pattern,
    subject,
};

type Subscribed = Subscription<Job, Broker>;

#[tokio::test]
async fn a_message_reaches_the_subscriptions_whose_patterns_match() {
    let broker = Broker::new();
    let mut exact = subscribe(&broker, pattern!("orders.eu.created"), 8).await;
    let mut star = subscribe(&broker, pattern!("orders.*.created"), 8).await;
    let mut rest = subscribe(&broker, pattern!("orders.>"), 8).await;
    let on = [subject!("orders.eu.created"), subject!("orders.us.created"), subject!("orders.us"), subject!("orders")];
    let mut delivered = Vec::new();
    for (number, subject) in (1..).zip(on) {
        delivered.push(publish(&broker, &subject, number).await.delivered);
    }
    assert_eq!(delivered, [3, 2, 1, 0]);
    assert_eq!(received(&mut exact), [1]);
    assert_eq!(received(&mut star), [1, 2]);
    assert_eq!(received(&mut rest), [1, 2, 3]);
    assert_eq!(rest.pattern(), &pattern!("orders.>"));
}

#[tokio::test]
async fn a_message_that_nobody_takes_comes_back() {
    let broker = Broker::new();
    let _other = subscribe(&broker, pattern!("b"), 8).await;
    let published = publish(&broker, &subject!("a"), 7).await;
    assert_eq!((published.delivered, published.refused), (0, 0));
    assert_eq!(published.returned.map(MessageEnvelope::into_message), Some(Job::Note(7)));

    let mut full = subscribe(&broker, pattern!("a"), 1).await;
    assert!(publish(&broker, &subject!("a"), 8).await.returned.is_none());
    let published = publish(&broker, &subject!("a"), 9).await;
    assert_eq!((published.delivered, published.refused), (0, 1));
    assert_eq!(published.returned.map(MessageEnvelope::into_message), Some(Job::Note(9)));
    assert_eq!(received(&mut full), [8]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_gets_what_matches_once_for_each_of_its_subscriptions() {
    let (broker, worker, desk) = (Broker::new(), Worker::new(), named("desk"));
    let created = broker.subscribe_actor(pattern!("*.created"), &desk).await.unwrap();
    let all = broker.subscribe_actor(pattern!("orders.>"), &desk).await.unwrap();
    let published = publish(&broker, &subject!("orders.created"), 0).await;
    assert_eq!((published.refused, created.lost(), all.lost()), (2, 1, 1));

    let actor = worker.spawn(&broker, &desk, 8).await;
    assert_eq!(publish(&broker, &subject!("orders.created"), 1).await.delivered, 2);
    assert_eq!(publish(&broker, &subject!("invoices.created"), 2).await.delivered, 1);
    drop(created);
    assert_eq!(publish(&broker, &subject!("invoices.created"), 3).await.delivered, 0);
    assert_eq!(publish(&broker, &subject!("orders.sent"), 4).await.delivered, 1);
    actor.drain().await;
    assert_eq!(worker.log.numbers(), [1, 1, 2, 4]);
    assert_eq!((all.address(), all.lost()), (&desk, 1));
}

#[tokio::test]
async fn a_pool_that_has_subscribed_gets_each_message_once() {
    let (broker, desks) = (Broker::new(), pool("desks"));
    let _subscription = broker.subscribe_actor(pattern!(">"), &desks).await.unwrap();
    let (one, other) = (inbox(&broker, &desks, 8).await, inbox(&broker, &desks, 8).await);
    for number in 0..6 {
        assert_eq!(publish(&broker, &subject!("a"), number).await.delivered, 1);
    }
    assert_eq!((one.depth(), other.depth()), (3, 3));
}

#[tokio::test]
async fn a_subscription_ends_at_once_when_it_is_dropped() {
    let broker = Broker::new();
    let first = subscribe(&broker, pattern!("a"), 8).await;
    let mut second = subscribe(&broker, pattern!("a"), 8).await;
    let end = first.watch();
    publish(&broker, &subject!("a"), 1).await;
    assert_eq!(broker.metrics().publishing.subscriptions, 2);
    drop(first);
    assert_eq!(broker.metrics().publishing.subscriptions, 1);
    assert_eq!(publish(&broker, &subject!("a"), 2).await.delivered, 1);
    assert_eq!(received(&mut second), [1, 2]);
    assert_eq!(numbers_of(&take_letters(&broker), DeadLetterReason::ActorStopped), [1]);
    end.await;
}

#[tokio::test]
async fn a_closed_subscription_still_gives_what_it_has() {
    let broker = Broker::new();
    let mut subscription = subscribe(&broker, pattern!("a"), 8).await;
    publish(&broker, &subject!("a"), 1).await;
    subscription.close();
    assert_eq!(publish(&broker, &subject!("a"), 2).await.delivered, 0);
    assert_eq!(subscription.recv().await.map(|delivery| number_of(delivery.message())), Some(1));
    assert!(subscription.recv().await.is_none());
    assert_eq!(subscription.lost(), 0);
}

#[tokio::test]
async fn a_slow_subscriber_loses_only_its_own_and_knows_how_many() {
    use BackpressureStrategy::{Block, DropNewest, DropOldest, Error};
    for (strategy, kept, refused) in
        [(Block, [0, 1], 8), (Error, [0, 1], 8), (DropNewest, [0, 1], 0), (DropOldest, [8, 9], 0)]
    {
        let broker = Broker::new();
        let mailbox = MailboxOptions::bounded(2).strategy(strategy);
        let mut slow = broker.subscribe(pattern!("a"), mailbox).await.unwrap();
        let mut quick = subscribe(&broker, pattern!("a"), 10).await;
        let mut total = 0;
        for number in 0..10 {
            let published = publish(&broker, &subject!("a"), number).await;
            assert!(published.returned.is_none());
            total += published.refused;
        }
        assert_eq!((slow.lost(), quick.lost(), total), (8, 0, refused), "{strategy:?}");
        assert_eq!(received(&mut quick), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(received(&mut slow), kept, "{strategy:?}");
        let evicted = 8 - refused as u64;
        assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 12), (Outcome::Evicted, evicted)]);
        assert_eq!(take_letters(&broker).len() as u64, evicted);
        assert!(broker.audit().is_balanced());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_publisher_publishes_arrives_in_order() {
    let broker = Broker::new();
    let mut subscription = subscribe(&broker, pattern!("a.>"), 20_000).await;
    let publishing = [0, 1].map(|publisher| {
        let broker = broker.clone();
        tokio::spawn(async move {
            for number in 0..10_000 {
                let subject = if number % 2 == 0 { subject!("a.even") } else { subject!("a.odd") };
                publish(&broker, &subject, publisher * 10_000 + number).await;
            }
        })
    });
    let mut next = [0, 10_000];
    for _ in 0..20_000 {
        let number = number_of(&subscription.recv().await.unwrap().into_message());
        let expected = &mut next[usize::from(number >= 10_000)];
        assert_eq!(number, *expected);
        *expected += 1;
    }
    for publisher in publishing {
        publisher.await.unwrap();
    }
}

#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Message for Counted {
    const MESSAGE_TYPE: &'static str = "tests.counted";
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

#[tokio::test]
async fn a_message_is_cloned_for_each_receiver_but_the_last() {
    for receivers in 0..5 {
        let (broker, clones) = (InMemoryMessageBroker::new(), Arc::new(AtomicUsize::new(0)));
        let mut subscriptions = Vec::new();
        for _ in 0..receivers {
            let interest = in_group("a", "group");
            subscriptions.push(broker.subscribe(pattern!("a"), MailboxOptions::bounded(1)).await.unwrap());
            subscriptions.push(broker.subscribe(interest, MailboxOptions::bounded(1)).await.unwrap());
        }
        // The group is one more.
        let expected = if receivers == 0 { 0 } else { receivers + 1 };
        let published = broker.publish(&subject!("a"), Counted(Arc::clone(&clones))).await;
        assert_eq!(published.delivered, expected);
        assert_eq!(clones.load(Ordering::Relaxed), expected.saturating_sub(1));
    }
}

#[tokio::test]
async fn a_copy_that_is_refused_is_for_the_next() {
    let (broker, clones) = (InMemoryMessageBroker::new(), Arc::new(AtomicUsize::new(0)));
    let mut subscriptions = Vec::new();
    for _ in 0..4 {
        subscriptions.push(broker.subscribe(pattern!("a"), MailboxOptions::bounded(1)).await.unwrap());
    }
    broker.publish(&subject!("a"), Counted(Arc::clone(&clones))).await;
    let published = broker.publish(&subject!("a"), Counted(Arc::clone(&clones))).await;
    assert_eq!((published.refused, clones.load(Ordering::Relaxed)), (4, 4));
    assert!(published.returned.is_some());
}

#[tokio::test]
async fn all_copies_have_the_header_of_what_was_published() {
    let broker = Broker::new();
    let mut subscriptions = [subscribe(&broker, pattern!("a"), 8).await, subscribe(&broker, pattern!(">"), 8).await];
    let envelope = MessageEnvelope::new(Job::Note(1)).with_metadata("trace", "abc");
    let id = envelope.id();
    broker.publish(&subject!("a"), envelope).await;
    for subscription in &mut subscriptions {
        let delivery = subscription.try_recv().unwrap();
        assert_eq!((delivery.envelope().id(), delivery.envelope().metadata("trace")), (id, Some("abc")));
        assert!(!delivery.envelope().is_request());
    }
}

/// Publishes an answer to each note that it gets.
struct Publisher(Log);

impl MessageHandler<Job> for Publisher {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        match envelope.into_message() {
            Job::Note(number) => drop(context.publish(&subject!("answers"), Job::Answer(number)).await),
            other => self.0.add(number_of(&other)),
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_publishes_in_its_own_name_and_with_its_own_deadline() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut subscription = subscribe(&broker, pattern!("answers"), 8).await;
    let actor = broker.spawn(&desk, Publisher(Log::default())).await.unwrap();
    let request = MessageEnvelope::new(Job::Note(1)).within(Duration::from_secs(5));
    broker.request(&desk, request).await.unwrap_err();
    let delivery = subscription.try_recv().unwrap();
    assert_eq!(delivery.envelope().sender(), Some(actor.id()));
    assert_eq!(delivery.envelope().remaining(), Some(Duration::from_secs(5)));
    assert!(!delivery.envelope().is_request());
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_publishes_to_its_own_full_mailbox_does_not_wait_for_itself() {
    let (broker, log, desk) = (Broker::new(), Log::default(), named("desk"));
    let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(1));
    let actor = broker.spawn_with(&desk, options, once(Publisher(log.clone()))).await.unwrap();
    let first = broker.subscribe_actor(pattern!("answers"), &desk).await.unwrap();
    let second = broker.subscribe_actor(pattern!("*"), &desk).await.unwrap();
    broker.send(&desk, Job::Note(1)).await.unwrap();
    common::soon(common::until(|| log.numbers() == [1])).await;
    common::soon(actor.drain()).await;
    assert_eq!((log.numbers(), first.lost() + second.lost()), (vec![1], 1));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_published_at_least_once_comes_back_to_the_subscription_that_failed() {
    let broker = Broker::new();
    let mut failing = subscribe(&broker, pattern!("a"), 8).await;
    let mut other = subscribe(&broker, pattern!("a"), 8).await;
    broker.publish(&subject!("a"), MessageEnvelope::new(Job::Note(1)).at_least_once()).await;
    failing.try_recv().unwrap().retry_after(Duration::from_secs(1), "not now");
    assert_eq!(received(&mut other), [1]);
    let again = common::soon(failing.recv()).await.unwrap();
    assert_eq!(again.envelope().attempt(), 2);
    drop(again);
    assert!(other.try_recv().is_none());
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_time_was_up_goes_to_nobody() {
    let broker = Broker::new();
    let subscription = subscribe(&broker, pattern!("a"), 8).await;
    let published = broker.publish(&subject!("a"), MessageEnvelope::new(Job::Note(1)).within(Duration::ZERO)).await;
    assert_eq!((published.delivered, published.refused, subscription.lost()), (0, 0, 0));
    assert!(published.returned.is_some());
}

#[tokio::test(start_paused = true)]
async fn after_a_shutdown_nobody_gets_anything_and_nobody_can_subscribe() {
    let broker = Broker::new();
    let mut subscription = subscribe(&broker, pattern!("a"), 8).await;
    let actor = broker.subscribe_actor(pattern!("a"), &named("desk")).await.unwrap();
    publish(&broker, &subject!("a"), 1).await;
    let lost = actor.lost();
    let closing = broker.clone();
    let shutdown = tokio::spawn(async move { closing.shutdown(Duration::from_secs(9)).await });
    settle().await;
    let published = publish(&broker, &subject!("a"), 2).await;
    assert_eq!((published.delivered, published.refused), (0, 0));
    assert_eq!(published.returned.map(MessageEnvelope::into_message), Some(Job::Note(2)));
    assert_eq!((subscription.lost(), actor.lost()), (0, lost));

    assert_eq!(received(&mut subscription), [1]);
    assert_eq!(shutdown.await.unwrap().abandoned, 0);
    assert!(subscription.recv().await.is_none());
    let mailbox = MailboxOptions::bounded(1);
    assert_eq!(broker.subscribe(pattern!("a"), mailbox).await.unwrap_err(), RegisterError::ShutDown);
    assert_eq!(broker.subscribe_actor(pattern!("a"), &named("desk")).await.unwrap_err(), RegisterError::ShutDown);
}

#[tokio::test]
async fn a_subscription_that_can_hold_nothing_is_refused() {
    let error = Broker::new().subscribe(pattern!("a"), MailboxOptions::bounded(0)).await.unwrap_err();
    assert!(matches!(error, RegisterError::Capacity(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_accounts_balance_while_subscriptions_come_and_go() {
    let (broker, mut handled) = (Broker::new(), 0);
    let publishing = [0, 1].map(|_| {
        let broker = broker.clone();
        tokio::spawn(async move {
            let mut delivered = 0;
            for number in 0..5_000 {
                delivered += publish(&broker, &subject!("a.b"), number).await.delivered as u64;
            }
            delivered
        })
    });
    for round in 0..200 {
        let strategy = if round % 2 == 0 { BackpressureStrategy::DropOldest } else { BackpressureStrategy::Block };
        let mailbox = MailboxOptions::bounded(4).strategy(strategy);
        let mut some = broker.subscribe(pattern!("a.*"), mailbox).await.unwrap();
        let _other = subscribe(&broker, in_group("a.>", "group"), 4).await;
        tokio::task::yield_now().await;
        handled += received(&mut some).len() as u64;
    }
    let mut delivered = 0;
    for publisher in publishing {
        delivered += publisher.await.unwrap();
    }
    let metrics = broker.metrics();
    common::assert_balanced(&metrics.total);
    assert_eq!((metrics.total.accepted, metrics.publishing.delivered), (delivered, delivered));
    assert_eq!((metrics.publishing.published, metrics.publishing.subscriptions), (10_000, 0));
    assert_eq!(metrics.total.outcomes[Outcome::Handled], handled);
    assert!(broker.audit().is_balanced());
}

#[tokio::test]
async fn of_a_hundred_thousand_subscriptions_those_that_match_get_it() {
    let broker = Broker::new();
    let here = inbox(&broker, &named("here"), 16).await;
    let mut subscriptions = Vec::new();
    for number in 0..100_000 {
        let pattern = SubjectPattern::new(format!("orders.{}.created", number / 10)).unwrap();
        subscriptions.push(broker.subscribe_actor(pattern, here.address()).await.unwrap());
    }
    assert_eq!(publish(&broker, &subject!("orders.777.created"), 1).await.delivered, 10);
    assert_eq!(here.depth(), 10);
    drop(subscriptions);
    assert_eq!(broker.metrics().publishing.subscriptions, 0);
}

async fn subscribe(broker: &Broker, interest: impl Into<Interest> + Send, capacity: usize) -> Subscribed {
    broker.subscribe(interest, MailboxOptions::bounded(capacity)).await.unwrap()
}

async fn publish(broker: &Broker, subject: &Subject, number: u64) -> Published<Job> {
    broker.publish(subject, Job::Note(number)).await
}

fn in_group(pattern: &str, group: &str) -> Interest {
    SubjectPattern::new(pattern).unwrap().in_group(Name::new(group).unwrap())
}

/// The numbers that wait, in their order.
fn received(subscription: &mut Subscribed) -> Vec<u64> {
    std::iter::from_fn(|| subscription.try_recv()).map(|delivery| number_of(delivery.message())).collect()
}
