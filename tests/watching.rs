//! Watching: a watch and the stream of ends tell each actor's end once, when all is done, and to those who come late.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Wake, Waker};

use common::{Broker, Gate, Job, Wakes, Worker, inbox, named, numbers_of, poll_counted, poll_once, pool, soon};
use switchboard::actor::{ActorHandle, SpawnOptions, StopCause};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::broker::{Context, InMemoryMessageBroker, MessageBroker, MessageHandler, WatchError};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::message::MessageEnvelope;
use switchboard::watching::Watch;

fn remembering(ends: usize) -> Broker {
    InMemoryMessageBroker::builder().remembered_ends(ends).build().unwrap()
}

/// Spawns an idle actor.
async fn idle(broker: &Broker, address: &ActorAddress) -> ActorHandle<Job> {
    Worker::new().spawn(broker, address, 8).await
}

/// Spawns an actor and lets it end.
async fn ended(broker: &Broker, address: &ActorAddress) -> ActorId {
    let actor = idle(broker, address).await;
    let id = actor.id();
    actor.drain().await;
    id
}

fn watched(broker: &Broker, address: &ActorAddress) -> Result<Watch, WatchError> {
    let Poll::Ready(watch) = poll_once(pin!(broker.watch(address))) else { panic!("it waits") };
    watch
}

/// Looks around when it is woken.
struct Looker<F>(F, AtomicUsize);

