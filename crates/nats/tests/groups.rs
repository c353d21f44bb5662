//! Services and pools are those of the cluster: whoever sends to one, from wherever, reaches the members of all nodes.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which fail where they panic")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use support::Server;
use switchboard::actor::{Inbox, SpawnOptions};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::balancing::Strategy;
use switchboard::broker::{Context, MessageBroker, MessageHandler, RequestErrorKind, SendErrorKind};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::{Message, MessageEnvelope};
use switchboard::services::{MemberOptions, ServiceChange};
use switchboard_nats::{NatsMessageBroker, NatsOptions};
use tokio::sync::oneshot;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Job {
    /// Asks who has got it.
    Who,
    Me(ActorId),
    Note(u64),
    /// Of this key.
    Keyed(String, u64),
    Fail,
}

impl Message for Job {
    const MESSAGE_TYPE: &'static str = "job";

    fn routing_key(&self) -> Option<&str> {
        match self {
            Self::Keyed(key, _) => Some(key),
            _ => None,
        }
    }
}

/// Says who it is.
struct Member;

impl MessageHandler<Job> for Member {
    type Error = &'static str;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), &'static str> {
        match envelope.into_message() {
            Job::Fail => Err("it was told to"),
            _ if context.is_asked() => context.reply(Job::Me(context.id())).await.map_err(|_| "nobody waits"),
            _ => Ok(()),
        }
    }
}

type Broker = NatsMessageBroker<Job>;

async fn node(server: &Server) -> Broker {
    let options = NatsOptions::new(server.url()).unwrap().lease(Duration::from_millis(900));
    NatsMessageBroker::with_options(options).await.unwrap()
}

async fn nodes<const N: usize>(server: &Server) -> [Broker; N] {
    let mut nodes = Vec::new();
    for _ in 0..N {
        nodes.push(node(server).await);
    }
    nodes.try_into().unwrap()
}

fn pool() -> ActorAddress {
    ActorAddress::pool("readers").unwrap()
}

fn service() -> ActorAddress {
    ActorAddress::service("search").unwrap()
}

/// Long enough for whatever must happen, however busy the machine is.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it happens soon")
}

async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    soon(async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Waits until the broker knows of so many members.
async fn sees(broker: &Broker, group: &ActorAddress, members: usize) {
    until(async || broker.members(group).await.len() == members).await;
}

async fn spawn(broker: &Broker, count: usize) -> Vec<ActorId> {
    let mut members = Vec::new();
    for _ in 0..count {
        members.push(broker.spawn(&pool(), Member).await.unwrap().id());
    }
    members
}

fn small(strategy: BackpressureStrategy) -> MailboxOptions {
    MailboxOptions::bounded(1).strategy(strategy)
}

async fn who(broker: &Broker, to: &ActorAddress, strategy: Strategy) -> ActorId {
    match broker.request(to, MessageEnvelope::new(Job::Who).balanced_by(strategy)).await.unwrap() {
        Job::Me(actor) => actor,
        other => panic!("{other:?}"),
    }
}

/// How often each member answers, of so many requests.
async fn shares(broker: &Broker, strategy: Strategy, requests: usize) -> BTreeMap<ActorId, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..requests {
        *shares.entry(who(broker, &pool(), strategy).await).or_default() += 1;
    }
    shares
}

#[tokio::test]
async fn turns_go_round_the_members_of_all_nodes() {
    let server = Server::start();
    let [one, other, sender] = nodes(&server).await;
    let members = [spawn(&one, 2).await, spawn(&other, 2).await].concat();
    for broker in [&sender, &one] {
        sees(broker, &pool(), 4).await;
        let shares = shares(broker, Strategy::RoundRobin, 40).await;
        assert_eq!(shares, members.iter().map(|member| (*member, 10)).collect());
    }
}

