use std::sync::Arc;
use std::task::{Poll, Waker};

use super::{Ended, Pending, RequestTable};
use crate::actor::{ActorKey, Epoch};
use crate::address::ActorId;
use crate::message::{Deadline, RequestKey};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{block_on, check, check_all, scope};

type Table = RequestTable<Arc<()>>;

fn actor() -> ActorKey {
    ActorKey { id: ActorId::next(), epoch: Epoch::next() }
}

/// A request of this task, before anything else is done about it.
async fn open<'a>(table: &'a Table, target: Epoch, deadline: Option<Deadline>) -> Pending<'a, Arc<()>> {
    let waker = std::future::poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    table.open(target, deadline, waker).unwrap()
}

/// Races `one` and `other` with a caller that waits. Gives how its request ended, when all are done.
fn race(
    table: &Table,
    deadline: Option<Deadline>,
    one: impl FnOnce(RequestKey) + Send,
    other: impl FnOnce(RequestKey) + Send,
) -> Result<Arc<()>, Ended> {
    scope(|scope| {
        block_on(async {
            let pending = open(table, Epoch::next(), deadline).await.polled_at_once();
            let key = pending.key();
            scope.spawn(move || one(key));
            scope.spawn(move || other(key));
            pending.await
        })
    })
}

/// Nothing is left of the requests, and the reply is nowhere but with whoever got it.
fn assert_over(table: &Table, reply: &Arc<()>, kept: usize) {
    assert_eq!((table.in_flight(), Arc::strong_count(reply)), (0, kept));
}

#[test]
fn a_reply_and_a_timeout_end_a_request_once() {
    check(|| {
        let (table, reply) = (Table::new(), Arc::new(()));
        let expire = |_| _ = table.expire();
        let ended = race(&table, Some(Deadline::PASSED), |key| table.reply(key, Arc::clone(&reply)), expire);
        match &ended {
            Ok(_) => assert_eq!(table.late_replies(), 0),
            Err(ended) => assert_eq!((ended, table.late_replies()), (&Ended::TimedOut { begun: false }, 1)),
        }
        assert_over(&table, &reply, 1 + usize::from(ended.is_ok()));
    });
}

#[test]
fn a_reply_and_a_handler_that_lets_go_end_a_request_once() {
    check(|| {
        let (table, reply) = (Table::new(), Arc::new(()));
        let let_go = |key| table.end(key, Ended::NoReply);
        let ended = race(&table, None, |key| table.reply(key, Arc::clone(&reply)), let_go);
        match &ended {
            Ok(_) => assert_eq!(table.late_replies(), 0),
            Err(ended) => assert_eq!((ended, table.late_replies()), (&Ended::NoReply, 1)),
        }
        assert_over(&table, &reply, 1 + usize::from(ended.is_ok()));
    });
}

#[test]
fn of_two_replies_one_is_late() {
    check(|| {
        let (table, reply) = (Table::new(), Arc::new(()));
        let answer = |key| table.reply(key, Arc::clone(&reply));
        assert!(race(&table, None, answer, answer).is_ok());
        assert_eq!(table.late_replies(), 1);
        assert_over(&table, &reply, 1);
    });
}

#[test]
fn a_reply_to_a_caller_that_goes_away_is_dropped_and_frees_its_entry() {
    let test = || {
        let (table, reply) = (Table::new(), Arc::new(()));
        scope(|scope| {
            let pending = table.open(Epoch::next(), None, Waker::noop().clone()).unwrap();
            let key = pending.key();
            scope.spawn({
                let (table, reply) = (&table, &reply);
                move || table.reply(key, Arc::clone(reply))
            });
            drop(pending);
            assert!(!table.begin(key));
        });
        assert!(table.late_replies() <= 1);
        assert_over(&table, &reply, 1);
    };
    check(test);
    check_all(test);
}

#[test]
fn what_a_handler_begins_was_still_waited_for() {
    check_all(|| {
        let table = Table::new();
        let gone = AtomicBool::new(false);
        scope(|scope| {
            let pending = table.open(Epoch::next(), None, Waker::noop().clone()).unwrap();
            let key = pending.key();
            let begins = scope.spawn({
                let (table, gone) = (&table, &gone);
                move || {
                    let was_gone = gone.load(Ordering::SeqCst);
                    assert!(!(table.begin(key) && was_gone));
                }
            });
            drop(pending);
            gone.store(true, Ordering::SeqCst);
            begins.join().unwrap();
        });
        assert_eq!(table.in_flight(), 0);
    });
}

#[test]
fn a_late_reply_never_reaches_the_next_request_in_its_slot() {
    check(|| {
        let (table, late, right) = (Table::new(), Arc::new(()), Arc::new(()));
        let answer = scope(|scope| {
            block_on(async {
                let first = open(&table, Epoch::next(), None).await;
                let key = first.key();
                scope.spawn({
                    let (table, late) = (&table, &late);
                    move || table.reply(key, Arc::clone(late))
                });
                drop(first);
                let second = open(&table, Epoch::next(), None).await;
                assert_eq!(second.key().slot(), key.slot());
                let key = second.key();
                scope.spawn({
                    let (table, right) = (&table, &right);
                    move || table.reply(key, Arc::clone(right))
                });
                second.await
            })
        });
        assert!(answer.is_ok_and(|answer| Arc::ptr_eq(&answer, &right)));
        assert_over(&table, &late, 1);
    });
}

#[test]
fn an_actor_that_stops_ends_a_request_unless_its_handler_has_begun() {
    check(|| {
        let (table, target, reply) = (Table::new(), Epoch::next(), Arc::new(()));
        let ended = scope(|scope| {
            block_on(async {
                let pending = open(&table, target, None).await.polled_at_once();
                let key = pending.key();
                scope.spawn(|| table.end_unbegun(target));
                scope.spawn({
                    let (table, reply) = (&table, &reply);
                    move || {
                        if table.begin(key) {
                            table.reply(key, Arc::clone(reply));
                        }
                    }
                });
                pending.await
            })
        });
        // Whoever has begun answers in time.
        assert_eq!(table.late_replies(), 0);
        if let Err(ended) = &ended {
            assert_eq!(*ended, Ended::Stopped { begun: false });
        }
        assert_over(&table, &reply, 1 + usize::from(ended.is_ok()));
    });
}

#[test]
fn a_request_that_gets_in_as_its_actor_stops_ends() {
    check(|| {
        let (table, target, stopping) = (Table::new(), actor(), AtomicBool::new(false));
        let ended = scope(|scope| {
            block_on(async {
                let pending = open(&table, target.epoch, None).await;
                let (_, wait) = table.waits_for_room(pending.key(), target);
                scope.spawn(|| {
                    stopping.store(true, Ordering::SeqCst);
                    table.end_unbegun(target.epoch);
                });
                table.got_in(pending.key(), wait, || stopping.load(Ordering::SeqCst));
                pending.await
            })
        });
        assert_eq!(ended, Err(Ended::Stopped { begun: false }));
        assert_eq!(table.in_flight(), 0);
    });
}
