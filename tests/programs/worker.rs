//! The handler, which does what its messages say.

use std::sync::Arc;

use switchboard::actor::StopCause;
use switchboard::broker::{Context, MessageBroker, MessageHandler};

use crate::desk::Desk;
use crate::draw::millis;
use crate::job::{Envelope, Job, panic_quietly};
use crate::program::{Answer, Does, End, Pause};
use crate::record::How;

pub(crate) struct Worker {
    desk: Arc<Desk>,
    actor: usize,
    /// Which of the actor's handlers it is, from 0.
    build: u32,
}

/// An attempt that has begun, and is noted as cut off if it is dropped.
pub(crate) struct Begun {
    desk: Arc<Desk>,
    which: (u64, usize),
    ended: bool,
}

impl Begun {
    pub(crate) fn new(desk: &Arc<Desk>, actor: usize, envelope: &Envelope) -> Self {
        let which = desk.ledger().begin(actor, envelope);
        Self { desk: Arc::clone(desk), which, ended: false }
    }

    pub(crate) fn answers(&self, answer: Answer) {
        self.desk.ledger().answers(self.which, answer);
    }

    pub(crate) fn ends(mut self, end: End) {
        self.ended = true;
        self.desk.ledger().end(self.which, end);
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if !self.ended {
            self.desk.ledger().end(self.which, End::Cut);
        }
    }
}

impl Worker {
    pub(crate) fn new(desk: &Arc<Desk>, actor: usize) -> Self {
        let mut ledger = desk.ledger();
        let builds = &mut ledger.actors[actor].builds;
        *builds += 1;
        Self { desk: Arc::clone(desk), actor, build: *builds - 1 }
    }

    async fn pause(&self, pause: Pause) {
        if self.desk.ledger().is_endless {
            // Whatever goes on for ever does so no more.
            std::future::pending::<()>().await;
        }
        match pause {
            Pause::None => {}
            Pause::Yield => tokio::task::yield_now().await,
            Pause::Sleep(time) => tokio::time::sleep(millis(time)).await,
            Pause::Stall => self.desk.gate.acquire().await.unwrap().forget(),
        }
    }

    async fn act<B: MessageBroker<Job>>(&self, does: Does, context: &Context<Job, B>) {
        let desk = &self.desk;
        match does {
            Does::Nothing => {}
            Does::Send(to) => {
                let (number, envelope) = desk.child(How::Told, to, None, Answer::None);
                let _call = desk.call(Some(number));
                desk.told(number, context.send(&desk.addresses[to], envelope).await);
            }
            Does::TrySend(to) => {
                let (number, envelope) = desk.child(How::Told, to, None, Answer::None);
                desk.told(number, context.try_send(&desk.addresses[to], envelope));
            }
            Does::Ask(to) => {
                let (number, envelope) = desk.child(How::Asked, to, None, Answer::Reply);
                let _call = desk.call(Some(number));
                desk.replied(number, context.request(&desk.addresses[to], envelope).await);
            }
            Does::SendAfter(to, delay) => {
                let at = tokio::time::Instant::now() + millis(delay);
                let (number, envelope) = desk.child(How::Scheduled(at), to, None, Answer::None);
                desk.told(number, context.send_after(millis(delay), &desk.addresses[to], envelope).await.map(drop));
            }
            Does::Stop => {
                desk.ledger().mark(self.actor, "stops itself", |actor| &mut actor.stopping);
                context.stop();
            }
        }
    }

    async fn answer<B: MessageBroker<Job>>(
        &self,
        begun: &Begun,
        answer: Answer,
        envelope: &Envelope,
        context: &Context<Job, B>,
    ) {
        let desk = &self.desk;
        begun.answers(answer);
        match answer {
            Answer::None => {}
            Answer::Reply => {
                let (number, answer) = desk.answer_to(envelope);
                let _call = desk.call(None);
                let replied = tokio::time::timeout(millis(50), context.reply(answer)).await;
                desk.answered(number, replied);
            }
            Answer::Forward(to) => {
                let asked = envelope.message().asked;
                let (number, onward) = desk.child(How::Forwarded, to, asked, Answer::Reply);
                desk.ledger().entry(number).id = envelope.id();
                let _call = desk.call(None);
                let forwarded = context.forward(&desk.addresses[to], onward).await;
                if forwarded.is_ok() {
                    desk.ledger().passes_on(begun.which);
                }
                desk.forwarded(number, forwarded);
            }
            Answer::Token(after, replies) => {
                if let Some(token) = context.reply_token() {
                    let answer = desk.answer_to(envelope);
                    tokio::spawn(Arc::clone(desk).use_token(token, after, replies, answer));
                }
            }
        }
    }
}

impl MessageHandler<Job> for Worker {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: Envelope,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        let begun = Begun::new(&self.desk, self.actor, &envelope);
        let act = envelope.message().act(envelope.attempt());
        self.pause(act.pause).await;
        self.act(act.does, context).await;
        self.answer(&begun, act.answer, &envelope, context).await;
        self.pause(act.pause_again).await;
        begun.ends(act.end);
        match act.end {
            End::Done | End::Cut => Ok(()),
            End::Fail => Err("failed".into()),
            End::Panic => panic_quietly("panicked"),
            End::Reject => Err(context.reject("rejected".into())),
            End::RetryAfter(time) => Err(context.retry_after(millis(time), "not now".into())),
        }
    }

    async fn started<B: MessageBroker<Job>>(&mut self, _: &Context<Job, B>) -> Result<(), String> {
        let mut ledger = self.desk.ledger();
        if ledger.actors[self.actor].place.fails_to_start == Some(self.build) {
            ledger.mark(self.actor, "does not start", |actor| &mut actor.stopping);
            return Err("not today".into());
        }
        ledger.rebuilds += u64::from(self.build > 0);
        Ok(())
    }

    async fn stopped<B: MessageBroker<Job>>(&mut self, _: &Context<Job, B>, cause: &StopCause) {
        let mut ledger = self.desk.ledger();
        if *cause == StopCause::Drained {
            ledger.mark(self.actor, "is drained", |actor| &mut actor.drained);
        }
        ledger.mark(self.actor, "ends", |actor| &mut actor.ended);
    }
}
