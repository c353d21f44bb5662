//! What a member was given of a message for all is that member's: delivered again, or redriven, it goes there.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::time::Duration;

use common::{Broker, Job, assert_at_rest, in_turns, inbox, named, pool, settle};
use switchboard::actor::{Delivery, Inbox};
use switchboard::address::ActorAddress;
use switchboard::broker::MessageBroker;
use switchboard::dead_letters::DeadLetterFilter;
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;
use switchboard::retry::{Backoff, RetryPolicy};

const SECOND: Duration = Duration::from_secs(1);

fn note(number: u64) -> MessageEnvelope<Job> {
    MessageEnvelope::new(Job::Note(number))
}

/// Members with room for so many each.
async fn desks(broker: &Broker, group: &ActorAddress, capacities: &[usize]) -> Vec<Inbox<Job, Broker>> {
    let mut desks = Vec::new();
    for &capacity in capacities {
        desks.push(inbox(broker, group, capacity).await);
    }
    desks
}

fn depths(desks: &[Inbox<Job, Broker>]) -> Vec<usize> {
    desks.iter().map(Inbox::depth).collect()
}

#[tokio::test(start_paused = true)]
async fn at_least_once_it_comes_back_to_the_member_that_failed_and_to_nobody_else() {
    let (broker, group) = (Broker::new(), pool("desks"));
    broker.set_retry(&group, RetryPolicy::attempts(3).backoff(Backoff::fixed(7 * SECOND))).unwrap();
    broker.set_broadcast(&group).unwrap();
    for by_itself in [true, false] {
        let mut desks = desks(&broker, &group, &[8; 3]).await;
        let envelope = note(1).at_least_once();
        broker.send(&group, if by_itself { envelope.to_all() } else { envelope }).await.unwrap();
        for (place, desk) in desks.iter_mut().enumerate() {
            let delivery = desk.recv().await.unwrap();
            if place == 1 { delivery.fail("out of ink") } else { drop(delivery) }
        }
        // The policy is that of the group that it was sent to.
        tokio::time::sleep(7 * SECOND - Duration::from_millis(1)).await;
        assert_eq!(depths(&desks), [0, 0, 0]);
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(depths(&desks), [0, 1, 0]);
        // And again.
        desks[1].recv().await.unwrap().fail("still none");
        tokio::time::sleep(8 * SECOND).await;
        assert_eq!(depths(&desks), [0, 1, 0]);
        let delivery = desks[1].recv().await.unwrap();
        assert_eq!(delivery.envelope().attempt(), 3);
        drop((delivery, desks));
        settle().await;
    }
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 6)]);
}

