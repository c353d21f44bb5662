//! The stream of ends tells each actor's end once, holds up nobody, and is over when its broker is.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::{Pin, pin};
use std::task::{Context as TaskContext, Poll, Waker};

use common::{Broker, Wakes, Worker, named, poll_counted, pool, settle, soon};
use futures_core::Stream;
use switchboard::actor::ActorHandle;
use switchboard::address::{ActorAddress, ActorId};
use switchboard::broker::MessageBroker;
use switchboard::watching::Ends;

/// Spawns an idle actor.
async fn idle(broker: &Broker, address: &ActorAddress) -> ActorHandle<common::Job> {
    Worker::new().spawn(broker, address, 8).await
}

/// Spawns an actor and lets it end.
async fn ended(broker: &Broker, address: &ActorAddress) -> ActorId {
    let actor = idle(broker, address).await;
    let id = actor.id();
    actor.drain().await;
    id
}

fn told(ends: &mut Ends) -> Vec<(ActorId, u64)> {
    std::iter::from_fn(|| ends.try_next()).map(|followed| (followed.end.actor, followed.missed)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_stream_tells_every_end_from_its_beginning_on_once() {
    let broker = Broker::new();
    ended(&broker, &named("before")).await;
    let (mut early, mut both) = (broker.ends(8), Vec::new());
    both.push(ended(&broker, &named("desk")).await);
    let mut late = broker.ends(8);
    let actor = idle(&broker, &pool("desks")).await;
    both.push(actor.id());
    assert!(broker.unregister(&actor.registration()).await);
    actor.stop();
    actor.abort();
    soon(actor.join()).await;
    assert_eq!(told(&mut early), [(both[0], 0), (both[1], 0)]);
    assert_eq!(told(&mut late), [(both[1], 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_stream_holds_up_nobody_and_knows_what_it_missed() {
    let broker = Broker::new();
    let (mut slow, mut quick, mut ids) = (broker.ends(2), broker.ends(8), Vec::new());
    for _ in 0..5 {
        ids.push(ended(&broker, &pool("desks")).await);
    }
    assert_eq!(told(&mut slow), [(ids[3], 3), (ids[4], 0)]);
    assert_eq!(told(&mut quick), ids.iter().map(|id| (*id, 0)).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_waits_is_woken_by_an_end_and_over_when_the_broker_is_gone() {
    let (broker, wakes) = (Broker::new(), Wakes::new());
    let mut ends = broker.ends(8);
    let actor = idle(&broker, &named("desk")).await;
    let id = actor.id();
    assert!(poll_counted(pin!(ends.next()), &wakes).is_pending());
    drop(broker);
    settle().await;
    assert_eq!(wakes.count(), 0);
    actor.stop();
    drop(actor);
    settle().await;
    assert_eq!(wakes.count(), 1);
    assert_eq!(soon(ends.next()).await.unwrap().end.actor, id);
    assert_eq!(soon(ends.next()).await, None);
}

#[tokio::test(start_paused = true)]
async fn the_ends_are_a_stream() {
    let broker = Broker::new();
    let mut ends = broker.ends(8);
    let id = ended(&broker, &named("desk")).await;
    drop(broker);
    let mut next = || Pin::new(&mut ends).poll_next(&mut TaskContext::from_waker(Waker::noop()));
    assert!(matches!(next(), Poll::Ready(Some(followed)) if followed.end.actor == id));
    assert_eq!(next(), Poll::Ready(None));
}
