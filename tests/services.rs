//! Any actor can join services and pools, is found there by version and tags, and leaves in any case when it ends.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use common::{Broker, Job, Wakes, Worker, in_turns, inbox, named, poll_counted, poll_once, pool, settle, soon};
use switchboard::actor::{ActorHandle, Inbox, Registration, SpawnOptions};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::balancing::Strategy;
use switchboard::broker::{JoinError, MessageBroker, SendErrorKind};
use switchboard::services::{MemberOptions, Membership, Provider, ServiceChange, ServiceChanges, Version, VersionReq};

type Desk = Inbox<Job, Broker>;

fn service(name: &str) -> ActorAddress {
    ActorAddress::service(name).unwrap()
}

fn versioned(minor: u64, tag: &str) -> MemberOptions {
    MemberOptions::new().version(Version::new(1, minor, 0)).tag(tag)
}

/// The outcome of a future that waits for nothing.
fn now<F: Future>(future: F) -> F::Output {
    match poll_once(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

async fn join(broker: &Broker, group: &ActorAddress, actor: &Registration) -> Membership<Job> {
    broker.join(group, actor, MemberOptions::new()).await.unwrap()
}

fn providers(broker: &Broker, group: &ActorAddress) -> Vec<ActorId> {
    now(broker.providers(group)).iter().map(Provider::actor).collect()
}

/// All that there is to read now.
fn told(changes: &mut ServiceChanges) -> Vec<ServiceChange> {
    std::iter::from_fn(|| changes.try_next()).collect()
}

fn present(providers: Vec<Provider>, missed: u64) -> ServiceChange {
    ServiceChange::Present { providers, missed }
}

#[tokio::test]
async fn providers_are_listed_with_what_they_have_said_and_found_by_it() {
    let (broker, search, worker) = (Broker::new(), service("search"), Worker::new());
    let [old, new] = [inbox(&broker, &named("old"), 8).await, inbox(&broker, &named("new"), 8).await];
    let resident = worker.spawn_with(&broker, &search, SpawnOptions::new().weight(7)).await;
    let first = broker.join(&search, &old.registration(), versioned(1, "eu").weight(3)).await.unwrap();
    let _second = broker.join(&search, &new.registration(), versioned(2, "us").tag("ssd")).await.unwrap();

    let listed = broker.providers(&search).await;
    let actors: Vec<_> = listed.iter().map(Provider::actor).collect();
    assert_eq!(actors, [resident.id(), old.id(), new.id()], "in the order in which they came");
    assert_eq!((listed[0].version(), listed[0].tags().len(), listed[0].weight()), (None, 0, 7));
    assert_eq!((listed[1].version(), listed[1].weight()), (Some(&Version::new(1, 1, 0)), 3));
    assert!(listed[2].tags().eq(["us", "ssd"]) && listed[2].weight() == 1);
    assert_eq!((first.group(), first.provider()), (&search, &listed[1]));
    assert_eq!(listed[1].address(), old.id().into());

    let wanted = VersionReq::parse("^1.2").unwrap();
    for _ in 0..20 {
        let found = broker.find_provider(&search, |provider| provider.satisfies(&wanted)).await;
        assert_eq!(found.as_ref(), Some(&listed[2]));
        let found = broker.find_provider(&search, |provider| provider.has_tag("eu")).await;
        assert_eq!(found.as_ref(), Some(&listed[1]));
    }
    assert_eq!(broker.find_provider(&search, |provider| provider.has_tag("asia")).await, None);
    worker.gate.let_all_go();
}

#[tokio::test]
async fn services_with_members_have_names_and_pools_are_apart_from_them() {
    let (broker, actor) = (Broker::new(), named("actor"));
    let actor = inbox(&broker, &actor, 8).await;
    assert_eq!(broker.services().await, []);
    let in_service = join(&broker, &service("one"), &actor.registration()).await;
    let _in_pool = join(&broker, &pool("two"), &actor.registration()).await;
    let resident = inbox(&broker, &service("three"), 8).await;
    broker.set_strategy(&service("four"), Strategy::Random).unwrap();
    let mut names = broker.services().await;
    names.sort_unstable();
    assert_eq!(names.iter().map(ToString::to_string).collect::<Vec<_>>(), ["one", "three"]);
    assert_eq!(providers(&broker, &pool("two")), [actor.id()]);
    for address in [pool("one"), service("two"), named("actor"), actor.id().into()] {
        assert_eq!(providers(&broker, &address), [], "{address}");
    }
    drop((in_service, resident));
    assert_eq!(broker.services().await, []);
}

#[tokio::test]
async fn an_actor_gets_the_messages_of_all_that_it_has_joined_and_of_its_own_address() {
    let (broker, own) = (Broker::new(), pool("own"));
    let mut actor = inbox(&broker, &own, 8).await;
    let groups = [service("first"), service("second"), pool("third")];
    let mut memberships = Vec::new();
    for group in &groups {
        memberships.push(join(&broker, group, &actor.registration()).await);
    }
    for (number, address) in (0..).zip(groups.iter().chain([&own, &actor.id().into()])) {
        broker.try_send(address, Job::Note(number)).unwrap();
    }
    for number in 0..5 {
        assert_eq!(actor.try_recv().unwrap().into_message(), Job::Note(number));
    }
    // It leaves one, and not the others.
    memberships.remove(1).leave();
    assert_eq!(broker.try_send(&groups[1], Job::Note(5)).unwrap_err().kind(), SendErrorKind::NoMembers);
    for address in [&groups[0], &groups[2], &own] {
        broker.try_send(address, Job::Note(6)).unwrap();
    }
    assert_eq!(actor.depth(), 3);
    memberships.into_iter().for_each(Membership::keep);
    drop(actor);
    assert!(groups.iter().all(|group| providers(&broker, group).is_empty()));
}

#[tokio::test]
async fn members_that_have_joined_share_with_those_that_are_registered_there() {
    let (broker, group) = (in_turns::<Job>(), service("search"));
    let (resident, guest) = (inbox(&broker, &group, 64).await, inbox(&broker, &named("guest"), 64).await);
    let membership = join(&broker, &group, &guest.registration()).await;
    (0..10).for_each(|number| broker.try_send(&group, Job::Note(number)).unwrap());
    assert_eq!((resident.depth(), guest.depth()), (5, 5));
    drop(membership);
    (0..10).for_each(|number| broker.try_send(&group, Job::Note(number)).unwrap());
    assert_eq!((resident.depth(), guest.depth()), (15, 5), "what it had is still its");
}

#[tokio::test]
async fn a_weight_is_that_of_the_membership() {
    let broker = Broker::builder().default_strategy(Strategy::Weighted).build().unwrap();
    let (group, other) = (service("search"), service("other"));
    let actors = [inbox(&broker, &named("a"), 100_000).await, inbox(&broker, &named("b"), 100_000).await];
    for (actor, weights) in actors.iter().zip([[0, 1], [5, 0]]) {
        for (group, weight) in [&group, &other].into_iter().zip(weights) {
            let options = MemberOptions::new().weight(weight);
            broker.join(group, &actor.registration(), options).await.unwrap().keep();
        }
    }
    (0..200).for_each(|number| broker.try_send(&group, Job::Note(number)).unwrap());
    assert_eq!((actors[0].depth(), actors[1].depth()), (0, 200));
    (0..100).for_each(|number| broker.try_send(&other, Job::Note(number)).unwrap());
    assert_eq!((actors[0].depth(), actors[1].depth()), (100, 200));
}

#[tokio::test]
async fn who_is_kept_stays_when_the_membership_is_gone_and_may_not_join_again() {
    let (broker, search) = (Broker::new(), service("search"));
    let actor = inbox(&broker, &named("actor"), 8).await;
    join(&broker, &search, &actor.registration()).await.keep();
    assert_eq!(providers(&broker, &search), [actor.id()]);
    let refused = broker.join(&search, &actor.registration(), MemberOptions::new()).await.unwrap_err();
    assert_eq!(refused, JoinError::AlreadyMember { address: search.clone() });
    assert_eq!(providers(&broker, &search), [actor.id()]);
    drop(actor);
    assert_eq!(providers(&broker, &search), []);
}

#[tokio::test]
async fn what_can_not_join_is_refused_and_leaves_no_trace() {
    let (broker, other, search) = (Broker::new(), Broker::new(), service("search"));
    let resident = inbox(&broker, &search, 8).await;
    let actor = inbox(&broker, &named("actor"), 8).await;
    let refused = |group: &ActorAddress, actor: &Registration| {
        now(broker.join(group, actor, MemberOptions::new())).map(Membership::keep).unwrap_err()
    };
    for address in [named("actor"), named("nobody"), actor.id().into()] {
        let not_a_group = JoinError::NotAGroup { address: address.clone() };
        assert_eq!(refused(&address, &actor.registration()), not_a_group);
    }
    let member = JoinError::AlreadyMember { address: search.clone() };
    assert_eq!(refused(&search, &resident.registration()), member);
    let stranger = inbox(&other, &named("actor"), 8).await;
    assert_eq!(refused(&search, &stranger.registration()), JoinError::NoSuchActor { actor: stranger.id() });
    // Ended, and another has its id.
    let late = inbox(&broker, &ActorId::next().into(), 8).await;
    let registration = late.registration();
    drop(late);
    let gone = JoinError::NoSuchActor { actor: registration.actor };
    assert_eq!(refused(&search, &registration), gone);
    let _successor = inbox(&broker, &registration.actor.into(), 8).await;
    assert_eq!(refused(&search, &registration), gone);
    // Closed, with something left to do.
    let mut closed = inbox(&broker, &named("closed"), 8).await;
    broker.try_send(&named("closed"), Job::Note(1)).unwrap();
    closed.close();
    assert_eq!(refused(&search, &closed.registration()), JoinError::NoSuchActor { actor: closed.id() });
    assert_eq!(providers(&broker, &search), [resident.id()]);
    broker.shutdown(Duration::ZERO).await;
    assert_eq!(refused(&search, &actor.registration()), JoinError::ShutDown);
    assert_eq!(providers(&broker, &search), []);
}

/// Ends an actor, and returns when it takes nothing more.
type End = fn(&Broker, ActorHandle<Job>);

#[tokio::test(start_paused = true)]
async fn a_spawned_actor_leaves_all_however_it_ends() {
    let ends: [(&str, End); 6] = [
        ("drain", |_, actor| assert!(poll_once(pin!(actor.drain())).is_pending())),
        ("stop", |_, actor| actor.stop()),
        ("abort", |_, actor| actor.abort()),
        ("unregister", |broker, actor| assert!(now(broker.unregister(&actor.registration())))),
        ("panic", |broker, actor| broker.try_send(&actor.id().into(), Job::Panic("as told")).unwrap()),
        ("shutdown", |broker, _| assert!(poll_once(pin!(broker.shutdown(Duration::ZERO))).is_pending())),
    ];
    for (name, end) in ends {
        let (broker, groups, worker) = (Broker::new(), [service("search"), pool("readers")], Worker::new());
        let actor = worker.spawn(&broker, &service("own"), 8).await;
        settle().await;
        let memberships = [
            join(&broker, &groups[0], &actor.registration()).await,
            join(&broker, &groups[1], &actor.registration()).await,
        ];
        let (id, watch) = (actor.id(), actor.watch());
        let mut changes: Vec<_> =
            groups.iter().chain([actor.address()]).map(|group| broker.follow_service(group, 8)).collect();
        end(&broker, actor);
        if name == "panic" {
            soon(watch).await;
        }
        for changes in &mut changes {
            assert_eq!(providers(&broker, changes.service()), [], "{name}");
            let told = told(changes);
            assert!(matches!(&told[1..], [ServiceChange::Left(left)] if left.actor() == id), "{name}: {told:?}");
        }
        drop(memberships);
        assert!(changes.iter_mut().all(|changes| told(changes).is_empty()), "{name}: it has left once");
    }
}

#[tokio::test]
async fn an_inbox_leaves_all_when_it_is_closed_or_dropped() {
    let broker = Broker::new();
    let ends: [fn(&mut Option<Desk>); 2] = [|desk| desk.as_mut().unwrap().close(), |desk| *desk = None];
    for end in ends {
        let mut desk = Some(inbox(&broker, &named("desk"), 8).await);
        let registration = desk.as_ref().unwrap().registration();
        let groups = [service("search"), pool("readers")];
        for group in &groups {
            join(&broker, group, &registration).await.keep();
        }
        end(&mut desk);
        assert!(groups.iter().all(|group| providers(&broker, group).is_empty()));
    }
}

#[tokio::test]
async fn who_follows_is_told_who_is_there_and_then_each_change() {
    let (broker, search) = (Broker::new(), service("search"));
    let [first, second] = [inbox(&broker, &named("a"), 8).await, inbox(&broker, &named("b"), 8).await];
    let membership = broker.join(&search, &first.registration(), versioned(1, "eu")).await.unwrap();
    let mut changes = broker.follow_service(&search, 8);
    let mut other = broker.follow_service(&service("other"), 8);
    let there = broker.providers(&search).await;
    let joined = broker.join(&search, &second.registration(), versioned(2, "eu")).await.unwrap();
    let provider = membership.provider().clone();
    membership.leave();
    let resident = inbox(&broker, &search, 8).await;
    let list = broker.providers(&search).await;
    let expected = [
        present(there, 0),
        ServiceChange::Joined(joined.provider().clone()),
        ServiceChange::Left(provider),
        ServiceChange::Joined(list[1].clone()),
    ];
    let told = told(&mut changes);
    assert_eq!(told, expected);
    let mut rebuilt = Vec::new();
    told.into_iter().for_each(|change| change.apply(&mut rebuilt));
    assert_eq!(rebuilt, list);
    assert_eq!(list[1].actor(), resident.id());
    assert_eq!((other.try_next(), other.try_next()), (Some(present(vec![], 0)), None));
}

#[tokio::test]
async fn who_is_too_slow_is_told_who_is_there_in_place_of_what_was_lost() {
    let (broker, search) = (Broker::new(), service("search"));
    let mut changes = broker.follow_service(&search, 2);
    assert_eq!(changes.try_next(), Some(present(vec![], 0)));
    let mut desks = Vec::new();
    for _ in 0..2 {
        desks.push(inbox(&broker, &search, 8).await);
    }
    assert!(told(&mut changes).iter().all(|change| matches!(change, ServiceChange::Joined(_))), "two have room");
    for _ in 0..3 {
        desks.push(inbox(&broker, &search, 8).await);
    }
    let list = broker.providers(&search).await;
    assert_eq!(told(&mut changes), [present(list.clone(), 3)]);
    drop(desks.pop());
    assert_eq!(told(&mut changes), [ServiceChange::Left(list[4].clone())]);
    // Whoever wants to know at once may ask.
    drop(desks.pop());
    assert_eq!(changes.refresh(), present(list[..3].to_vec(), 1));
    assert_eq!((changes.try_next(), changes.refresh()), (None, present(list[..3].to_vec(), 0)));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_change_is_woken_and_learns_when_there_will_be_no_more() {
    let (broker, search, wakes) = (Broker::new(), service("search"), Wakes::new());
    let mut changes = broker.follow_service(&search, 8);
    let actor = inbox(&broker, &named("actor"), 8).await;
    assert_eq!(changes.next().await, Some(present(vec![], 0)));
    let wait = |changes: &mut ServiceChanges| assert!(poll_counted(pin!(changes.next()), &wakes).is_pending());
    wait(&mut changes);
    let membership = join(&broker, &search, &actor.registration()).await;
    assert_eq!(wakes.count(), 1);
    assert_eq!(soon(changes.next()).await, Some(ServiceChange::Joined(membership.provider().clone())));
    wait(&mut changes);
    assert!(broker.unregister(&actor.registration()).await);
    assert_eq!(wakes.count(), 2);
    assert_eq!(soon(changes.next()).await, Some(ServiceChange::Left(membership.provider().clone())));
    wait(&mut changes);
    drop((membership, actor, broker));
    assert_eq!((wakes.count(), soon(changes.next()).await), (3, None));
}
