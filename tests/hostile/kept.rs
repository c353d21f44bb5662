//! Kept by the broker, to the end of that.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use switchboard::actor::StopCause;
use switchboard::broker::MessageBroker;
use switchboard::dead_letters::{DeadLetterFilter, DeadLetterReason};
use switchboard::mailbox::MailboxOptions;

use crate::common::settle;
use crate::office::{DESK, Office, Order, SECOND, Trick};

#[tokio::test(start_paused = true)]
async fn pushed_out_of_a_full_store_it_does_not_go_off_in_whoever_adds_another() {
    let office = Office::keeping(2);
    for number in 1..=5 {
        let inbox = office.broker.register(&DESK, MailboxOptions::bounded(1)).await.unwrap();
        office.broker.send(&DESK, office.bomb(number)).await.unwrap();
        drop(inbox);
    }
    let letters = office.broker.dead_letters().take(&DeadLetterFilter::all());
    let numbers: Vec<_> = letters.into_iter().map(|letter| letter.envelope.into_message().defuse()).collect();
    assert_eq!((numbers, office.broker.dead_letters().dropped()), (vec![4, 5], 3));
    office.assert_stands(3).await;
}

#[tokio::test(start_paused = true)]
async fn letters_that_come_back_to_a_store_that_is_full_by_then_end_one_by_one() {
    let office = Office::keeping(4);
    let leave = async |numbers: std::ops::RangeInclusive<u64>| {
        let inbox = office.broker.register(&DESK, MailboxOptions::bounded(8)).await.unwrap();
        for number in numbers {
            office.broker.send(&DESK, office.bomb(number)).await.unwrap();
        }
        drop(inbox);
    };
    leave(1..=4).await;
    let refused = office.broker.dead_letters().redrive(&DeadLetterFilter::all()).refused.len();
    assert_eq!((refused, office.broker.dead_letters().len()), (4, 4));
    leave(5..=8).await;
    office.assert_stands(4).await;
    // Each of the rest ends with the broker, though all of them go off.
    let gone_off = Arc::clone(&office.gone_off);
    drop(office);
    settle().await;
    assert_eq!(gone_off.load(Ordering::SeqCst), 8);
}

#[tokio::test(start_paused = true)]
async fn reading_letters_of_which_one_can_not_be_cloned_loses_none() {
    let office = Office::keeping(8);
    let inbox = office.broker.register(&DESK, MailboxOptions::bounded(8)).await.unwrap();
    for (number, trick) in [(1, Trick::Drop), (2, Trick::Drop), (3, Trick::Clone)] {
        office.broker.send(&DESK, office.parcel(number, trick, Order::Note)).await.unwrap();
    }
    drop(inbox);
    let letters = office.broker.dead_letters();
    let read = catch_unwind(AssertUnwindSafe(|| letters.read(&DeadLetterFilter::all()).len()));
    assert!(read.is_err(), "the panic is the reader's");
    assert_eq!(letters.len(), 3);
    let taken = letters.take(&DeadLetterFilter::all());
    let numbers: Vec<_> = taken.into_iter().map(|letter| letter.envelope.into_message().defuse()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    office.assert_stands(2).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_all_that_waits_anywhere_though_each_goes_off() {
    let office = Office::keeping(1);
    let actor = office.spawn_held(MailboxOptions::bounded(8)).await;
    for number in 1..=3 {
        office.broker.send(&DESK, office.bomb(number)).await.unwrap();
        office.broker.send_after(1_000 * SECOND, &DESK, office.bomb(10 + number)).await.unwrap();
        office.broker.send_every(1_000 * SECOND, &DESK, office.bomb(20 + number)).await.unwrap();
    }
    let report = office.broker.shutdown(SECOND).await;
    // The one in the handler, three in its mailbox, and three that were not due.
    assert_eq!((report.aborted, report.abandoned), (1, 7));
    assert_eq!(actor.join().await, StopCause::Aborted);
    let audit = office.broker.audit();
    assert!(audit.is_balanced() && audit.is_at_rest(), "{audit}");
    let kept = usize::from(matches!(
        &office.broker.dead_letters().list(&DeadLetterFilter::all())[..],
        [letter] if letter.reason == DeadLetterReason::ShutDown
    ));
    let gone_off = office.gone_off.load(Ordering::SeqCst);
    assert_eq!(office.broker.metrics().message_panics, gone_off as u64);
    assert!(kept == 1 && (8..=9).contains(&gone_off), "all of them but what is kept: {gone_off}");
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_dropped_with_all_it_holds_ends_each() {
    let office = Office::keeping(8);
    let inbox = office.broker.register(&DESK, MailboxOptions::bounded(8)).await.unwrap();
    for number in 1..=2 {
        office.broker.send(&DESK, office.bomb(number)).await.unwrap();
        drop(office.broker.send_after(1_000 * SECOND, &DESK, office.bomb(10 + number)).await.unwrap());
        drop(office.broker.send_every(1_000 * SECOND, &DESK, office.bomb(20 + number)).await.unwrap());
    }
    drop(inbox);
    let gone_off = Arc::clone(&office.gone_off);
    drop(office);
    settle().await;
    assert_eq!(gone_off.load(Ordering::SeqCst), 6);
}
