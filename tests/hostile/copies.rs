//! Cloned, sent later or again, or given as an answer.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use switchboard::actor::StopCause;
use switchboard::broker::MessageBroker;
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;
use switchboard::topics::{Subject, SubjectPattern};

use crate::common::{poll_once, pool, settle};
use crate::office::{DESK, Office, Order, SECOND, Trick, twice};

#[tokio::test(start_paused = true)]
async fn published_to_several_of_whom_some_have_no_room_it_goes_to_the_others() {
    let office = Office::keeping(0);
    let pattern = SubjectPattern::new("post.>").unwrap();
    let subscribe = async |room| {
        office
            .broker
            .subscribe(pattern.clone(), MailboxOptions::bounded(room).strategy(BackpressureStrategy::Error))
            .await
    };
    let (full, roomy, last) = (subscribe(1).await.unwrap(), subscribe(8).await.unwrap(), subscribe(1).await.unwrap());
    let subject = Subject::new("post.in").unwrap();
    let first = office.broker.publish(&subject, office.plain(1)).await;
    assert_eq!(first.delivered, 3);
    let second = office.broker.publish(&subject, office.bomb(2)).await;
    assert_eq!((second.delivered, second.refused), (1, 2));
    assert_eq!(roomy.depth(), 2);
    let copies = office.gone_off.load(Ordering::SeqCst);
    assert_eq!(office.broker.metrics().message_panics, copies as u64, "those nobody took");

    let publish = AssertUnwindSafe(office.broker.publish(&subject, office.parcel(3, Trick::Both, Order::Note)));
    assert!(publish.catch_unwind().await.is_err(), "the panic is the publisher's");
    drop((full, roomy, last));
    assert_eq!(office.broker.metrics().publishing.published, 3);
    let panics = office.gone_off.load(Ordering::SeqCst);
    office.assert_stands(panics).await;
}

#[tokio::test(start_paused = true)]
async fn for_all_members_of_a_group_one_that_can_not_be_cloned_ends_nobody() {
    let office = Office::keeping(0);
    office.broker.set_broadcast(&pool("desks")).unwrap();
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(office.spawn(&pool("desks"), MailboxOptions::bounded(8)).await);
    }
    let scheduled = office.parcel(1, Trick::Clone, Order::Note);
    office.broker.send_after(SECOND, &pool("desks"), scheduled).await.unwrap();
    office.broker.send_after(SECOND, &pool("desks"), office.plain(2)).await.unwrap();
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(office.clerk.log.numbers().iter().filter(|number| **number == 2).count(), 3);
    assert_eq!(office.broker.metrics().message_panics, 1);
    office.assert_works().await;
}

#[tokio::test(start_paused = true)]
async fn sent_at_least_once_its_copy_goes_off_in_nobodys_hands() {
    let office = Office::keeping(0);
    let actor = office.spawn(&DESK, MailboxOptions::bounded(8)).await;
    let send = async |parcel| {
        office.broker.send(&DESK, MessageEnvelope::new(parcel).at_least_once().with_retry(twice())).await.unwrap();
    };
    // Fails twice, and the copy is let go of.
    send(office.parcel(1, Trick::Drop, Order::Fail)).await;
    // Has no copy.
    send(office.parcel(2, Trick::Clone, Order::Note)).await;
    send(office.plain(3)).await;
    tokio::time::sleep(3 * SECOND).await;
    assert_eq!(office.clerk.log.numbers(), [1, 3, 1]);
    assert_eq!((office.outcome(Outcome::Failed), office.outcome(Outcome::Handled)), (2, 1));
    assert_eq!((office.gone_off.load(Ordering::SeqCst), office.broker.metrics().message_panics), (1, 2));
    // Waits for its next attempt when all ends.
    send(office.parcel(4, Trick::Drop, Order::Fail)).await;
    settle().await;
    assert_eq!(office.broker.audit().waiting, 1);
    office.assert_works().await;
    actor.stop();
    assert_eq!(actor.join().await, StopCause::Stopped);
    office.broker.shutdown(SECOND).await;
    let audit = office.broker.audit();
    assert!(audit.is_balanced() && audit.is_at_rest(), "{audit}");
    assert_eq!((office.gone_off.load(Ordering::SeqCst), office.broker.metrics().message_panics), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn scheduled_it_does_not_end_the_task_that_keeps_the_time() {
    let office = Office::keeping(0);
    let broker = &office.broker;
    broker.send_after(SECOND, &DESK, office.bomb(1)).await.unwrap();
    broker
        .send_after(SECOND, &DESK, MessageEnvelope::new(office.bomb(2)).within(Duration::ZERO))
        .await
        .unwrap_err()
        .into_inner()
        .defuse();
    // Nobody takes its copies, and then there are none.
    let refused = broker.send_every(SECOND, &DESK, office.bomb(3)).await.unwrap();
    let uncloned = broker.send_every(SECOND, &DESK, office.parcel(4, Trick::Both, Order::Note)).await.unwrap();
    tokio::time::sleep(SECOND * 5 / 2).await;
    assert_eq!((refused.missed(), uncloned.missed(), office.outcome(Outcome::Abandoned)), (2, 2, 1));
    assert_eq!(office.gone_off.load(Ordering::SeqCst), 3);
    assert_eq!(broker.metrics().message_panics, 5, "two of which were clones");
    refused.cancel();
    uncloned.cancel();
    assert_eq!(office.gone_off.load(Ordering::SeqCst), 5);
    office.assert_works().await;
}

#[tokio::test(start_paused = true)]
async fn replies_that_are_late_or_unread_go_off_in_nobodys_hands() {
    let office = Office::keeping(0);
    let actor = office.spawn(&DESK, MailboxOptions::bounded(8)).await;
    for is_late in [true, false] {
        let mut request = Box::pin(office.broker.request(&DESK, office.parcel(1, Trick::Drop, Order::Answer)));
        assert!(poll_once(request.as_mut()).is_pending());
        office.clerk.gate.arrival().await;
        if is_late {
            drop(request);
            office.clerk.gate.let_go(1);
            settle().await;
        } else {
            office.clerk.gate.let_go(1);
            settle().await;
            drop(request);
        }
    }
    assert_eq!(office.broker.metrics().late_replies, 1);
    assert_eq!((office.outcome(Outcome::Handled), office.broker.metrics().total.panics), (2, 0));
    office.assert_stands(2).await;
    assert_eq!(actor.drain().await, StopCause::Drained);
}
