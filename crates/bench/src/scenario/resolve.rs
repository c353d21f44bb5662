use std::hint::black_box;

use switchboard::address::ActorId;
use switchboard::{ActorAddress, InMemoryMessageBroker, MailboxOptions, MessageBroker, MessageEnvelope};

use super::Pace;
use crate::work::Work;

/// Addresses that are looked up, in a mixed order. Fewer actors are looked up more than once.
const ADDRESSES: usize = 100_000;

/// Nanoseconds per look-up of an actor by its id, among `actors`. Only switchboard has ids that are looked up.
pub async fn measure_resolve(actors: usize, pace: Pace) -> f64 {
    let broker = InMemoryMessageBroker::<Work>::new();
    let mut inboxes = Vec::with_capacity(actors);
    let mut all = Vec::with_capacity(actors);
    for _ in 0..actors {
        let address = ActorAddress::from(ActorId::next());
        inboxes.push(broker.register(&address, MailboxOptions::bounded(8)).await.expect("the id is free"));
        all.push(address);
    }
    // A prime step visits them all, and never neighbours.
    let mixed: Vec<_> = (0..ADDRESSES).map(|turn| all[turn * 7_368_787 % actors].clone()).collect();
    let envelope = MessageEnvelope::new(Work::ONE);
    pace.laps(ADDRESSES as u64, async || {
        for address in &mixed {
            black_box(broker.registry().pick(black_box(address), &envelope));
        }
    })
    .await
}
