use std::sync::Arc;
use std::time::Duration;

use switchboard::address::ActorAddress;
use switchboard::broker::{MessageBroker, Ran, RequestError, RequestErrorKind, SendError, SendErrorKind};
use switchboard::message::MessageEnvelope;
use switchboard::topics::Subject;
use tokio::time::Instant;

use crate::book::{Call, NEVER_RAN, TIMED_OUT};
use crate::calls::OpenCall;
use crate::desk::Desk;
use crate::findings::Kind;
use crate::job::Job;
use crate::loads::Load;

/// Makes calls and notes how they end. Cheap to clone.
pub(crate) struct Client<B> {
    pub(crate) desk: Arc<Desk>,
    pub(crate) broker: B,
    pub(crate) load: Load,
}

/// How long a call may take that has no limit of its own: longer than any handler of a soak keeps a full mailbox.
pub(crate) const ALLOWED: Duration = Duration::from_secs(10);

impl<B: MessageBroker<Job>> Client<B> {
    pub(crate) async fn send(&self, to: &ActorAddress, envelope: MessageEnvelope<Job>) {
        let number = envelope.message().number;
        let _open = self.open("a send", &envelope, ALLOWED);
        self.sent(number, self.broker.send(to, envelope).await);
    }

    pub(crate) fn try_send(&self, to: &ActorAddress, envelope: MessageEnvelope<Job>) {
        let number = envelope.message().number;
        self.sent(number, self.broker.try_send(to, envelope));
    }

    /// Asks, and notes how that ends. Dropped while it waits, what becomes of the request is not known.
    pub(crate) async fn request(&self, to: &ActorAddress, envelope: MessageEnvelope<Job>) -> Option<Job> {
        let number = envelope.message().number;
        self.desk.book(self.load).called(number, Call::Unknown);
        let allowed = envelope.remaining().or(self.broker.request_timeout()).unwrap_or(ALLOWED);
        let (began, _open) = (Instant::now(), self.open("a request", &envelope, allowed));
        let asked = self.broker.request(to, envelope).await;
        if asked.is_ok() {
            // Longer than a histogram can tell it would be stuck.
            let _ = self.desk.latency.increment(began.elapsed().as_nanos() as u64);
        }
        self.asked(number, asked)
    }

    pub(crate) async fn publish(&self, subject: &Subject, envelope: MessageEnvelope<Job>) {
        let number = envelope.message().number;
        let _open = self.open("a publication", &envelope, ALLOWED);
        let published = self.broker.publish(subject, envelope).await;
        self.desk.book(self.load).taken_by(number, published.delivered);
    }

    pub(crate) async fn broadcast(&self, to: &ActorAddress, envelope: MessageEnvelope<Job>) {
        let number = envelope.message().number;
        let _open = self.open("a broadcast", &envelope, ALLOWED);
        let broadcasted = self.broker.broadcast(to, envelope).await;
        self.desk.book(self.load).taken_by(number, broadcasted.delivered);
    }

    /// Notes how a send ended.
    pub(crate) fn sent(&self, number: u64, sent: Result<(), SendError<Job>>) {
        let call = if sent.is_ok() { Call::Accepted } else { Call::Refused };
        self.desk.book(self.load).called(number, call);
        if let Err(error) = sent {
            self.desk.ends.count(refusal(error.kind()));
            self.comes_back(number, &error.into_inner());
        }
    }

    /// Notes how a request ended.
    pub(crate) fn asked(&self, number: u64, asked: Result<Job, RequestError<Job>>) -> Option<Job> {
        let book = self.desk.book(self.load);
        match asked {
            Ok(answer) => {
                self.desk.ends.count("asks: answered");
                self.accepted(number);
                if !answer.answers(self.load, number) {
                    let text = || format!("{}/{number} was answered as {}/{}", self.load, answer.load, answer.number);
                    self.desk.findings.add(Kind::Promise, text);
                }
                return Some(answer);
            }
            Err(error) => {
                self.desk.ends.count(end_of(error.kind()));
                let marks = [(error.ran() == Ran::Never, NEVER_RAN), (error.is_timeout(), TIMED_OUT)];
                marks.iter().filter(|(is_so, _)| *is_so).for_each(|(_, mark)| book.mark(number, *mark));
                match error.into_inner() {
                    Some(job) => {
                        book.note(number, |entry| entry.call = Call::Refused);
                        self.comes_back(number, &job);
                    }
                    None => self.accepted(number),
                }
            }
        }
        None
    }

    /// A request was accepted, once, whatever else became of it.
    fn accepted(&self, number: u64) {
        self.desk.book(self.load).note(number, |entry| {
            entry.call = Call::Accepted;
            entry.lives += 1;
        });
    }

    /// What was not accepted comes back whole.
    fn comes_back(&self, number: u64, job: &Job) {
        if !job.answers(self.load, number) {
            let text = || format!("{}/{number} came back as {}/{}", self.load, job.load, job.number);
            self.desk.findings.add(Kind::Promise, text);
        }
    }

    fn open(&self, what: &'static str, envelope: &MessageEnvelope<Job>, allowed: Duration) -> OpenCall<'_> {
        self.desk.calls.open(what, (self.load, envelope.message().number, envelope.id()), allowed)
    }
}

impl<B: Clone> Clone for Client<B> {
    fn clone(&self) -> Self {
        Self { desk: Arc::clone(&self.desk), broker: self.broker.clone(), load: self.load }
    }
}

fn refusal(kind: SendErrorKind) -> &'static str {
    match kind {
        SendErrorKind::NoSuchActor => "refused: no such actor",
        SendErrorKind::NoMembers => "refused: no members",
        SendErrorKind::Full => "refused: full",
        SendErrorKind::TimedOut => "refused: timed out",
        SendErrorKind::Expired => "refused: expired",
        SendErrorKind::ActorStopped => "refused: actor stopped",
        SendErrorKind::ShutDown => "refused: shut down",
        _ => "refused: otherwise",
    }
}

fn end_of(kind: &RequestErrorKind) -> &'static str {
    match kind {
        RequestErrorKind::NotSent(_) => "asks: not sent",
        RequestErrorKind::TimedOut => "asks: timed out",
        RequestErrorKind::NoReply => "asks: no reply",
        RequestErrorKind::HandlerFailed(_) => "asks: handler failed",
        RequestErrorKind::HandlerPanicked(_) => "asks: handler panicked",
        RequestErrorKind::ActorStopped => "asks: actor stopped",
        RequestErrorKind::Evicted => "asks: evicted",
        _ => "asks: otherwise",
    }
}
