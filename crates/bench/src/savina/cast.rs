use std::marker::PhantomData;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Behaviour, Next, System};

/// The actors of one run, until all of them have ended.
pub struct Cast<S: System, B: Behaviour<S>> {
    stage: S::Stage<B>,
    result: UnboundedSender<u64>,
    results: UnboundedReceiver<u64>,
}

impl<S: System, B: Behaviour<S>> Cast<S, B> {
    /// Nobody yet.
    pub fn new() -> Self {
        let (result, results) = unbounded_channel();
        Self { stage: S::stage(), result, results }
    }

    /// Starts one more.
    pub async fn spawn(&self, behaviour: B) -> S::Ref<B> {
        let hosted = Hosted { behaviour, result: self.result.clone(), system: PhantomData };
        S::spawn(&self.stage, hosted).await
    }

    /// Waits until every actor is gone, and adds up what they have come to.
    pub async fn finish(self) -> u64 {
        let Self { stage, result, mut results } = self;
        drop(result);
        let mut sum = 0;
        // Each actor has a sender, so there is an end only when the last of them has been dropped.
        while let Some(result) = results.recv().await {
            sum += result;
        }
        drop(stage);
        sum
    }
}

/// A behaviour inside an actor of `S`.
pub struct Hosted<S, B> {
    behaviour: B,
    result: UnboundedSender<u64>,
    system: PhantomData<fn() -> S>,
}

impl<S: System, B: Behaviour<S>> Hosted<S, B> {
    /// Handles one message. Whether the actor is over then.
    #[must_use]
    pub fn handle(&mut self, message: B::Message) -> bool {
        match self.behaviour.handle(message) {
            Next::More => false,
            Next::End(result) => {
                self.result.send(result).expect("the run waits for all its actors");
                true
            }
        }
    }
}
