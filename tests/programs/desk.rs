//! What a program's senders, handlers and receivers share: the broker, the ledger, and the ways to send that note how
//! that went.

use std::sync::{Arc, Mutex, MutexGuard};

use switchboard::address::ActorAddress;
use switchboard::broker::{
    ForwardError, ForwardErrorKind, InMemoryMessageBroker, MessageBroker, ReplyError, ReplyToken, RequestError,
    RequestErrorKind, Route, SendError,
};
use switchboard::dead_letters::{DeadLetter, DeadLetterFilter};
use tokio::sync::Semaphore;
use tokio::time::error::Elapsed;

use crate::draw::millis;
use crate::job::{Envelope, Job, PLAIN};
use crate::ledger::Ledger;
use crate::program::{Act, Answer, End, Pause};
use crate::record::{How, Sent, Time};

pub(crate) type Broker = InMemoryMessageBroker<Job>;

pub(crate) struct Desk {
    pub(crate) broker: Broker,
    ledger: Mutex<Ledger>,
    /// Where handlers wait that stall.
    pub(crate) gate: Semaphore,
    pub(crate) addresses: Vec<ActorAddress>,
}

/// To whom a message is sent.
pub(crate) enum To {
    Address(ActorAddress),
    Route(Route<Job>),
}

/// A call that may have to wait for room, for as long as it is there.
pub(crate) struct Call<'a> {
    desk: &'a Desk,
    number: Option<u64>,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let mut ledger = self.desk.ledger();
        ledger.calls -= 1;
        self.number.into_iter().for_each(|number| ledger.entry(number).is_over = true);
    }
}

impl Desk {
    pub(crate) fn new(broker: Broker, ledger: Ledger, addresses: Vec<ActorAddress>) -> Arc<Self> {
        Arc::new(Self { broker, ledger: Mutex::new(ledger), gate: Semaphore::new(0), addresses })
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    /// Notes the dead letters that have come since this was last called.
    pub(crate) fn collect(&self) {
        for letter in take_dead_letters(&self.broker) {
            let place = self.ledger().bury(&letter);
            let job = letter.envelope.message();
            if !job.clones_are_limited() && letter.envelope.metadata("colour").is_some() {
                self.ledger().dead.push((place, letter.envelope));
            }
        }
    }

    /// A message that a handler sends, entered.
    pub(crate) fn child(&self, how: How, place: usize, asked: Option<u64>, answer: Answer) -> (u64, Envelope) {
        let mut ledger = self.ledger();
        let number = ledger.next_number();
        let end = if number.is_multiple_of(5) { End::Fail } else { End::Done };
        let asked = if how == How::Asked { Some(number) } else { asked };
        let pause = if number % 4 == 1 { Pause::Sleep(number % 50) } else { Pause::None };
        let job = Job::new(number, [Act { pause, answer, end, ..PLAIN }]).asked(asked);
        let mut envelope = Envelope::new(job).with_metadata("colour", "red");
        if number.is_multiple_of(3) && how != How::Reply {
            envelope = envelope.at_least_once();
        }
        // Actors that wait for each other's room must not do so for ever.
        let envelope = envelope.within(millis(1 + number % 90));
        ledger.enter(how, place, &envelope);
        // What is being handled may have even less time.
        ledger.entry(number).deadline = Time::Limited;
        (number, envelope)
    }

    /// Notes that a call begins, and when it has ended or been dropped.
    pub(crate) fn call(&self, number: Option<u64>) -> Call<'_> {
        let mut ledger = self.ledger();
        ledger.calls += 1;
        let began = ledger.tick();
        number.into_iter().for_each(|number| ledger.entry(number).began = began);
        Call { desk: self, number }
    }

    /// Sends.
    pub(crate) async fn tell(self: Arc<Self>, to: To, number: u64, envelope: Envelope) {
        let _call = self.call(Some(number));
        let sent = match &to {
            To::Address(to) => self.broker.send(to, envelope).await,
            To::Route(route) => route.send(envelope).await,
        };
        self.told(number, sent);
    }

