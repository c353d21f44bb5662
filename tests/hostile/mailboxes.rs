//! In a mailbox, or on its way out of one.

use std::sync::atomic::Ordering;

use switchboard::SpawnOptions;
use switchboard::actor::{OnPanic, StopCause};
use switchboard::broker::MessageBroker;
use switchboard::dead_letters::DeadLetterOptions;
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions, mailbox};
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;

use crate::common::{poll_once, settle};
use crate::office::{Broker, DESK, Office, Order, SECOND, Trick};

#[tokio::test(start_paused = true)]
async fn handled_it_is_its_handlers_panic_and_the_others_are_handled() {
    let office = Office::keeping(0);
    let clerk = office.clerk.clone();
    let options = SpawnOptions::new().on_panic(OnPanic::Rebuild);
    let actor = office.broker.spawn_with(&DESK, options, move || clerk.clone()).await.unwrap();
    for parcel in [office.bomb(1), office.plain(2), office.bomb(3), office.plain(4)] {
        office.broker.send(&DESK, parcel).await.unwrap();
    }
    settle().await;
    assert_eq!(office.clerk.log.numbers(), [1, 2, 3, 4]);
    assert_eq!((office.outcome(Outcome::Failed), office.outcome(Outcome::Handled)), (2, 2));
    assert_eq!(office.broker.metrics().total.panics, 2);
    office.assert_works().await;
    assert_eq!(actor.drain().await, StopCause::Drained);
}

#[tokio::test(start_paused = true)]
async fn what_a_panic_carries_may_go_off_as_well() {
    let office = Office::keeping(0);
    let clerk = office.clerk.clone();
    let options = SpawnOptions::new().on_panic(OnPanic::Rebuild);
    let _actor = office.broker.spawn_with(&DESK, options, move || clerk.clone()).await.unwrap();
    office.broker.send(&DESK, office.parcel(1, Trick::Drop, Order::Throw)).await.unwrap();
    office.broker.send(&DESK, office.plain(2)).await.unwrap();
    settle().await;
    assert_eq!((office.clerk.log.numbers(), office.gone_off.load(Ordering::SeqCst)), (vec![1, 2], 1));
    office.assert_works().await;
}

#[tokio::test(start_paused = true)]
async fn evicted_it_does_not_go_off_in_the_hands_of_whoever_sends_another() {
    for strategy in [BackpressureStrategy::DropOldest, BackpressureStrategy::DropNewest] {
        let office = Office::keeping(0);
        let actor = office.spawn_held(MailboxOptions::bounded(1).strategy(strategy)).await;
        for number in 1..=3 {
            office.broker.send(&DESK, office.bomb(number)).await.unwrap();
        }
        assert_eq!(office.outcome(Outcome::Evicted), 2);
        actor.stop();
        office.clerk.gate.let_all_go();
        assert_eq!(actor.join().await, StopCause::Stopped);
        assert_eq!((office.outcome(Outcome::Abandoned), office.outcome(Outcome::Handled)), (1, 1));
        office.assert_stands(3).await;
    }
}

#[tokio::test(start_paused = true)]
async fn expired_or_cancelled_it_does_not_go_off_in_the_actor_that_finds_it() {
    let office = Office::keeping(0);
    let actor = office.spawn_held(MailboxOptions::bounded(8)).await;
    for number in 1..=2 {
        office.broker.send(&DESK, MessageEnvelope::new(office.bomb(number)).within(SECOND)).await.unwrap();
    }
    for number in 3..=4 {
        let mut request = Box::pin(office.broker.request(&DESK, office.bomb(number)));
        assert!(poll_once(request.as_mut()).is_pending());
    }
    office.broker.send(&DESK, office.plain(5)).await.unwrap();
    tokio::time::advance(2 * SECOND).await;
    office.clerk.gate.let_all_go();
    assert_eq!(actor.drain().await, StopCause::Drained);
    assert_eq!(office.clerk.log.numbers(), [0, 5]);
    assert_eq!((office.outcome(Outcome::Expired), office.outcome(Outcome::Cancelled)), (2, 2));
    office.assert_stands(4).await;
}

