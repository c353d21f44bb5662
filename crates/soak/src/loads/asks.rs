//! Requests that are answered at once, late, from another task, by somebody else, or not at all, with time limits and without.

use futures_util::future::join_all;
use switchboard::actor::{OnPanic, SpawnOptions};
use switchboard::address::ActorAddress;
use switchboard::broker::AskError;
use switchboard::broker::MessageBroker;
use switchboard::message::MessageEnvelope;

use super::address::address;
use crate::book::Call;
use crate::candidate::Candidate;
use crate::job::{Course, Question};
use crate::player::Player;

/// How many requests of a task are under way at once.
const AT_ONCE: u32 = 24;

pub(crate) async fn run<C: Candidate>(mut player: Player<C>, task: u64) {
    let (desk, clerks) = (address(&format!("named:soak.asks.{task}")), address("service:soak.asks"));
    let options = SpawnOptions::new().on_panic(OnPanic::Rebuild);
    let mut kept = Vec::new();
    for address in [&desk, &clerks, &clerks] {
        kept.extend(player.spawn(address, options).await);
    }
    loop {
        while let Some(mut due) = player.turn().await {
            while due > 0 {
                let now = due.min(AT_ONCE);
                ask(&mut player, [&desk, &clerks], now).await;
                due -= now;
            }
        }
        if !player.rest().await {
            return;
        }
    }
}

async fn ask<C: Candidate>(player: &mut Player<C>, [desk, clerks]: [&ActorAddress; 2], requests: u32) {
    let mut asked = Vec::new();
    for _ in 0..requests {
        let to = if player.rng.u8(..3) == 0 { desk } else { clerks };
        let course = match player.rng.u8(..64) {
            0 => Course::Slow(player.millis(30)),
            1 => Course::Fails(1),
            2 => Course::Panics(1),
            3 => Course::Silent,
            4 | 5 => Course::Later(player.millis(40)),
            // Never from the clerks to each other, where one might wait for itself.
            6..=9 if to == desk => Course::Forward(clerks.clone()),
            _ => Course::Well,
        };
        let job = player.job(course);
        let envelope = match player.rng.u8(..8) {
            0 => {
                let millis = 1 + player.millis(60);
                player.within(job, millis)
            }
            1 => player.within(job, 2_500),
            _ => MessageEnvelope::new(job),
        };
        asked.push((to.clone(), envelope));
    }
    let client = &player.client;
    join_all(asked.into_iter().map(async |(to, envelope)| client.request(&to, envelope).await)).await;
    ask_typed(player, clerks).await;
}

/// One by its type, for which the header is made on the way.
async fn ask_typed<C: Candidate>(player: &mut Player<C>, to: &ActorAddress) {
    let job = player.job(Course::Well);
    let (number, load) = (job.number, job.load);
    player.desk().book(load).called(number, Call::Unknown);
    let asked = match player.broker().ask(to, Question(job)).await {
        Ok(answer) => Ok(answer.0),
        Err(AskError::Request(error)) => Err(error),
        Err(AskError::WrongReply(reply)) => Ok(reply),
    };
    player.client.asked(number, asked);
}