    /// Sends without waiting.
    pub(crate) fn tell_now(&self, to: &To, number: u64, envelope: Envelope) {
        let _call = self.call(Some(number));
        let sent = match to {
            To::Address(to) => self.broker.try_send(to, envelope),
            To::Route(route) => route.try_send(envelope),
        };
        self.told(number, sent);
    }

    /// Sends and waits for the answer.
    pub(crate) async fn ask(self: Arc<Self>, to: To, number: u64, envelope: Envelope) {
        let _call = self.call(Some(number));
        let reply = match &to {
            To::Address(to) => self.broker.request(to, envelope).await,
            To::Route(route) => route.request(envelope).await,
        };
        self.replied(number, reply);
    }

    pub(crate) fn told(&self, number: u64, sent: Result<(), SendError<Job>>) {
        let mut ledger = self.ledger();
        match sent {
            Ok(()) => ledger.accept(number),
            Err(error) => {
                let kind = error.kind();
                ledger.refuse(number, Some(kind), &error.into_inner());
            }
        }
    }

    pub(crate) fn replied(&self, number: u64, reply: Result<Job, RequestError<Job>>) {
        let mut ledger = self.ledger();
        let error = match reply {
            Ok(reply) => {
                if reply.asked != Some(number) {
                    ledger.problem(format!("request {number} has the answer of {:?}", reply.asked));
                }
                ledger.accept(number);
                ledger.entry(number).answer = Some(Ok(()));
                return;
            }
            Err(error) => error,
        };
        let (kind, ran) = (error.kind().clone(), error.ran());
        ledger.say(|| format!("request {number} has no answer: {kind:?}, {ran}"));
        let refusal = match &kind {
            RequestErrorKind::NotSent(kind) => Some(*kind),
            _ => None,
        };
        match error.into_inner() {
            Some(back) => ledger.refuse(number, refusal, &back),
            None => ledger.accept(number),
        }
        ledger.entry(number).answer = Some(Err((kind, ran)));
    }

    pub(crate) fn forwarded(&self, number: u64, forwarded: Result<(), ForwardError<Job>>) {
        let mut ledger = self.ledger();
        match forwarded {
            Ok(()) => ledger.accept(number),
            Err(error) => {
                let kind = match error.kind() {
                    ForwardErrorKind::NotSent(kind) => Some(kind),
                    _ => None,
                };
                ledger.refuse(number, kind, &error.into_inner());
            }
        }
    }

    /// The answer to a message: to a waiting caller it is no message of its own, at an address it is.
    pub(crate) fn answer_to(&self, envelope: &Envelope) -> (Option<u64>, Job) {
        let asked = envelope.message().asked;
        let place = envelope.reply_to().and_then(|to| self.addresses.iter().position(|known| known == to));
        match place {
            Some(place) if !envelope.is_request() => {
                let (number, answer) = self.child(How::Reply, place, None, Answer::None);
                (Some(number), answer.into_message())
            }
            _ => (None, Job::new(u64::MAX, []).asked(asked)),
        }
    }

    /// Answers later, or lets go of the right to.
    pub(crate) async fn use_token<B: MessageBroker<Job>>(
        self: Arc<Self>,
        token: ReplyToken<Job, B>,
        after: u64,
        replies: bool,
        (number, answer): (Option<u64>, Job),
    ) {
        tokio::time::sleep(millis(after)).await;
        if !replies {
            return number.into_iter().for_each(|number| self.ledger().entry(number).sent = Sent::Refused(None));
        }
        let _call = self.call(None);
        let replied = tokio::time::timeout(millis(50), token.reply(answer)).await;
        self.answered(number, replied);
    }

    /// How giving an answer went, if it did not take too long.
    pub(crate) fn answered(&self, number: Option<u64>, replied: Result<Result<(), ReplyError<Job>>, Elapsed>) {
        let (Some(number), Ok(replied)) = (number, replied) else { return };
        match replied {
            Ok(()) => self.ledger().accept(number),
            Err(error) => self.ledger().refuse(number, None, &error.into_inner()),
        }
    }
}

/// The dead letters that are there, which are there no more then.
fn take_dead_letters(broker: &Broker) -> Vec<DeadLetter<Job>> {
    broker.dead_letters().take(&DeadLetterFilter::all())
}
