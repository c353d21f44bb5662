use switchboard::address::Name;
use switchboard::{BackpressureStrategy, MailboxOptions, MessageBroker, subject};

use crate::common::{Broker, inbox, named};
use crate::{in_group, publish, received, subscribe};

#[tokio::test]
async fn one_member_of_a_group_gets_each_message_and_each_has_its_share() {
    let broker = Broker::new();
    let mut members = Vec::new();
    for text in ["orders.>", "orders.*", "orders.eu"] {
        members.push(subscribe(&broker, in_group(text, "billing"), 8).await);
    }
    let mut stranger = subscribe(&broker, in_group("orders.*", "shipping"), 8).await;
    for number in 0..6 {
        assert_eq!(publish(&broker, &subject!("orders.eu"), number).await.delivered, 2);
    }
    let mut all: Vec<_> =
        members.iter_mut().map(received).inspect(|share| assert_eq!(share.len(), 2)).flatten().collect();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3, 4, 5]);
    assert_eq!(received(&mut stranger), [0, 1, 2, 3, 4, 5]);
    assert_eq!(stranger.interest().group().map(Name::as_str), Some("shipping"));

    // Of those that match only.
    publish(&broker, &subject!("orders.us.ny"), 6).await;
    assert_eq!(received(&mut members[0]), [6]);
}

#[tokio::test]
async fn a_group_passes_over_members_without_room_and_those_that_have_gone() {
    let broker = Broker::new();
    let latest = MailboxOptions::bounded(1).strategy(BackpressureStrategy::DropOldest);
    let mut full = broker.subscribe(in_group("a", "group"), latest).await.unwrap();
    let gone = subscribe(&broker, in_group("a", "group"), 8).await;
    let mut roomy = subscribe(&broker, in_group("a", "group"), 3).await;
    drop(gone);
    for number in 0..4 {
        assert_eq!(publish(&broker, &subject!("a"), number).await.delivered, 1);
    }
    assert_eq!((full.lost(), full.depth(), roomy.depth()), (0, 1, 3));

    // Where none has room, the strategies say what becomes of it, and it is one's loss.
    publish(&broker, &subject!("a"), 4).await;
    assert_eq!(full.lost() + roomy.lost(), 1);
    assert_eq!(received(&mut full), [4]);
    assert_eq!(received(&mut roomy).len(), 3);
}

#[tokio::test]
async fn a_group_passes_over_an_actor_without_room() {
    let broker = Broker::new();
    let busy = inbox(&broker, &named("busy"), 1).await;
    let _actor = broker.subscribe_actor(in_group("a", "group"), &named("busy")).await.unwrap();
    let other = subscribe(&broker, in_group("a", "group"), 8).await;
    for number in 0..5 {
        assert_eq!(publish(&broker, &subject!("a"), number).await.refused, 0);
    }
    assert_eq!((busy.depth(), other.depth()), (1, 4));
}

#[tokio::test]
async fn what_a_group_has_no_room_for_is_lost_to_one_member() {
    let broker = Broker::new();
    let one = subscribe(&broker, in_group("a", "group"), 1).await;
    let other = subscribe(&broker, in_group("a", "group"), 1).await;
    let mut refused = 0;
    for number in 0..5 {
        refused += publish(&broker, &subject!("a"), number).await.refused;
    }
    assert_eq!((refused, one.lost() + other.lost()), (3, 3));
}
