//! Messages that are sent later and at intervals, some of which are taken back before.

use std::time::Duration;

use switchboard::actor::SpawnOptions;
use switchboard::address::ActorAddress;
use switchboard::broker::MessageBroker;
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;
use switchboard::schedule::{Recurring, Scheduled};

use super::address::address;
use crate::candidate::Candidate;
use crate::job::{Course, Job};
use crate::player::Player;

/// What may be taken back.
#[derive(Default)]
struct Plans {
    once: Vec<Scheduled<Job>>,
    again: Vec<(u64, Recurring<Job>)>,
}

pub(crate) async fn run<C: Candidate>(mut player: Player<C>) {
    let (clerk, nobody) = (address("named:soak.schedules"), address("named:soak.schedules.nobody"));
    let kept = player.spawn(&clerk, SpawnOptions::new()).await;
    loop {
        let mut plans = Plans::default();
        while let Some(due) = player.turn().await {
            for _ in 0..due {
                let to = if player.rng.u8(..32) == 0 { &nobody } else { &clerk };
                plans.step(&mut player, to).await;
            }
        }
        plans.end(&player).await;
        if !player.rest().await {
            drop(kept);
            return;
        }
    }
}

impl Plans {
    async fn step<C: Candidate>(&mut self, player: &mut Player<C>, to: &ActorAddress) {
        match player.rng.u8(..16) {
            0..4 => self.cancel(player),
            4 if self.again.len() < 4 => self.repeat(player, to).await,
            5 if !self.again.is_empty() => {
                let (number, recurring) = self.again.swap_remove(player.rng.usize(..self.again.len()));
                end(player, number, &recurring).await;
            }
            _ => self.schedule(player, to).await,
        }
    }

    async fn schedule<C: Candidate>(&mut self, player: &mut Player<C>, to: &ActorAddress) {
        let (job, delay) = (player.job(Course::Well), player.millis(120));
        let number = job.number;
        let envelope = match player.rng.u8(..8) {
            0 => player.within(job, delay.saturating_sub(1)),
            1 => player.within(job, delay + 50),
            _ => MessageEnvelope::new(job),
        };
        match player.broker().send_after(Duration::from_millis(delay), to, envelope).await {
            Ok(scheduled) => {
                player.client.sent(number, Ok(()));
                self.once.push(scheduled);
            }
            Err(error) => player.client.sent(number, Err(error)),
        }
        if self.once.len() > 64 {
            self.once.swap_remove(player.rng.usize(..64));
        }
    }

    /// Takes one back, if it still waits.
    fn cancel<C: Candidate>(&mut self, player: &mut Player<C>) {
        if self.once.is_empty() {
            return;
        }
        let scheduled = self.once.swap_remove(player.rng.usize(..self.once.len()));
        if let Some(envelope) = scheduled.cancel() {
            player.desk().ended(envelope.message(), Outcome::Cancelled);
        }
    }

    async fn repeat<C: Candidate>(&mut self, player: &mut Player<C>, to: &ActorAddress) {
        let (job, period) = (player.job(Course::Well), Duration::from_millis(player.millis(20)));
        let number = job.number;
        match player.broker().send_every(period, to, job).await {
            Ok(recurring) => self.again.push((number, recurring)),
            Err(error) => player.client.sent(number, Err(error)),
        }
    }

    async fn end<C: Candidate>(self, player: &Player<C>) {
        for (number, recurring) in &self.again {
            end(player, *number, recurring).await;
        }
    }
}

/// Ends what is sent at an interval, and notes how often it was.
async fn end<C: Candidate>(player: &Player<C>, number: u64, recurring: &Recurring<Job>) {
    recurring.cancel();
    // It may be on its way just now, and is counted then.
    tokio::time::sleep(Duration::from_millis(20)).await;
    player.desk().book(player.client.load).taken_by(number, recurring.sent() as usize);
}
