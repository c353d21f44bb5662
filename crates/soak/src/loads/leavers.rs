//! Callers who go away: while they wait for an answer, and while they wait for room.

use std::time::Duration;

use futures_util::future::join_all;
use switchboard::actor::SpawnOptions;
use switchboard::mailbox::MailboxOptions;
use switchboard::message::MessageEnvelope;
use tokio::time::timeout;

use super::address::address;
use crate::book::Call;
use crate::candidate::Candidate;
use crate::job::Course;
use crate::player::Player;

/// How many callers there are at once.
const AT_ONCE: u32 = 16;

pub(crate) async fn run<C: Candidate>(mut player: Player<C>) {
    let clerk = address("named:soak.leavers");
    let kept = player.spawn(&clerk, SpawnOptions::new().mailbox(MailboxOptions::bounded(4))).await;
    loop {
        while let Some(mut due) = player.turn().await {
            while due > 0 {
                let now = due.min(AT_ONCE);
                leave(&mut player, &clerk, now).await;
                due -= now;
            }
        }
        if !player.rest().await {
            drop(kept);
            return;
        }
    }
}

async fn leave<C: Candidate>(player: &mut Player<C>, clerk: &switchboard::ActorAddress, callers: u32) {
    let mut calls = Vec::new();
    for _ in 0..callers {
        let course = if player.rng.bool() { Course::Slow(player.millis(3)) } else { Course::Well };
        let envelope = MessageEnvelope::new(player.job(course));
        calls.push((envelope, player.rng.bool(), Duration::from_micros(player.rng.u64(..8_000))));
    }
    let client = &player.client;
    join_all(calls.into_iter().map(async |(envelope, asks, patience)| {
        let number = envelope.message().number;
        if asks {
            return drop(timeout(patience, client.request(clerk, envelope)).await);
        }
        if timeout(patience, client.send(clerk, envelope)).await.is_err() {
            client.desk.book(client.load).called(number, Call::Unknown);
        }
    }))
    .await;
}