impl<F: Fn() + Send + Sync + 'static> Wake for Looker<F> {
    fn wake(self: Arc<Self>) {
        self.0();
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_is_told_when_the_name_is_free_all_is_let_go_of_and_what_waited_is_a_dead_letter() {
    let (broker, desk, owned, worker) = (Broker::new(), named("desk"), Arc::new(()), Worker::new());
    let (by_factory, building) = (Arc::clone(&owned), worker.clone());
    let factory = move || {
        let _ = &by_factory;
        building.clone()
    };
    let actor = broker.spawn_with(&desk, SpawnOptions::new(), factory).await.unwrap();
    for job in [Job::Hold(0), Job::Panic("boom"), Job::Note(1)] {
        broker.send(&desk, job).await.unwrap();
    }
    worker.gate.arrival().await;
    let mut watch = pin!(actor.watch());
    let looker = Looker(
        {
            let (broker, desk, owned, id) = (broker.clone(), desk.clone(), Arc::clone(&owned), actor.id());
            move || {
                // All this takes the locks that must not be held now.
                assert!(!broker.registry().contains(&desk) && broker.registry().is_empty());
                assert_eq!(numbers_of(&common::take_letters(&broker), DeadLetterReason::ActorStopped), [1]);
                assert_eq!(broker.metrics().total.unaccounted(), 0);
                assert_eq!(Arc::strong_count(&owned), 2);
                assert!(poll_once(pin!(watched(&broker, &id.into()).unwrap())).is_ready());
            }
        },
        AtomicUsize::new(0),
    );
    let looker = Arc::new(looker);
    let waker = Waker::from(Arc::clone(&looker));
    assert!(watch.as_mut().poll(&mut TaskContext::from_waker(&waker)).is_pending());
    worker.gate.let_all_go();
    soon(actor.join()).await;
    assert_eq!(looker.1.load(Ordering::SeqCst), 1);
    assert_eq!(soon(watch).await.cause, StopCause::Panicked("boom".into()));
}

#[tokio::test(start_paused = true)]
async fn all_who_watch_one_actor_are_woken_once_and_learn_the_same() {
    let (broker, desk, wakes) = (Broker::new(), named("desk"), Wakes::new());
    let actor = idle(&broker, &desk).await;
    let mut watches: Vec<_> = (0..100).map(|_| actor.watch()).collect();
    watches.extend((0..100).map(|_| watched(&broker, &desk).unwrap()));
    for watch in &mut watches {
        assert!(poll_counted(Pin::new(watch), &wakes).is_pending());
        assert!(poll_counted(Pin::new(watch), &wakes).is_pending());
    }
    actor.stop();
    let end = soon(actor.watch()).await;
    assert_eq!(wakes.count(), watches.len());
    for watch in &mut watches {
        assert_eq!(watch.actor(), actor.id());
        assert_eq!(poll_once(Pin::new(watch)), Poll::Ready(end.clone()));
    }
    assert_eq!((end.actor, &end.address, &end.cause), (actor.id(), &desk, &StopCause::Stopped));
}

#[tokio::test(start_paused = true)]
async fn a_watch_can_be_waited_for_again_after_a_wait_was_dropped_and_after_its_end() {
    let broker = Broker::new();
    let actor = idle(&broker, &named("desk")).await;
    let mut watch = actor.watch();
    for _ in 0..2 {
        assert!(poll_once(pin!(async { (&mut watch).await })).is_pending());
    }
    actor.stop();
    let end = soon(&mut watch).await;
    assert_eq!(watch.await, end);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_dropped_lets_go_of_its_waker_and_leaves_the_others() {
    let (broker, wakes, others) = (Broker::new(), Wakes::new(), Wakes::new());
    let actor = idle(&broker, &named("desk")).await;
    let (mut dropped, mut kept) = (actor.watch(), actor.watch());
    assert!(poll_counted(Pin::new(&mut dropped), &wakes).is_pending());
    assert!(poll_counted(Pin::new(&mut kept), &others).is_pending());
    drop(dropped);
    assert_eq!(Arc::strong_count(&wakes), 1);
    actor.stop();
    soon(actor.join()).await;
    assert_eq!((wakes.count(), others.count()), (0, 1));
    assert!(poll_once(Pin::new(&mut kept)).is_ready());
}

/// Looks around when the last of it is dropped.
struct LastWords(Broker);

impl Wake for LastWords {
    fn wake(self: Arc<Self>) {}
}

impl Drop for LastWords {
    fn drop(&mut self) {
        // This takes the locks that must not be held now.
        assert!(watched(&self.0, &named("desk")).is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_waker_that_is_replaced_or_given_up_is_dropped_without_a_lock() {
    let broker = Broker::new();
    let actor = idle(&broker, &named("desk")).await;
    let mut watch = actor.watch();
    for _ in 0..3 {
        let waker = Waker::from(Arc::new(LastWords(broker.clone())));
        assert!(Pin::new(&mut watch).poll(&mut TaskContext::from_waker(&waker)).is_pending());
    }
    drop(watch);
}

#[tokio::test(start_paused = true)]
async fn who_comes_late_learns_at_once_by_handle_id_or_name() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let actor = idle(&broker, &desk).await;
    actor.stop();
    let end = soon(actor.watch()).await;
    for late in [actor.watch(), watched(&broker, &desk).unwrap(), watched(&broker, &actor.id().into()).unwrap()] {
        assert_eq!(late.actor(), actor.id());
        assert_eq!(poll_once(pin!(late)), Poll::Ready(end.clone()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_never_misses_the_end_though_none_is_remembered() {
    let (broker, desk) = (remembering(0), named("desk"));
    let actor = idle(&broker, &desk).await;
    let early = [actor.watch(), watched(&broker, &desk).unwrap(), watched(&broker, &actor.id().into()).unwrap()];
    actor.stop();
    for watch in early {
        assert_eq!(soon(watch).await.cause, StopCause::Stopped);
    }
    assert_eq!(soon(actor.watch()).await.cause, StopCause::Stopped);
    for address in [desk, actor.id().into()] {
        let gone = watched(&broker, &address).unwrap_err();
        assert_eq!(gone, WatchError::NoSuchActor { address });
    }
}

#[tokio::test(start_paused = true)]
async fn as_many_of_the_latest_ends_are_remembered_as_the_broker_was_told() {
    let broker = remembering(2);
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(ended(&broker, &pool("desks")).await);
    }
    let known: Vec<_> = ids.iter().map(|id| watched(&broker, &(*id).into()).is_ok()).collect();
    assert_eq!(known, [false, true, true]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_stays_with_its_actor_when_another_takes_the_name() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let first = worker.spawn_held(&broker, &desk, 8).await;
    let mut watch = watched(&broker, &desk).unwrap();
    first.stop();
    let second = idle(&broker, &desk).await;
    second.stop();
    soon(second.join()).await;
    assert!(poll_once(Pin::new(&mut watch)).is_pending());
    worker.gate.let_all_go();
    assert_eq!(soon(watch).await.actor, first.id());
}

#[tokio::test(start_paused = true)]
async fn a_name_leads_to_its_owner_or_who_is_on_the_way_out_or_the_last_who_ended() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let nobody = watched(&broker, &desk).unwrap_err();
    assert_eq!(nobody, WatchError::NoSuchActor { address: desk.clone() });
    let leads_to = |id| assert_eq!(watched(&broker, &desk).unwrap().actor(), id);

    let oldest = ended(&broker, &desk).await;
    leads_to(oldest);
    let first = worker.spawn_held(&broker, &desk, 8).await;
    leads_to(first.id());
    first.stop();
    leads_to(first.id());
    let second = idle(&broker, &desk).await;
    leads_to(second.id());
    worker.gate.let_all_go();
    soon(first.join()).await;
    leads_to(second.id());
    let third = second.id();
    second.drain().await;
    leads_to(third);
}

#[tokio::test(start_paused = true)]
async fn of_two_on_the_way_out_a_name_leads_to_the_later_until_it_has_ended() {
    for earlier_ends_first in [true, false] {
        let (broker, desk) = (Broker::new(), named("desk"));
        let mut earlier = inbox(&broker, &desk, 8).await;
        earlier.close();
        let mut later = inbox(&broker, &desk, 8).await;
        later.close();
        let ids = (earlier.id(), later.id());
        let leads_to = |id| assert_eq!(watched(&broker, &desk).unwrap().actor(), id);
        leads_to(ids.1);
        if earlier_ends_first {
            drop(earlier);
            leads_to(ids.1);
            drop(later);
            leads_to(ids.1);
        } else {
            drop(later);
            leads_to(ids.1);
            drop(earlier);
            leads_to(ids.0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_used_again_leads_to_its_present_actor() {
    let (broker, worker) = (Broker::new(), Worker::new());
    let id = ActorAddress::from(ActorId::next());
    let first = worker.spawn_held(&broker, &id, 8).await;
    let mut watch = first.watch();
    first.stop();
    let second = idle(&broker, &id).await;
    let mut new = watched(&broker, &id).unwrap();
    worker.gate.let_all_go();
    soon(&mut watch).await;
    assert!(poll_once(Pin::new(&mut new)).is_pending());
    second.abort();
    assert_eq!(soon(new).await.cause, StopCause::Aborted);
}

#[tokio::test(start_paused = true)]
async fn a_group_has_no_end_and_its_members_have() {
    let (broker, desks) = (Broker::new(), pool("desks"));
    let actor = idle(&broker, &desks).await;
    let group = watched(&broker, &desks).unwrap_err();
    assert_eq!(group, WatchError::Group { address: desks.clone() });
    let watch = watched(&broker, &actor.id().into()).unwrap();
    actor.stop();
    assert_eq!(soon(watch).await.address, desks);
}

#[tokio::test(start_paused = true)]
async fn an_inbox_has_ended_when_it_is_dropped_though_its_messages_are_still_worked_on() {
    let (broker, desk) = (remembering(0), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    let id = inbox.id().into();
    broker.send(&desk, Job::Note(1)).await.unwrap();
    let delivery = inbox.recv().await.unwrap();
    let mut watch = inbox.watch();
    assert!(poll_once(Pin::new(&mut watch)).is_pending());
    drop(inbox);
    assert!(poll_once(Pin::new(&mut watch)).is_ready());
    assert!(poll_once(pin!(watched(&broker, &id).unwrap())).is_ready());
    drop(delivery);
    assert!(broker.registry().is_empty() && watched(&broker, &id).is_err());
}

/// Watches the actor at `desk` while it handles a message.
struct Guard(Gate, Arc<Mutex<Option<StopCause>>>);

impl MessageHandler<Job> for Guard {
    type Error = WatchError;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        _: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), WatchError> {
        let watch = context.watch(&named("desk")).await?;
        self.0.hold().await;
        *self.1.lock().unwrap() = Some(watch.await.cause);
        context.stop();
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_watches_others() {
    let (broker, gate, seen) = (Broker::new(), Gate::new(), Arc::default());
    let actor = idle(&broker, &named("desk")).await;
    let guard = broker.spawn(&named("guard"), Guard(gate.clone(), Arc::clone(&seen))).await.unwrap();
    broker.send(&named("guard"), Job::Note(1)).await.unwrap();
    gate.arrival().await;
    gate.let_all_go();
    broker.send(&named("desk"), Job::Panic("boom")).await.unwrap();
    soon(guard.join()).await;
    assert!(actor.is_finished());
    assert_eq!(*seen.lock().unwrap(), Some(StopCause::Panicked("boom".into())));
}
