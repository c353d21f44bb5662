//! Envelopes that are sent several times to an actor that knows them again: each is handled once.

use switchboard::actor::SpawnOptions;
use switchboard::broker::MessageBroker;
use switchboard::message::MessageEnvelope;

use super::address::address;
use crate::book::ONE_OF_MANY;
use crate::candidate::Candidate;
use crate::job::Course;
use crate::player::Player;

pub(crate) async fn run<C: Candidate>(mut player: Player<C>) {
    let clerk = address("named:soak.copies");
    let kept = player.spawn(&clerk, SpawnOptions::new().duplicate_window(512)).await;
    loop {
        while let Some(due) = player.turn().await {
            for _ in 0..due {
                let copies = player.rng.usize(1..4);
                let envelope = MessageEnvelope::new(player.job(Course::Well));
                let (number, book) = (envelope.message().number, player.desk().book(player.client.load));
                book.mark(number, ONE_OF_MANY);
                let sent = (0..copies).map(|_| player.broker().try_send(&clerk, envelope.clone()));
                let taken = sent.filter(Result::is_ok).count();
                book.taken_by(number, taken);
            }
        }
        if !player.rest().await {
            drop(kept);
            return;
        }
    }
}
