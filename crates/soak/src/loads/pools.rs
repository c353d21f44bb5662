//! Pools of every strategy whose members come and go, down to none: nothing lost, and each key's messages in order, with one
//! member at a time.

use std::time::Duration;

use switchboard::actor::{ActorHandle, OnPanic, SpawnOptions};
use switchboard::address::ActorAddress;
use switchboard::balancing::Strategy;
use switchboard::broker::MessageBroker;
use switchboard::mailbox::MailboxOptions;
use switchboard::message::MessageEnvelope;
use switchboard::pools::{PoolOptions, WorkerPool};
use switchboard::services::MemberOptions;

use super::address::address;
use crate::candidate::Candidate;
use crate::job::{Course, Job};
use crate::player::Player;

const KEYS: u64 = 16;

fn pool(strategy: Strategy) -> ActorAddress {
    address(&format!("pool:soak.pools.{strategy}"))
}

fn sized() -> ActorAddress {
    address("pool:soak.pools.sized")
}

pub(crate) async fn send<C: Candidate>(mut player: Player<C>) {
    loop {
        while let Some(due) = player.turn().await {
            for _ in 0..due {
                let strategy = *player.pick(Strategy::ALL);
                send_one(&mut player, strategy).await;
            }
        }
        if !player.rest().await {
            return;
        }
    }
}

async fn send_one<C: Candidate>(player: &mut Player<C>, strategy: Strategy) {
    let course = match player.rng.u8(..64) {
        0 => Course::Fails(1),
        1 if player.rng.u8(..8) == 0 => Course::Panics(1),
        2..6 => Course::Slow(player.millis(2)),
        _ => Course::Well,
    };
    let job = if strategy == Strategy::ConsistentHash {
        let key = player.rng.u64(..KEYS);
        Job { key: Some(format!("key {key}")), ..player.step(key, true, course) }
    } else {
        player.job(course)
    };
    let (to, envelope) = (pool(strategy), MessageEnvelope::new(job).balanced_by(strategy));
    match player.rng.u8(..32) {
        // What has a key stays with its pool, or its order would not hold.
        0 if strategy != Strategy::ConsistentHash => player.client.send(&sized(), envelope).await,
        1 if strategy != Strategy::ConsistentHash => player.client.broadcast(&to, envelope).await,
        2..20 => player.client.send(&to, envelope).await,
        _ => player.client.try_send(&to, envelope),
    }
}

/// Changes the members of all pools, until all have gone.
pub(crate) async fn change<C: Candidate>(mut player: Player<C>) {
    loop {
        let options = PoolOptions::between(1, 5).look_every(Duration::from_millis(20));
        let workers = WorkerPool::spawn(player.broker(), &sized(), options, player.factory()).await;
        let mut members: Vec<ActorHandle<Job>> = Vec::new();
        while let Some(due) = player.turn().await {
            for _ in 0..due.min(4) {
                change_one(&mut player, &mut members).await;
            }
            if let (Ok(workers), 0) = (&workers, player.rng.u8(..16)) {
                let size = player.rng.usize(1..6);
                drop(player.expect("a pool of another size", workers.resize(size)).await);
            }
        }
        for member in members {
            drop(player.expect("the end of a member", member.drain()).await);
        }
        match workers {
            Ok(workers) => drop(player.expect("the end of a pool", workers.drain()).await),
            Err(error) => player.broken(|| format!("there was no pool: {error}")),
        }
        if !player.rest().await {
            return;
        }
    }
}

async fn change_one<C: Candidate>(player: &mut Player<C>, members: &mut Vec<ActorHandle<Job>>) {
    let most = player.rng.usize(..20);
    if members.len() <= most {
        return members.extend(join(player).await);
    }
    let member = members.swap_remove(player.rng.usize(..members.len()));
    match player.rng.u8(..8) {
        0 => member.stop(),
        1 => member.abort(),
        2 => {
            player.broker().unregister(&member.registration()).await;
        }
        _ => {}
    }
    let (id, group) = (member.id(), member.address().clone());
    // To drain one that was stopped does nothing but wait.
    drop(player.expect("the end of a member", member.drain()).await);
    if player.broker().members(&group).await.contains(&id) {
        player.broken(|| format!("{id} has ended and is a member of `{group}`"));
    }
}

async fn join<C: Candidate>(player: &mut Player<C>) -> Option<ActorHandle<Job>> {
    let strategy = *player.pick(Strategy::ALL);
    let on_panic = if player.rng.bool() { OnPanic::Stop } else { OnPanic::Rebuild };
    let mailbox = MailboxOptions::bounded(player.rng.usize(1..16));
    let options = SpawnOptions::new().mailbox(mailbox).on_panic(on_panic).weight(player.rng.u32(1..5));
    let member = player.spawn(&pool(strategy), options).await?;
    if player.rng.u8(..4) == 0 {
        // Also one of another group, which it leaves when it ends.
        let options = MemberOptions::new().weight(2).tag("guest");
        match player.broker().join(&address("pool:soak.pools.power_of_two"), &member.registration(), options).await {
            Ok(membership) => membership.keep(),
            // It is there already, or was stopped by a panic.
            Err(_) => player.desk().ends.count("joins: refused"),
        }
    }
    Some(member)
}
