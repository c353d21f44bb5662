//! Where handlers only ask and answer, no request is without an end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use switchboard::actor::{SpawnOptions, once};
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, InMemoryMessageBroker, MessageBroker, MessageHandler, RequestErrorKind};
use switchboard::mailbox::MailboxOptions;
use switchboard::message::{Message, MessageEnvelope};

use crate::common::{assert_balanced, named, pool};

/// Asks others for so many levels more, by chance.
#[derive(Clone, Copy, Debug)]
struct Question {
    levels: u32,
    chance: u64,
}

impl Message for Question {
    const MESSAGE_TYPE: &'static str = "tests.question";
}

impl Question {
    /// Another, as different as chance goes (splitmix64).
    fn next(self, salt: u64) -> Self {
        let mut z = self.chance.wrapping_add(salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self { levels: self.levels.saturating_sub(1), chance: z ^ (z >> 31) }
    }
}

/// How requests ended.
#[derive(Debug, Default)]
struct Ends {
    answered: AtomicU64,
    refused: AtomicU64,
    others: AtomicU64,
}

struct Gossip {
    others: Arc<Vec<ActorAddress>>,
    ends: Arc<Ends>,
}

impl Gossip {
    async fn ask<B: MessageBroker<Question>>(&self, question: Question, context: &Context<Question, B>) {
        let to = &self.others[question.chance as usize % self.others.len()];
        let ends = match context.request(to, question).await {
            Ok(_) => &self.ends.answered,
            Err(error) => match error.kind() {
                RequestErrorKind::WouldDeadlock { cycle } => {
                    assert!(!cycle.is_empty() && cycle[0] == *context.address(), "{error}");
                    &self.ends.refused
                }
                _ => &self.ends.others,
            },
        };
        ends.fetch_add(1, Ordering::Relaxed);
    }
}

impl MessageHandler<Question> for Gossip {
    type Error = String;

    async fn handle<B: MessageBroker<Question>>(
        &mut self,
        envelope: MessageEnvelope<Question>,
        context: &Context<Question, B>,
    ) -> Result<(), String> {
        let question = *envelope.message();
        if question.levels > 0 {
            let (first, second) = (question.next(1), question.next(2));
            match question.chance % 8 {
                0 => {
                    tokio::join!(self.ask(first, context), self.ask(second, context));
                }
                1 if context.is_asked() => {
                    let to = &self.others[first.chance as usize % self.others.len()];
                    if context.forward(to, first).await.is_ok() {
                        return Ok(());
                    }
                }
                _ => self.ask(first, context).await,
            }
        }
        context.reply(question).await.map_err(|error| error.to_string())
    }
}

const ACTORS: usize = 6;
const ROUNDS: u64 = 400;

async fn spawn_all(broker: &InMemoryMessageBroker<Question>, ends: &Arc<Ends>) -> Arc<Vec<ActorAddress>> {
    let group = pool("gossips");
    let mut addresses: Vec<_> = (0..ACTORS).map(|number| named(&format!("gossip-{number}"))).collect();
    addresses.push(group.clone());
    let others = Arc::new(addresses.clone());
    addresses.push(group);
    for address in &addresses {
        let gossip = Gossip { others: Arc::clone(&others), ends: Arc::clone(ends) };
        // Small, so that some wait for room.
        let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(2));
        broker.spawn_with(address, options, once(gossip)).await.unwrap();
    }
    others
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_ask_each_other_at_random_none_waits_in_vain() {
    let timeout = Duration::from_secs(20);
    let broker = InMemoryMessageBroker::builder().request_timeout(timeout).build().unwrap();
    let ends = Arc::new(Ends::default());
    let addresses = spawn_all(&broker, &ends).await;
    for round in 0..ROUNDS {
        let seed = Question { levels: 6, chance: round };
        let asked: Vec<_> = (0..2 * ACTORS as u64)
            .map(|salt| {
                let (broker, addresses, question) = (broker.clone(), Arc::clone(&addresses), seed.next(salt << 32));
                let to = salt as usize % addresses.len();
                tokio::spawn(async move { broker.request(&addresses[to], question).await })
            })
            .collect();
        for reply in asked {
            reply.await.unwrap().unwrap();
        }
    }
    broker.shutdown(timeout).await;
    let metrics = broker.metrics();
    assert_eq!(metrics.requests_in_flight, 0);
    assert_balanced(&metrics.total);
    assert!(ends.refused.load(Ordering::Relaxed) > 0 && ends.answered.load(Ordering::Relaxed) > 0, "{ends:?}");
    assert_eq!(ends.others.load(Ordering::Relaxed), 0, "{ends:?}");
}