#[tokio::test(start_paused = true)]
async fn abandoned_at_a_stop_each_ends_whatever_the_others_do() {
    for by_whom in ["stop", "abort", "inbox"] {
        let office = Office::keeping(0);
        let actor = if by_whom == "inbox" {
            let inbox = office.broker.register(&DESK, MailboxOptions::bounded(8)).await.unwrap();
            for number in 1..=4 {
                office.broker.send(&DESK, office.bomb(number)).await.unwrap();
            }
            drop(inbox);
            None
        } else {
            let actor = office.spawn_held(MailboxOptions::bounded(8)).await;
            for number in 1..=4 {
                office.broker.send(&DESK, office.bomb(number)).await.unwrap();
            }
            Some(actor)
        };
        if let Some(actor) = actor {
            if by_whom == "stop" {
                actor.stop();
            } else {
                actor.abort();
            }
            office.clerk.gate.let_all_go();
            actor.join().await;
        }
        let in_hand = u64::from(by_whom == "abort");
        assert_eq!(office.outcome(Outcome::Abandoned), 4 + in_hand, "{by_whom}");
        office.assert_stands(4).await;
    }
}

#[tokio::test(start_paused = true)]
async fn in_hand_of_a_handler_that_is_ended_it_takes_nothing_along() {
    let office = Office::keeping(0);
    let actor = office.spawn(&DESK, MailboxOptions::bounded(8)).await;
    office.broker.send(&DESK, office.parcel(1, Trick::Drop, Order::Hold)).await.unwrap();
    office.clerk.gate.arrival().await;
    for number in 2..=3 {
        office.broker.send(&DESK, office.bomb(number)).await.unwrap();
    }
    let envelope = MessageEnvelope::new(office.bomb(4)).at_least_once();
    office.broker.send(&DESK, envelope).await.unwrap();
    actor.abort();
    actor.join().await;
    assert_eq!(office.outcome(Outcome::Abandoned), 4);
    // The one in hand is the handler's own.
    assert_eq!((office.gone_off.load(Ordering::SeqCst), office.broker.metrics().message_panics), (4, 3));
    office.assert_works().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_handled_before_goes_off_in_nobodys_hands() {
    let office = Office::keeping(0);
    let options = SpawnOptions::new().duplicate_window(8);
    let actor = office.spawn_with(&DESK, options).await;
    let first = MessageEnvelope::new(office.plain(1));
    let mut again = first.clone();
    *again.message_mut() = office.bomb(1);
    office.broker.send(&DESK, first).await.unwrap();
    office.broker.send(&DESK, again).await.unwrap();
    settle().await;
    assert_eq!((office.outcome(Outcome::Handled), office.outcome(Outcome::Duplicate)), (1, 1));
    office.assert_stands(1).await;
    assert_eq!(actor.drain().await, StopCause::Drained);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_hibernates_survives_what_it_finds_when_it_wakes() {
    let options = DeadLetterOptions::new().capacity(0);
    let office = Office::of(Broker::builder().dead_letters(options).hibernate_after(SECOND).build().unwrap());
    let actor = office.spawn(&DESK, MailboxOptions::bounded(8)).await;
    let rest = async || {
        tokio::time::sleep(5 * SECOND).await;
        assert!(office.broker.metrics().actors.iter().any(|actor| actor.hibernates));
    };
    rest().await;
    let mut request = Box::pin(office.broker.request(&DESK, office.bomb(1)));
    assert!(poll_once(request.as_mut()).is_pending());
    drop(request);
    settle().await;
    assert_eq!(office.outcome(Outcome::Cancelled), 1);
    office.broker.send(&DESK, office.plain(2)).await.unwrap();
    settle().await;
    assert_eq!(office.clerk.log.numbers(), [2]);
    rest().await;
    for number in 3..=4 {
        office.broker.try_send(&DESK, office.bomb(number)).unwrap();
    }
    actor.stop();
    assert_eq!(actor.join().await, StopCause::Stopped);
    assert_eq!(office.outcome(Outcome::Abandoned), 2);
    office.assert_stands(3).await;
}

#[tokio::test]
async fn a_mailbox_without_a_broker_ends_each_that_is_left_in_it() {
    let office = Office::keeping(0);
    let (sender, receiver) = mailbox(MailboxOptions::bounded(8)).unwrap();
    for number in 1..=3 {
        assert!(sender.try_send(office.bomb(number)).unwrap().evicted.is_none());
    }
    drop(receiver);
    assert_eq!(office.gone_off.load(Ordering::SeqCst), 3);
}
