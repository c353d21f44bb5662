//! More than a slow actor can handle, under every strategy for a full mailbox, with deadlines that pass and priorities.

use std::time::Duration;

use switchboard::actor::{ActorHandle, SpawnOptions};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::{MessageEnvelope, MessagePriority};

use super::address::address;
use crate::candidate::Candidate;
use crate::job::{Course, Job};
use crate::player::Player;

const CAPACITY: usize = 8;

/// How many messages come at once, at most.
const MOST: u32 = 48;

const STRATEGIES: [BackpressureStrategy; 4] = [
    BackpressureStrategy::Block,
    BackpressureStrategy::DropOldest,
    BackpressureStrategy::DropNewest,
    BackpressureStrategy::Error,
];

const PRIORITIES: [MessagePriority; 3] = [MessagePriority::Low, MessagePriority::Normal, MessagePriority::High];

pub(crate) async fn run<C: Candidate>(mut player: Player<C>, task: u64) {
    let mut desks = Vec::new();
    for strategy in STRATEGIES {
        let name = address(&format!("named:soak.floods.{task}.{strategy:?}"));
        let mailbox = MailboxOptions::bounded(CAPACITY).strategy(strategy).block_limit(Duration::from_millis(200));
        desks.extend(player.spawn(&name, SpawnOptions::new().mailbox(mailbox)).await);
    }
    let mut owed = 0;
    loop {
        while let Some(due) = player.turn().await {
            owed += due;
            if owed < MOST || desks.is_empty() {
                continue;
            }
            let (desk, messages) = (player.rng.usize(..desks.len()), player.rng.u32(1..=MOST));
            flood(&mut player, &desks[desk], messages).await;
            owed -= messages;
        }
        if !player.rest().await {
            return;
        }
    }
}

/// Sends it all at once, and looks whether the mailbox keeps its bound.
async fn flood<C: Candidate>(player: &mut Player<C>, desk: &ActorHandle<Job>, messages: u32) {
    for _ in 0..messages {
        let course = if player.rng.u8(..4) == 0 { Course::Slow(player.millis(2)) } else { Course::Well };
        let envelope = draw(player, course);
        if player.rng.u8(..8) == 0 {
            player.client.send(desk.address(), envelope).await;
        } else {
            player.client.try_send(desk.address(), envelope);
        }
        let depth = desk.depth();
        if depth > CAPACITY {
            player.broken(|| format!("{depth} messages wait at `{}`, which has room for {CAPACITY}", desk.address()));
        }
    }
}

/// In order within each priority.
fn draw<C: Candidate>(player: &mut Player<C>, course: Course) -> MessageEnvelope<Job> {
    let which = player.rng.usize(..PRIORITIES.len());
    let job = player.step(which as u64, false, course);
    let envelope = match player.rng.u8(..4) {
        0 => {
            let millis = player.millis(10);
            player.within(job, millis)
        }
        _ => MessageEnvelope::new(job),
    };
    envelope.with_priority(PRIORITIES[which])
}
