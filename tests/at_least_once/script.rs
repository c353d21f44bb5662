//! A handler that goes by a script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use switchboard::actor::{ActorHandle, SpawnOptions};
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, MessageBroker, MessageHandler};
use switchboard::dead_letters::DeadLetter;
use switchboard::message::MessageEnvelope;
use switchboard::retry::{Backoff, RetryPolicy};
use tokio::time::Instant;

use crate::common::{Broker, Job, number_of};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// What a handler is to do with one attempt.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Fail,
    Panic,
    Reject,
    RetryAfter(Duration),
    Answer(u64),
    /// Answer, and then fail.
    AnswerAndFail(u64),
}

/// Does with each attempt what the script says next, and with all others what an honest worker does. Notes what it was
/// given, which attempt that was, and when.
#[derive(Clone, Debug)]
pub(crate) struct Scripted {
    script: Arc<Mutex<VecDeque<Act>>>,
    seen: Arc<Mutex<Vec<(u64, u32, Duration)>>>,
    start: Instant,
}

impl Scripted {
    pub(crate) fn new(script: impl IntoIterator<Item = Act>) -> Self {
        let script = Arc::new(Mutex::new(script.into_iter().collect()));
        Self { script, seen: Arc::default(), start: Instant::now() }
    }

    pub(crate) async fn spawn(
        &self,
        broker: &Broker,
        address: &ActorAddress,
        options: SpawnOptions,
    ) -> ActorHandle<Job> {
        let handler = self.clone();
        broker.spawn_with(address, options, move || handler.clone()).await.unwrap()
    }

    /// What it was given, and which attempt that was.
    pub(crate) fn attempts(&self) -> Vec<(u64, u32)> {
        self.seen.lock().unwrap().iter().map(|(number, attempt, _)| (*number, *attempt)).collect()
    }

    /// When it was given each, in whole milliseconds since the start.
    pub(crate) fn times(&self) -> Vec<u128> {
        self.seen.lock().unwrap().iter().map(|(.., at)| at.as_millis()).collect()
    }
}

impl MessageHandler<Job> for Scripted {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        let (number, attempt) = (number_of(envelope.message()), envelope.attempt());
        self.seen.lock().unwrap().push((number, attempt, self.start.elapsed()));
        let act = self.script.lock().unwrap().pop_front();
        match act {
            Some(Act::Fail) => return Err("on purpose".into()),
            Some(Act::Panic) => panic!("on purpose"),
            Some(Act::Reject) => return Err(context.reject("never".into())),
            Some(Act::RetryAfter(delay)) => return Err(context.retry_after(delay, "later".into())),
            Some(Act::Answer(answer)) => context.reply(Job::Answer(answer)).await.map_err(|e| e.to_string())?,
            Some(Act::AnswerAndFail(answer)) => {
                context.reply(Job::Answer(answer)).await.map_err(|e| e.to_string())?;
                return Err("after the answer".into());
            }
            None => {}
        }
        Ok(())
    }
}

/// Three attempts a second apart.
pub(crate) fn thrice() -> RetryPolicy {
    RetryPolicy::attempts(3).backoff(Backoff::fixed(SECOND))
}

pub(crate) fn at_least_once(number: u64, policy: RetryPolicy) -> MessageEnvelope<Job> {
    MessageEnvelope::new(Job::Note(number)).at_least_once().with_retry(policy)
}

pub(crate) fn the_one(letters: Vec<DeadLetter<Job>>) -> DeadLetter<Job> {
    let [letter] = <[_; 1]>::try_from(letters).unwrap();
    letter
}
