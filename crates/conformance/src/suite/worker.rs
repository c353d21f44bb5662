use std::sync::Arc;

use parking_lot::Mutex;
use switchboard::actor::ActorHandle;
use switchboard::broker::{Context, MessageBroker, MessageHandler};
use switchboard::message::MessageEnvelope;
use tokio::sync::Semaphore;

use super::Job;

/// The numbers that handlers have logged, in their order, and how much time the message had left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u64>>>);

impl Log {
    pub(crate) fn add(&self, number: u64) {
        self.0.lock().push(number);
    }

    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.0.lock().clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }

    pub(crate) fn has(&self, number: u64) -> bool {
        self.0.lock().contains(&number)
    }
}

/// Does what its messages say.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) log: Log,
    /// Holds handlers until the case lets them go.
    gate: Arc<Semaphore>,
}

impl Worker {
    pub(crate) fn new() -> Self {
        Self { log: Log::default(), gate: Arc::new(Semaphore::new(0)) }
    }

    /// Holds nobody from now on.
    pub(crate) fn let_go(&self) {
        self.gate.add_permits(1_000_000);
    }

    async fn hold(&self) {
        // Nobody closes it; if it were closed, there would be nothing to wait for.
        if let Ok(permit) = self.gate.acquire().await {
            permit.forget();
        }
    }

    async fn do_job<B: MessageBroker<Job>>(
        &self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        let attempt = envelope.attempt();
        match envelope.into_message() {
            Job::Note(number) | Job::Urgent(number) | Job::Keyed(_, number) | Job::Answer(number) => {
                self.log.add(number);
            }
            Job::Hold(number) => {
                self.log.add(number);
                self.hold().await;
                answer_if_asked(context, number).await;
            }
            Job::Echo(number) => {
                self.log.add(number);
                answer_if_asked(context, number).await;
            }
            Job::Later(number) => self.answer_later(context, number),
            Job::Attempt(number, least) => {
                self.log.add(number);
                if attempt < least {
                    return Err(format!("attempt {attempt}"));
                }
            }
            Job::Fail(text) => return Err(text),
            Job::Panic(cause) => panic!("{cause}"),
            job => delegate(job, context).await?,
        }
        Ok(())
    }

    fn answer_later<B: MessageBroker<Job>>(&self, context: &Context<Job, B>, number: u64) {
        self.log.add(number);
        let (token, worker) = (context.reply_token(), self.clone());
        tokio::spawn(async move {
            worker.hold().await;
            if let Some(token) = token {
                // That the caller has gone is no error, and nobody else is there to tell.
                let _ = token.reply(Job::Answer(number)).await;
            }
        });
    }
}

async fn answer_if_asked<B: MessageBroker<Job>>(context: &Context<Job, B>, number: u64) {
    if context.is_asked() {
        // What comes of it, the caller sees.
        let _ = context.reply(Job::Answer(number)).await;
    }
}

/// What a worker does by asking others, or its context.
async fn delegate<B: MessageBroker<Job>>(job: Job, context: &Context<Job, B>) -> Result<(), String> {
    match job {
        Job::TimeLeft => {
            let left = context.remaining().map_or(u64::MAX, |left| left.as_millis() as u64);
            answer_if_asked(context, left).await;
        }
        Job::Tell(to, notes) => {
            for number in 0..notes {
                context.send(&to, Job::Note(number)).await.map_err(|error| error.to_string())?;
            }
        }
        Job::AskTimeLeft(to) => {
            let answer = context.request(&to, Job::TimeLeft).await.map_err(|error| error.to_string())?;
            context.reply(answer).await.map_err(|error| error.to_string())?;
        }
        Job::Pass(to, number) => context.forward(&to, Job::Echo(number)).await.map_err(|error| error.to_string())?,
        job => return Err(format!("nobody knows how to do {job:?}")),
    }
    Ok(())
}

impl MessageHandler<Job> for Worker {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        self.do_job(envelope, context).await
    }
}

/// A worker and the actor that it is.
#[derive(Debug)]
pub(crate) struct Staffed {
    pub(crate) worker: Worker,
    pub(crate) actor: ActorHandle<Job>,
}

impl Staffed {
    pub(crate) fn log(&self) -> &Log {
        &self.worker.log
    }

    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.worker.log.numbers()
    }
}