#[tokio::test(start_paused = true)]
async fn on_its_way_back_to_a_full_member_it_still_goes_by_the_policy_of_its_group() {
    let (broker, group) = (Broker::new(), pool("desks"));
    broker.set_retry(&group, RetryPolicy::attempts(3).backoff(Backoff::fixed(7 * SECOND))).unwrap();
    let mailbox = MailboxOptions::bounded(1).strategy(BackpressureStrategy::Error);
    let mut first = broker.register(&group, mailbox).await.unwrap();
    let second = inbox(&broker, &group, 8).await;
    broker.send(&group, note(1).to_all().at_least_once()).await.unwrap();
    first.recv().await.unwrap().fail("out of ink");
    broker.try_send(&first.id().into(), Job::Note(2)).unwrap();
    tokio::time::sleep(8 * SECOND).await;
    assert_eq!(first.recv().await.map(Delivery::into_message), Some(Job::Note(2)));
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(first.depth(), 0);
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!((first.depth(), second.depth()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_redelivery_of_what_went_to_one_member_is_for_one_after_the_group_has_changed_its_ways() {
    let (broker, group) = (in_turns(), pool("desks"));
    let mut desks = desks(&broker, &group, &[8; 3]).await;
    broker.send(&group, note(1).at_least_once()).await.unwrap();
    let first = desks.iter().position(|desk| desk.depth() == 1).unwrap();
    desks[first].recv().await.unwrap().retry_after(SECOND, "not yet");
    broker.set_broadcast(&group).unwrap();
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(depths(&desks).iter().sum::<usize>(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_is_redriven_to_the_member_whose_it_was() {
    let (broker, group) = (Broker::new(), pool("desks"));
    let mut desks = desks(&broker, &group, &[8; 3]).await;
    assert_eq!(broker.broadcast(&group, Job::Note(1)).await.delivered, 3);
    broker.send(&group, note(2).to_all()).await.unwrap();
    for _ in 0..2 {
        for (place, desk) in desks.iter_mut().enumerate() {
            let delivery = desk.recv().await.unwrap();
            if place == 1 { delivery.reject("illegible") } else { drop(delivery) }
        }
    }
    assert_eq!(broker.dead_letters().redrive(&DeadLetterFilter::all()).sent, 2);
    assert_eq!(depths(&desks), [0, 2, 0]);
    // As often as it takes, and whatever was tried in between.
    for _ in 0..2 {
        desks[1].recv().await.unwrap().reject("still so");
    }
    assert_eq!(broker.dead_letters().redrive_to(&DeadLetterFilter::all(), &named("nobody")).refused.len(), 2);
    assert_eq!(broker.dead_letters().redrive(&DeadLetterFilter::all()).sent, 2);
    assert_eq!(depths(&desks), [0, 2, 0]);
    // Somewhere else, it is a message for one.
    for _ in 0..2 {
        desks[1].recv().await.unwrap().reject("still so");
    }
    let others = pool("others");
    let spare = [inbox(&broker, &others, 8).await, inbox(&broker, &others, 8).await];
    assert_eq!(broker.dead_letters().redrive_to(&DeadLetterFilter::all(), &others).sent, 2);
    assert_eq!(spare[0].depth() + spare[1].depth(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_its_member_has_no_room_for_stays_that_members() {
    let (broker, group) = (Broker::new(), pool("desks"));
    let mailbox = MailboxOptions::bounded(1).strategy(BackpressureStrategy::Error);
    let mut first = broker.register(&group, mailbox).await.unwrap();
    let second = inbox(&broker, &group, 8).await;
    assert_eq!(broker.broadcast(&group, Job::Note(1)).await.delivered, 2);
    first.recv().await.unwrap().reject("illegible");
    broker.try_send(&first.id().into(), Job::Note(0)).unwrap();
    assert_eq!(broker.dead_letters().redrive(&DeadLetterFilter::all()).refused.len(), 1);
    drop(first.recv().await);
    assert_eq!(broker.dead_letters().redrive(&DeadLetterFilter::all()).sent, 1);
    assert_eq!((first.depth(), second.depth()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn sent_on_by_a_member_it_is_a_message_like_any_other() {
    let (broker, group, name, others) = (Broker::new(), pool("desks"), named("archive"), pool("others"));
    let mut desks = desks(&broker, &group, &[8; 2]).await;
    broker.send(&group, note(1).to_all().at_least_once()).await.unwrap();
    desks[0].recv().await.unwrap().retry_after(SECOND, "not yet");
    tokio::time::sleep(2 * SECOND).await;
    let share = desks[0].recv().await.unwrap().envelope().clone();
    assert_eq!(share.attempt(), 2);

    // At a name it comes back to whoever owns the name.
    let mut owner = inbox(&broker, &name, 8).await;
    broker.send(&name, share.clone()).await.unwrap();
    owner.recv().await.unwrap().retry_after(SECOND, "not yet");
    broker.unregister(&owner.registration()).await;
    let mut heir = inbox(&broker, &name, 8).await;
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(heir.depth(), 1);
    assert_eq!(heir.recv().await.unwrap().envelope().attempt(), 2);

    // Given to others, it begins anew.
    let mut other = inbox(&broker, &others, 8).await;
    assert_eq!(broker.broadcast(&others, share).await.delivered, 1);
    assert_eq!(other.recv().await.unwrap().envelope().attempt(), 1);
}
