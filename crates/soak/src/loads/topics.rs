//! What is published reaches all who have subscribed, in order, while subscribers come and go, and slow ones lose their own.

use std::time::Duration;

use switchboard::actor::{Delivery, SpawnOptions};
use switchboard::address::{ActorId, Name};
use switchboard::broker::MessageBroker;
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::MessageEnvelope;
use switchboard::topics::{Interest, Subject, Subscription};
use switchboard::{pattern, subject};
use tokio::time::{Instant, timeout_at};

use super::address::address;
use crate::candidate::Candidate;
use crate::job::{Course, Job};
use crate::player::Player;
use crate::worker::Begun;

/// Publishes, to an actor that stays subscribed besides those who come and go.
pub(crate) async fn publish<C: Candidate>(mut player: Player<C>) {
    let reader = address("named:soak.topics.reader");
    let kept = player.spawn(&reader, SpawnOptions::new()).await;
    let stays = player.broker().subscribe_actor(pattern!("soak.eu.>"), &reader).await;
    loop {
        while let Some(due) = player.turn().await {
            for _ in 0..due {
                let (subject, job) = draw(&mut player);
                player.client.publish(&subject, MessageEnvelope::new(job)).await;
            }
        }
        if !player.rest().await {
            drop((kept, stays));
            return;
        }
    }
}

/// Something to publish. What a group shares has no order.
fn draw<C: Candidate>(player: &mut Player<C>) -> (Subject, Job) {
    match player.rng.u8(..4) {
        0 => (subject!("soak.eu.created"), player.step(0, false, Course::Well)),
        1 => (subject!("soak.us.created"), player.step(0, false, Course::Well)),
        2 => (subject!("soak.us.gone"), player.step(0, false, Course::Well)),
        _ => (subject!("shared.work"), player.job(Course::Well)),
    }
}

/// Subscribes, receives for a while and goes, again and again.
pub(crate) async fn subscribe<C: Candidate>(mut player: Player<C>) {
    loop {
        while player.turn().await.is_some() {
            visit(&mut player).await;
        }
        if !player.rest().await {
            return;
        }
    }
}

async fn visit<C: Candidate>(player: &mut Player<C>) {
    let interest: Interest = match player.rng.u8(..5) {
        0 => pattern!("soak.*.created").into(),
        1 => pattern!("soak.us.>").into(),
        2 => pattern!("soak.us.gone").into(),
        _ => shared(),
    };
    let strategies = [BackpressureStrategy::Block, BackpressureStrategy::DropOldest, BackpressureStrategy::DropNewest];
    let strategy = *player.pick(&strategies);
    let mailbox = MailboxOptions::bounded(player.rng.usize(1..16)).strategy(strategy);
    let subscription = match player.broker().subscribe(interest, mailbox).await {
        Ok(subscription) => subscription,
        Err(error) => return player.broken(|| format!("nobody could subscribe: {error}")),
    };
    let until = Instant::now() + Duration::from_millis(player.millis(120));
    receive(player, subscription, until).await;
}

async fn receive<C: Candidate>(player: &mut Player<C>, mut subscription: Subscription<Job, C::Broker>, until: Instant) {
    let is_slow = player.rng.u8(..3) == 0;
    while let Ok(Some(delivery)) = timeout_at(until, subscription.recv()).await {
        let fails = player.rng.u8(..64) == 0;
        settle(player, subscription.id(), delivery, fails);
        if is_slow {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    if player.rng.bool() {
        subscription.close();
        while let Some(delivery) = subscription.try_recv() {
            settle(player, subscription.id(), delivery, false);
        }
    }
}

fn settle<C: Candidate>(player: &Player<C>, receiver: ActorId, delivery: Delivery<Job, C::Broker>, fails: bool) {
    let begun = Begun::new(player.desk(), delivery.envelope(), receiver);
    if fails {
        begun.given_back();
        delivery.fail("as it was told to");
    } else {
        begun.handled();
        drop(delivery);
    }
}

fn shared() -> Interest {
    pattern!("shared.>").in_group(Name::new("soak").expect("it is a name"))
}
