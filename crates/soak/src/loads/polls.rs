//! Requests to all members of a group, to whoever is first, and to a second one if the first is slow.

use std::time::Duration;

use switchboard::actor::SpawnOptions;
use switchboard::address::ActorAddress;
use switchboard::calls::GroupCalls;

use super::address::address;
use crate::book::Call;
use crate::candidate::Candidate;
use crate::job::{Course, Job, Question};
use crate::player::Player;

/// How many are asked.
const MEMBERS: u16 = 3;

pub(crate) async fn run<C: Candidate>(mut player: Player<C>) {
    let group = address("service:soak.polls");
    let mut kept = Vec::new();
    for _ in 0..MEMBERS {
        kept.extend(player.spawn(&group, SpawnOptions::new()).await);
    }
    loop {
        while let Some(due) = player.turn().await {
            for _ in 0..due {
                poll(&mut player, &group).await;
            }
        }
        if !player.rest().await {
            return;
        }
    }
}

async fn poll<C: Candidate>(player: &mut Player<C>, group: &ActorAddress) {
    let course = if player.rng.u8(..8) == 0 { Course::Slow(player.millis(20)) } else { Course::Well };
    let job = player.job(course);
    let (load, number) = (job.load, job.number);
    // One request to each member, of which some may never have been made.
    player.desk().book(load).note(number, |entry| (entry.call, entry.lives) = (Call::Unknown, MEMBERS));
    let (question, broker) = (Question(job), player.broker().clone());
    let how = player.rng.u8(..3);
    let polling = async {
        let second = Duration::from_secs(1);
        match how {
            0 => broker
                .ask_all(group, question, second)
                .await
                .map(|all| all.into_replies().map(|answer| answer.0).collect()),
            1 => Ok(broker.ask_first(group, question, second).await.into_iter().map(|answer| answer.0).collect()),
            _ => {
                let after = Duration::from_millis(5);
                Ok(broker.ask_hedged(group, question, after).await.into_iter().map(|answer| answer.0).collect())
            }
        }
    };
    let answers: Vec<Job> = player.expect("the end of a poll", polling).await.and_then(Result::ok).unwrap_or_default();
    if let Some(answer) = answers.iter().find(|answer| !answer.answers(load, number)) {
        player.broken(|| format!("{load}/{number} was answered as {}/{}", answer.load, answer.number));
    }
    player.desk().ends.count(if answers.is_empty() { "polls: no answer" } else { "polls: answered" });
}
