//! While many come and go, those who follow a service are told all that happens to it, once and in order, and nobody stays
//! a member that has ended.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use common::{Broker, inbox, named, poll_once, pool};
use switchboard::actor::{Inbox, Registration};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::broker::MessageBroker;
use switchboard::services::{MemberOptions, Membership, Provider, ServiceChange, ServiceChanges, Version};

const THREADS: usize = 4;

fn search() -> ActorAddress {
    ActorAddress::service("search").unwrap()
}

/// The outcome of a future that waits for nothing.
fn now<F: Future>(future: F) -> F::Output {
    match poll_once(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

/// Some that join and leave, some that stay, and some that are registered there.
fn come_and_go(broker: &Broker, turns: u64) {
    for turn in 0..turns {
        let desk = now(inbox(broker, &ActorId::next().into(), 1));
        let options = MemberOptions::new().version(Version::new(1, turn, 0));
        let membership = now(broker.join(&search(), &desk.registration(), options)).unwrap();
        let resident = now(inbox(broker, &search(), 1));
        match turn % 3 {
            0 => membership.leave(),
            1 => membership.keep(),
            _ => drop(desk),
        }
        drop(resident);
    }
    let stays = now(inbox(broker, &search(), 1));
    std::mem::forget(stays);
}

/// What a follower made of what it was told.
#[derive(Default)]
struct Picture {
    providers: Vec<Provider>,
    missed: u64,
    changes: u64,
}

impl Picture {
    /// Takes in what there is to read, each change of which must fit to those before it.
    fn read(&mut self, changes: &mut ServiceChanges) {
        while let Some(change) = changes.try_next() {
            let is_there = |provider: &Provider| self.providers.iter().any(|known| known.actor() == provider.actor());
            match &change {
                ServiceChange::Joined(provider) => assert!(!is_there(provider), "joined twice"),
                ServiceChange::Left(provider) => assert!(is_there(provider), "left without being there"),
                ServiceChange::Present { missed, .. } => self.missed += missed,
                _ => {}
            }
            self.changes += u64::from(!matches!(change, ServiceChange::Present { .. }));
            change.apply(&mut self.providers);
        }
    }
}

#[test]
fn what_followers_make_of_changes_is_the_list_in_the_end_however_slow_they_are() {
    const TURNS: u64 = 300;
    let (broker, start, done) = (Broker::new(), Barrier::new(THREADS + 1), AtomicBool::new(false));
    let (mut all, mut slow) = (broker.follow_service(&search(), usize::MAX), broker.follow_service(&search(), 3));
    let (mut all_seen, mut slow_seen) = (Picture::default(), Picture::default());
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    come_and_go(&broker, TURNS);
                })
            })
            .collect();
        let reads = scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                slow_seen.read(&mut slow);
            }
        });
        start.wait();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        done.store(true, Ordering::SeqCst);
        reads.join().unwrap();
    });
    all_seen.read(&mut all);
    slow_seen.read(&mut slow);
    let list = now(broker.providers(&search()));
    assert_eq!(list.len(), THREADS);
    assert_eq!(all_seen.providers, list);
    assert_eq!(slow_seen.providers, list);
    // Each turn, two come and two go; and one stays in the end.
    let happened = (THREADS as u64) * (4 * TURNS + 1);
    assert_eq!((all_seen.changes, all_seen.missed), (happened, 0));
    assert_eq!(slow_seen.changes + slow_seen.missed, happened);
}

#[test]
fn what_those_who_begin_in_the_middle_make_of_changes_is_the_list() {
    for round in 0..60 {
        let (broker, start) = (Broker::new(), Barrier::new(THREADS + 1));
        let mut followers = Vec::new();
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    start.wait();
                    come_and_go(&broker, 20);
                });
            }
            start.wait();
            for _ in 0..100 {
                // Every other time the next is the only one, for which the list is made.
                if round % 2 == 0 {
                    followers.clear();
                }
                followers.push(broker.follow_service(&search(), 1_000));
            }
        });
        let list = now(broker.providers(&search()));
        for changes in &mut followers {
            let mut seen = Picture::default();
            seen.read(changes);
            assert_eq!((seen.providers, seen.missed), (list.clone(), 0));
        }
    }
}

#[test]
fn whoever_joins_while_it_ends_is_refused_or_leaves() {
    let broker = Broker::new();
    let desks: Vec<_> = (0..4_000).map(|_| now(inbox(&broker, &ActorId::next().into(), 1))).collect();
    let (registrations, steps) = (desks.iter().map(Inbox::registration).collect::<Vec<_>>(), AtomicUsize::new(0));
    // Side by side, each a little earlier than the other now and then.
    let in_step = |round: usize, delay: usize| {
        steps.fetch_add(1, Ordering::SeqCst);
        while steps.load(Ordering::SeqCst) < 2 * (round + 1) {
            thread::yield_now();
        }
        (0..delay).for_each(|_| std::hint::spin_loop());
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            for (round, registration) in registrations.iter().enumerate() {
                in_step(round, round % 40);
                let joined = now(broker.join(&search(), registration, MemberOptions::new()));
                let _ = joined.map(Membership::keep);
            }
        });
        for (round, registration) in registrations.iter().enumerate() {
            in_step(round, round / 40 % 40);
            assert!(now(broker.unregister(registration)));
        }
    });
    assert_eq!(now(broker.providers(&search())), []);
}

/// Asks the broker as soon as it is woken, wherever that is, and has the actor join and leave.
struct Asks {
    broker: Broker,
    actor: Registration,
    answers: mpsc::Sender<usize>,
}

impl Wake for Asks {
    fn wake(self: Arc<Self>) {
        let mut changes = self.broker.follow_service(&search(), 1);
        assert!(changes.try_next().is_some());
        drop(now(inbox(&self.broker, &search(), 1)));
        now(self.broker.join(&pool("others"), &self.actor, MemberOptions::new())).unwrap().leave();
        self.answers.send(now(self.broker.providers(&search())).len()).unwrap();
    }
}

#[test]
fn who_follows_is_woken_when_no_lock_is_held() {
    let (broker, (answers, answered)) = (Broker::new(), mpsc::channel());
    let actor = now(inbox(&broker, &named("actor"), 1));
    let asks = Asks { broker: broker.clone(), actor: actor.registration(), answers: answers.clone() };
    let asks = Waker::from(Arc::new(asks));
    thread::spawn(move || {
        let mut changes = broker.follow_service(&search(), 8);
        let mut wait = || {
            while changes.try_next().is_some() {}
            assert!(pin!(changes.next()).as_mut().poll(&mut Context::from_waker(&asks)).is_pending());
        };
        wait();
        let resident = now(inbox(&broker, &search(), 1));
        wait();
        drop(resident);
        wait();
        let membership = now(broker.join(&search(), &actor.registration(), MemberOptions::new())).unwrap();
        wait();
        drop(membership);
        answers.send(usize::MAX).unwrap();
        drop(actor);
    });
    // Patience for one that would wait for itself for ever.
    let counts = [(); 5].map(|()| answered.recv_timeout(Duration::from_secs(20)).unwrap());
    assert_eq!(counts, [1, 0, 1, 0, usize::MAX]);
}
