//! At least once: handlers that fail, panic, reject, and want a message later, in any order and in strict order.

use std::time::Duration;

use switchboard::actor::{OnPanic, SpawnOptions};
use switchboard::address::ActorAddress;
use switchboard::message::MessageEnvelope;
use switchboard::retry::{Backoff, RetryPolicy};

use super::address::address;
use crate::book::REPEATS;
use crate::candidate::Candidate;
use crate::job::{Course, Job};
use crate::player::Player;

const PATIENCE: RetryPolicy =
    RetryPolicy::attempts(4).backoff(Backoff::exponential(Duration::from_millis(2)).cap(Duration::from_millis(20)));

pub(crate) async fn run<C: Candidate>(mut player: Player<C>) {
    let (loose, strict) = (address("named:soak.retries"), address("named:soak.retries.in-order"));
    let options = SpawnOptions::new().on_panic(OnPanic::Rebuild);
    let kept = [player.spawn(&loose, options).await, player.spawn(&strict, options.in_order()).await];
    loop {
        while let Some(due) = player.turn().await {
            for _ in 0..due {
                send(&mut player, [&loose, &strict]).await;
            }
        }
        if !player.rest().await {
            drop(kept);
            return;
        }
    }
}

async fn send<C: Candidate>(player: &mut Player<C>, [loose, strict]: [&ActorAddress; 2]) {
    let course = match player.rng.u8(..48) {
        0 => Course::Fails(u16::MAX),
        1 => Course::Panics(player.rng.u16(1..6)),
        2 => Course::Rejects(1),
        3 => Course::Again(player.millis(15)),
        4..=9 => Course::Fails(player.rng.u16(1..4)),
        _ => Course::Well,
    };
    // In order, a message that waits holds up all others, so there are fewer of those.
    let (to, job) = match player.rng.u8(..4) {
        0 => (strict, player.step(0, false, course)),
        _ => (loose, player.job(course)),
    };
    let envelope = at_least_once(player, job).with_retry(PATIENCE);
    if player.rng.bool() {
        player.client.send(to, envelope).await;
    } else {
        player.client.try_send(to, envelope);
    }
}

/// The job in an envelope that is sent at least once.
pub(super) fn at_least_once<C: Candidate>(player: &Player<C>, job: Job) -> MessageEnvelope<Job> {
    player.desk().book(job.load).mark(job.number, REPEATS);
    MessageEnvelope::new(job).at_least_once()
}
