//! Messages that become dead letters and are sent again until they are handled: the undertaker does that.

use switchboard::actor::{OnPanic, SpawnOptions};
use switchboard::address::ActorAddress;
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};

use super::address::address;
use super::retries::at_least_once;
use crate::candidate::Candidate;
use crate::job::Course;
use crate::player::Player;

/// Whose dead letters are sent again.
pub(crate) fn redriven() -> ActorAddress {
    address("pool:soak.letters")
}

pub(crate) async fn run<C: Candidate>(mut player: Player<C>) {
    let mailbox = MailboxOptions::bounded(16).strategy(BackpressureStrategy::DropOldest);
    let options = SpawnOptions::new().mailbox(mailbox).on_panic(OnPanic::Rebuild);
    let mut kept = Vec::new();
    for _ in 0..2 {
        kept.extend(player.spawn(&redriven(), options).await);
    }
    loop {
        while let Some(due) = player.turn().await {
            for _ in 0..due {
                let rejections = player.rng.u16(..4);
                let job = player.job(Course::Rejects(rejections));
                let envelope = at_least_once(&player, job);
                player.client.send(&redriven(), envelope).await;
            }
        }
        if !player.rest().await {
            return;
        }
    }
}
