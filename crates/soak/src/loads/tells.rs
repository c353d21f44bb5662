//! Messages to one actor by id, by name and by route, and to a service: nothing out of order, nothing lost.

use switchboard::actor::SpawnOptions;
use switchboard::address::{ActorAddress, ActorId};
use switchboard::message::MessageEnvelope;

use super::address::address;
use crate::candidate::Candidate;
use crate::job::Course;
use crate::player::Player;

pub(crate) async fn run<C: Candidate>(mut player: Player<C>, task: u64) {
    let name: ActorAddress = address(&format!("named:soak.tells.{task}"));
    let addresses = [ActorAddress::Id(ActorId::next()), name, address("service:soak.tells")];
    let mut kept = Vec::new();
    for address in &addresses {
        kept.extend(player.spawn(address, SpawnOptions::new()).await);
    }
    loop {
        while let Some(due) = player.turn().await {
            for _ in 0..due {
                tell(&mut player, &addresses).await;
            }
        }
        if !player.rest().await {
            return;
        }
    }
}

async fn tell<C: Candidate>(player: &mut Player<C>, addresses: &[ActorAddress]) {
    let lane = player.rng.usize(..addresses.len());
    let to = &addresses[lane];
    let job = match to {
        ActorAddress::Service(_) => player.job(Course::Well),
        _ => player.step(lane as u64, false, Course::Well),
    };
    let number = job.number;
    let envelope = MessageEnvelope::new(job);
    match player.rng.u8(..8) {
        0 => player.client.try_send(to, envelope),
        1 | 2 => match player.in_memory().map(|broker| broker.route(to)) {
            // A route leads to the same mailbox, so what goes by it keeps its place among the others.
            Some(Ok(route)) => player.client.sent(number, route.send(envelope).await),
            _ => player.client.send(to, envelope).await,
        },
        _ => player.client.send(to, envelope).await,
    }
}