#[tokio::test]
async fn every_strategy_reaches_members_of_all_nodes() {
    let server = Server::start();
    let [one, other, sender] = nodes(&server).await;
    let members = [spawn(&one, 2).await, spawn(&other, 1).await].concat();
    sees(&sender, &pool(), 3).await;
    for strategy in [Strategy::Random, Strategy::PowerOfTwo, Strategy::LeastLoaded, Strategy::Weighted] {
        let shares = shares(&sender, strategy, 150).await;
        assert!(members.iter().all(|member| shares.contains_key(member)), "{strategy}: {shares:?}");
    }
}

#[tokio::test]
async fn weights_are_shares_of_the_whole_cluster() {
    let server = Server::start();
    let [one, other, sender] = nodes(&server).await;
    let light = one.spawn_with(&pool(), SpawnOptions::new().weight(1), switchboard::actor::once(Member)).await.unwrap();
    let heavy =
        other.spawn_with(&pool(), SpawnOptions::new().weight(9), switchboard::actor::once(Member)).await.unwrap();
    sees(&sender, &pool(), 2).await;
    let shares = shares(&sender, Strategy::Weighted, 300).await;
    assert!(shares[&heavy.id()] > 5 * shares[&light.id()], "{shares:?}");
}

#[tokio::test]
async fn an_actor_of_any_address_joins_and_leaves_a_service_of_the_cluster() {
    let server = Server::start();
    let [one, other] = nodes(&server).await;
    let desk = one.spawn(&ActorAddress::named("desk").unwrap(), Member).await.unwrap();
    let error = other.request(&service(), Job::Who).await.unwrap_err();
    assert!(matches!(error.kind(), RequestErrorKind::NotSent(SendErrorKind::NoMembers)), "{error}");
    let options = MemberOptions::new().version("1.2.0".parse().unwrap()).tag("eu").weight(3);
    let membership = one.join(&service(), &desk.registration(), options).await.unwrap();
    // At once, since the server is asked before it is said that nobody is there.
    assert_eq!(who(&other, &service(), Strategy::PowerOfTwo).await, desk.id());
    let providers = other.providers(&service()).await;
    assert_eq!((providers.len(), providers[0].actor(), providers[0].weight()), (1, desk.id(), 3));
    assert!(providers[0].has_tag("eu") && providers[0].version().unwrap().to_string() == "1.2.0");
    assert_eq!(other.services().await, ["search".parse().unwrap()]);
    drop(membership);
    until(async || other.providers(&service()).await.is_empty()).await;
    let error = other.send(&service(), Job::Note(7)).await.unwrap_err();
    assert_eq!((error.kind(), error.into_inner()), (SendErrorKind::NoMembers, Job::Note(7)));
    assert!(other.services().await.is_empty());
}

#[tokio::test]
async fn whoever_follows_is_told_of_members_of_all_nodes_once_each() {
    let server = Server::start();
    let [one, other] = nodes(&server).await;
    let here = spawn(&other, 1).await;
    let mut changes = other.follow_service(&pool(), 16);
    let present = soon(changes.next()).await.unwrap();
    assert!(matches!(present, ServiceChange::Present { providers, .. } if providers.len() == 1));
    let actor = one.spawn(&pool(), Member).await.unwrap();
    let joined = soon(changes.next()).await.unwrap();
    assert!(matches!(joined, ServiceChange::Joined(provider) if provider.actor() == actor.id()));
    // What has nothing to do with the group is no news of it, nor is a lease that is renewed.
    one.spawn(&ActorAddress::pool("writers").unwrap(), Member).await.unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    actor.stop();
    let left = soon(changes.next()).await.unwrap();
    assert!(matches!(left, ServiceChange::Left(provider) if provider.actor() == actor.id()));
    let again = changes.refresh();
    assert!(matches!(again, ServiceChange::Present { providers, .. } if providers[0].actor() == here[0]));
}

