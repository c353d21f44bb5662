use std::sync::Arc;
use std::time::Duration;

use switchboard::address::{ActorAddress, ActorId};
use switchboard::broker::{Context, MessageBroker, MessageHandler};
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;
use tokio::time::sleep;

use crate::book::{ANSWERED, Call, failure};
use crate::desk::Desk;
use crate::job::{Course, Job, Step};
use crate::loads::Load;

/// The handler of all actors of a soak: does what its messages say, and notes it.
pub(crate) struct Worker {
    desk: Arc<Desk>,
}

/// A message that somebody has begun with. It is noted as cut off if this is dropped.
pub(crate) struct Begun {
    desk: Arc<Desk>,
    load: Load,
    number: u64,
    step: Option<Step>,
    receiver: ActorId,
    /// How often somebody has begun with it.
    pub(crate) times: u16,
    at_least_once: bool,
    is_over: bool,
}

/// A caller that is answered with less time left than this may be gone before the answer is there.
const WELL_BEFORE: Duration = Duration::from_secs(1);

impl Worker {
    pub(crate) fn new(desk: &Arc<Desk>) -> Self {
        Self { desk: Arc::clone(desk) }
    }

    /// Answers whoever asked, if somebody did.
    async fn answer<B: MessageBroker<Job>>(&self, job: &Job, context: &Context<Job, B>) {
        if !context.is_asked() {
            return;
        }
        let in_time = context.remaining().is_none_or(|left| left > WELL_BEFORE);
        if context.reply(job.answer()).await.is_ok() && in_time {
            self.desk.book(job.load).mark(job.asked, ANSWERED);
        }
    }

    /// Has somebody else answer, or answers itself if that fails.
    async fn forward<B: MessageBroker<Job>>(&self, job: &Job, to: &ActorAddress, context: &Context<Job, B>) {
        let book = self.desk.book(job.load);
        let number = book.enter();
        let onward = Job { asked: job.asked, ..Job::new(job.load, number, Course::Well) };
        // Cut off in the middle, nobody knows what became of it.
        book.called(number, Call::Unknown);
        let sent = context.forward(to, onward).await.is_ok();
        book.note(number, |entry| entry.call = if sent { Call::Accepted } else { Call::Refused });
        book.note(number, |entry| entry.lives = u16::from(sent));
        if !sent {
            self.answer(job, context).await;
        }
    }

    /// Answers from another task.
    fn answer_later<B: MessageBroker<Job>>(&self, job: &Job, millis: u64, context: &Context<Job, B>) {
        if let Some(token) = context.reply_token() {
            let answer = job.answer();
            tokio::spawn(async move {
                sleep(Duration::from_millis(millis)).await;
                // If it does not arrive, its caller says so.
                drop(token.reply(answer).await);
            });
        }
    }
}

impl MessageHandler<Job> for Worker {
    type Error = &'static str;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), &'static str> {
        let begun = Begun::new(&self.desk, &envelope, context.id());
        let (job, times) = (envelope.message(), begun.times);
        match &job.course {
            Course::Slow(millis) => sleep(Duration::from_millis(*millis)).await,
            Course::Fails(most) if times <= *most => return begun.fails("as it was told to"),
            // Not through the hook, which would print it.
            Course::Panics(most) if times <= *most => std::panic::resume_unwind(Box::new("as it was told to")),
            Course::Rejects(most) if times <= *most => return begun.fails(context.reject("as it was told to")),
            Course::Again(millis) if times == 1 => {
                return begun.fails(context.retry_after(Duration::from_millis(*millis), "not now"));
            }
            Course::Forward(to) if context.is_asked() => self.forward(job, to, context).await,
            Course::Later(millis) => self.answer_later(job, *millis, context),
            Course::Stops => context.stop(),
            _ => {}
        }
        if !matches!(job.course, Course::Silent | Course::Later(_) | Course::Forward(_)) {
            self.answer(job, context).await;
        }
        begun.handled();
        Ok(())
    }
}

impl Begun {
    pub(crate) fn new(desk: &Arc<Desk>, envelope: &MessageEnvelope<Job>, receiver: ActorId) -> Self {
        let job = envelope.message();
        Self {
            times: desk.begin(envelope, receiver),
            desk: Arc::clone(desk),
            load: job.load,
            number: job.number,
            step: job.step,
            receiver,
            at_least_once: envelope.is_at_least_once(),
            is_over: false,
        }
    }

    pub(crate) fn handled(mut self) {
        self.over();
        self.desk.count(Outcome::Handled);
        self.desk.book(self.load).note(self.number, |entry| entry.handled += 1);
    }

    /// Whoever has it in hand gives it back, and the broker still has it.
    pub(crate) fn given_back(mut self) {
        self.over();
    }

    fn fails<E>(mut self, error: E) -> Result<(), E> {
        self.ends(Outcome::Failed);
        Err(error)
    }

    fn ends(&mut self, outcome: Outcome) {
        self.over();
        if let Some(outcome) = failure(self.at_least_once, outcome) {
            self.desk.count(outcome);
            self.desk.book(self.load).note(self.number, |entry| entry.ended += 1);
        }
    }

    fn over(&mut self) {
        self.is_over = true;
        self.step.into_iter().for_each(|step| self.desk.lanes.end(step, self.receiver));
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if !self.is_over {
            self.ends(if std::thread::panicking() { Outcome::Failed } else { Outcome::Abandoned });
        }
    }
}