#[tokio::test]
async fn a_member_without_room_is_passed_over_and_waited_for_only_if_all_are_full() {
    let server = Server::start();
    let [one, other, sender] = nodes(&server).await;
    let mut full = one.register(&pool(), small(BackpressureStrategy::Block)).await.unwrap();
    let mut roomy = other.register(&pool(), MailboxOptions::bounded(4)).await.unwrap();
    sees(&sender, &pool(), 2).await;
    let note = |number| MessageEnvelope::new(Job::Note(number)).balanced_by(Strategy::RoundRobin);
    for number in 0..5 {
        soon(sender.send(&pool(), note(number))).await.unwrap();
    }
    // Nobody has room any more, so it waits, and gets in where there is some first.
    let waiting = {
        let sender = sender.clone();
        tokio::spawn(async move { sender.send(&pool(), note(5)).await })
    };
    until(async || one.metrics().blocked_senders + other.metrics().blocked_senders == 1).await;
    let mut got = Vec::new();
    soon(async {
        while got.len() < 6 {
            tokio::select! {
                delivery = full.recv() => got.push(delivery.unwrap().into_message()),
                delivery = roomy.recv() => got.push(delivery.unwrap().into_message()),
            }
        }
    })
    .await;
    soon(waiting).await.unwrap().unwrap();
    let mut numbers: Vec<_> = got.iter().map(|job| if let Job::Note(number) = job { *number } else { 99 }).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn members_that_refuse_when_they_are_full_give_the_message_back() {
    let server = Server::start();
    let [one, other, sender] = nodes(&server).await;
    let _inboxes = [
        one.register(&pool(), small(BackpressureStrategy::Error)).await.unwrap(),
        other.register(&pool(), small(BackpressureStrategy::Error)).await.unwrap(),
    ];
    sees(&sender, &pool(), 2).await;
    for number in 0..2 {
        sender.send(&pool(), Job::Note(number)).await.unwrap();
    }
    let error = sender.send(&pool(), Job::Note(2)).await.unwrap_err();
    assert_eq!((error.kind(), error.into_inner()), (SendErrorKind::Full, Job::Note(2)));
    let error = sender.request(&pool(), Job::Note(3)).await.unwrap_err();
    assert!(matches!(error.kind(), RequestErrorKind::NotSent(SendErrorKind::Full)), "{error}");
    assert_eq!((one.audit().accepted, other.audit().accepted), (1, 1));
}

#[tokio::test]
async fn how_much_members_have_to_do_is_known_on_other_nodes() {
    let server = Server::start();
    let [one, other, sender] = nodes(&server).await;
    let busy = one.register(&pool(), MailboxOptions::bounded(64)).await.unwrap();
    let idle = other.register(&pool(), MailboxOptions::bounded(64)).await.unwrap();
    sees(&sender, &pool(), 2).await;
    for number in 0..20 {
        one.send(&busy.id().into(), Job::Note(number)).await.unwrap();
    }
    let least = MessageEnvelope::new(Job::Note(0)).balanced_by(Strategy::LeastLoaded);
    let mut in_a_row = 0;
    until(async || {
        let first = sender.pick(&pool(), &least, 1).await;
        in_a_row = if first == [idle.id()] { in_a_row + 1 } else { 0 };
        in_a_row == 20
    })
    .await;
    // What is sent from here counts before its node says so.
    for number in 0..10 {
        sender.send(&pool(), MessageEnvelope::new(Job::Note(number)).balanced_by(Strategy::LeastLoaded)).await.unwrap();
    }
    assert_eq!(other.audit().accepted, 10);
}

#[tokio::test]
async fn a_member_that_keeps_failing_is_passed_over_by_other_nodes_too() {
    let server = Server::start();
    let [one, other, sender] = nodes(&server).await;
    let failing = one.spawn(&pool(), Member).await.unwrap();
    let well = other.spawn(&pool(), Member).await.unwrap();
    sees(&sender, &pool(), 2).await;
    for _ in 0..20 {
        one.send(&failing.id().into(), Job::Fail).await.unwrap();
    }
    let note = MessageEnvelope::new(Job::Note(0)).balanced_by(Strategy::RoundRobin);
    let mut in_a_row = 0;
    until(async || {
        let first = sender.pick(&pool(), &note, 1).await;
        in_a_row = if first == [well.id()] { in_a_row + 1 } else { 0 };
        in_a_row == 10
    })
    .await;
}

fn key_of(job: &Job) -> (String, u64) {
    match job {
        Job::Keyed(key, number) => (key.clone(), *number),
        other => panic!("{other:?}"),
    }
}

fn waiting(inbox: &mut Inbox<Job, Broker>) -> Vec<(String, u64)> {
    std::iter::from_fn(|| inbox.try_recv()).map(|delivery| key_of(&delivery.into_message())).collect()
}

#[tokio::test]
async fn all_nodes_agree_on_whose_a_key_is_and_its_messages_keep_their_order() {
    let server = Server::start();
    let [one, other, sender] = nodes(&server).await;
    let mut inboxes = Vec::new();
    for broker in [&one, &one, &other, &other] {
        inboxes.push(broker.register(&pool(), MailboxOptions::bounded(1_024)).await.unwrap());
    }
    for broker in [&one, &other, &sender] {
        sees(broker, &pool(), 4).await;
    }
    for number in 0..10 {
        for key in 0..40 {
            let job = Job::Keyed(format!("key{key}"), number);
            let envelope = MessageEnvelope::new(job).balanced_by(Strategy::ConsistentHash);
            let from = [&one, &other, &sender][number as usize % 3];
            from.send(&pool(), envelope).await.unwrap();
        }
    }
    let mut owners = BTreeMap::new();
    for (place, inbox) in inboxes.iter_mut().enumerate() {
        for (key, number) in waiting(inbox) {
            let (owner, next) = owners.entry(key).or_insert((place, 0));
            assert_eq!((*owner, *next), (place, number));
            *next += 1;
        }
    }
    assert_eq!(owners.len(), 40);
    assert!(owners.values().all(|(_, next)| *next == 10));
    // Each member has some.
    assert_eq!(owners.values().map(|(owner, _)| owner).collect::<std::collections::BTreeSet<_>>().len(), 4);
}

#[tokio::test]
async fn a_broadcast_gets_to_every_member_of_every_node() {
    let server = Server::start();
    let [one, other, sender] = nodes(&server).await;
    let mut inboxes = Vec::new();
    for broker in [&one, &one, &other, &sender] {
        inboxes.push(broker.register(&pool(), small(BackpressureStrategy::Error)).await.unwrap());
    }
    sees(&sender, &pool(), 4).await;
    let given = sender.broadcast(&pool(), Job::Note(1)).await;
    assert_eq!((given.delivered, given.refused.len(), given.returned.is_none()), (4, 0, true));
    assert!(inboxes[0].try_recv().is_some() && inboxes[2].try_recv().is_some());
    let given = sender.broadcast(&pool(), Job::Note(2)).await;
    let mut full: Vec<_> = given.refused.iter().map(|(actor, kind)| (*actor, *kind)).collect();
    full.sort_unstable_by_key(|(actor, _)| *actor);
    let mut expected = vec![(inboxes[1].id(), SendErrorKind::Full), (inboxes[3].id(), SendErrorKind::Full)];
    expected.sort_unstable_by_key(|(actor, _)| *actor);
    assert_eq!((given.delivered, full), (2, expected));
    // So does what is sent to a group that was set so.
    sender.set_broadcast(&pool()).unwrap();
    for inbox in &mut inboxes {
        while inbox.try_recv().is_some() {}
    }
    sender.send(&pool(), Job::Note(3)).await.unwrap();
    for inbox in &mut inboxes {
        assert_eq!(soon(inbox.recv()).await.unwrap().into_message(), Job::Note(3));
    }
}

#[tokio::test]
async fn what_is_scheduled_or_passed_on_gets_to_members_of_other_nodes() {
    let server = Server::start();
    let [one, sender] = nodes(&server).await;
    let mut inbox = one.register(&pool(), MailboxOptions::bounded(8)).await.unwrap();
    sender.send_after(Duration::from_millis(5), &pool(), Job::Note(1)).await.unwrap();
    assert_eq!(soon(inbox.recv()).await.unwrap().into_message(), Job::Note(1));
    drop(inbox);
    let member = spawn(&one, 1).await;
    let desk = ActorAddress::named("desk").unwrap();
    sender.spawn(&desk, Passing).await.unwrap();
    assert_eq!(sender.request(&desk, Job::Who).await.unwrap(), Job::Me(member[0]));
}

/// Passes all it is asked on to the pool.
struct Passing;

impl MessageHandler<Job> for Passing {
    type Error = &'static str;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), &'static str> {
        context.forward(&pool(), envelope.into_message()).await.map_err(|_| "it was not passed on")
    }
}

#[tokio::test]
async fn a_node_that_leaves_takes_its_members_with_it_and_no_message_is_lost() {
    let server = Server::start();
    let [one, other, sender] = nodes(&server).await;
    spawn(&one, 2).await;
    let stays = spawn(&other, 1).await;
    sees(&sender, &pool(), 3).await;
    let leaving = tokio::spawn({
        let one = one.clone();
        async move { one.shutdown(Duration::from_secs(5)).await }
    });
    for _ in 0..200 {
        who(&sender, &pool(), Strategy::RoundRobin).await;
    }
    soon(leaving).await.unwrap();
    sees(&sender, &pool(), 1).await;
    assert_eq!(who(&sender, &pool(), Strategy::RoundRobin).await, stays[0]);
}

#[tokio::test]
async fn a_node_that_is_killed_costs_what_it_had_and_nothing_else() {
    let server = Server::start();
    let [other, sender] = nodes(&server).await;
    let stays = spawn(&other, 1).await;
    let (ready, is_ready) = oneshot::channel();
    let (kill, killed) = oneshot::channel::<()>();
    let url = server.url();
    let doomed = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let options = NatsOptions::new(url).unwrap().lease(Duration::from_millis(900));
            let broker = NatsMessageBroker::with_options(options).await.unwrap();
            spawn(&broker, 2).await;
            ready.send(()).unwrap();
            drop(killed.await);
            // Its tasks and connections end with the runtime, as those of a process that is killed; nothing says goodbye.
            std::mem::forget(broker);
        });
    });
    soon(is_ready).await.unwrap();
    sees(&sender, &pool(), 3).await;
    drop(kill);
    tokio::task::spawn_blocking(move || doomed.join()).await.unwrap().unwrap();
    // It is still a member for the others; but the server knows that nobody listens.
    for _ in 0..20 {
        assert_eq!(soon(who(&sender, &pool(), Strategy::RoundRobin)).await, stays[0]);
    }
    sees(&sender, &pool(), 1).await;
}

#[tokio::test]
async fn at_least_once_is_for_members_here_or_refused() {
    let server = Server::start();
    let [one, sender] = nodes(&server).await;
    spawn(&one, 1).await;
    sees(&sender, &pool(), 1).await;
    let note = || MessageEnvelope::new(Job::Note(1)).at_least_once();
    let error = sender.send(&pool(), note()).await.unwrap_err();
    assert_eq!(error.kind(), SendErrorKind::NotOffered);
    let here = spawn(&sender, 1).await;
    sender.send(&pool(), note()).await.unwrap();
    let member = |audit: &switchboard::metrics::BrokerMetrics| audit.actors[0].id;
    assert_eq!((sender.metrics().total.accepted, member(&sender.metrics())), (1, here[0]));
}
