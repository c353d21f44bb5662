use std::fmt;

use super::{Ran, SendErrorKind};
use crate::address::ActorAddress;
use crate::limits::LimitError;
use crate::message::MessageEnvelope;
use crate::outside::Outside;
use crate::requests::Ended;

/// Why a request has no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestErrorKind {
    /// The message was not accepted.
    NotSent(SendErrorKind),
    /// Waiting for the reply would never end: a handler asked an actor that waits, directly or through others, for
    /// the handler's own actor. See [`Context::request`](crate::broker::Context::request).
    WouldDeadlock {
        /// The actors of which each waits for the next, and the last for the first, which is the one that asked; by the
        /// addresses that they were registered at. An actor that asks itself is alone here.
        cycle: Vec<ActorAddress>,
    },
    /// As many requests wait for a reply as may.
    TooMany(LimitError),
    /// The deadline passed.
    TimedOut,
    /// The handler let go of the request without replying.
    NoReply,
    /// The handler returned an error, with this text.
    HandlerFailed(String),
    /// The handler panicked, with this cause.
    HandlerPanicked(String),
    /// The actor stopped after it had accepted the message.
    ActorStopped,
    /// The message made room for another in a full mailbox.
    Evicted,
    /// The actor had handled a message with the same id before, and drops such.
    Duplicate,
}

impl fmt::Display for RequestErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(kind) => kind.fmt(f),
            Self::WouldDeadlock { cycle } => {
                f.write_str("waiting for it would never end, as each of these waits for the next, ")?;
                cycle.iter().try_for_each(|address| write!(f, "`{address}` → "))?;
                cycle.first().map_or(Ok(()), |first| write!(f, "`{first}`"))?;
                f.write_str(": reply before asking, or ask from outside the handler")
            }
            Self::TooMany(limit) => limit.fmt(f),
            Self::TimedOut => f.write_str("no reply before the deadline: give it more time, or look at what keeps it"),
            Self::NoReply => f.write_str("the handler ended without replying: make it reply to this message"),
            Self::HandlerFailed(text) => write!(f, "the handler failed: {}", Outside::cause(text)),
            Self::HandlerPanicked(cause) => write!(f, "the handler panicked: {}", Outside::cause(cause)),
            Self::ActorStopped => f.write_str("the actor stopped: spawn it again, or ask elsewhere"),
            Self::Duplicate => f.write_str("the actor has handled this message before: ask in a new envelope"),
            Self::Evicted => f.write_str("the message made room for another: ask again, or give the mailbox more room"),
        }
    }
}

impl From<SendErrorKind> for RequestErrorKind {
    fn from(kind: SendErrorKind) -> Self {
        match kind {
            // Whichever wait it was that took too long, to the caller it is the same deadline.
            SendErrorKind::Expired | SendErrorKind::TimedOut => Self::TimedOut,
            kind => Self::NotSent(kind),
        }
    }
}

/// A request without a reply: why, whether a handler may have run, and the message if it was not accepted.
pub struct RequestError<M> {
    // Behind a pointer, as in `SendError`, so that a reply need not be moved about with room for an error.
    unanswered: Box<Unanswered<M>>,
}

struct Unanswered<M> {
    kind: RequestErrorKind,
    ran: Ran,
    to: ActorAddress,
    envelope: Option<MessageEnvelope<M>>,
}

impl<M> RequestError<M> {
    /// The error of a request that was not accepted and never ran, for those who write a broker or wrap one.
    pub fn refused(kind: RequestErrorKind, to: ActorAddress, mut envelope: MessageEnvelope<M>) -> Self {
        envelope.leave_sender();
        Self { unanswered: Box::new(Unanswered { kind, ran: Ran::Never, to, envelope: Some(envelope) }) }
    }

    /// The error of a request that was accepted and has no reply, for those who write a broker or wrap one.
    pub fn unanswered(kind: RequestErrorKind, ran: Ran, to: ActorAddress) -> Self {
        Self { unanswered: Box::new(Unanswered { kind, ran, to, envelope: None }) }
    }

    pub(crate) fn ended(ended: Ended, to: ActorAddress) -> Self {
        let (kind, begun) = match ended {
            Ended::TimedOut { begun } => (RequestErrorKind::TimedOut, begun),
            Ended::NoReply => (RequestErrorKind::NoReply, true),
            Ended::Failed(text) => (RequestErrorKind::HandlerFailed(text), true),
            Ended::Panicked(cause) => (RequestErrorKind::HandlerPanicked(cause), true),
            Ended::Stopped { begun } => (RequestErrorKind::ActorStopped, begun),
            Ended::Duplicate => (RequestErrorKind::Duplicate, true),
            Ended::Evicted { begun } => (RequestErrorKind::Evicted, begun),
            // Only a handler passes on what it has begun with.
            Ended::WouldDeadlock(cycle) => (RequestErrorKind::WouldDeadlock { cycle }, true),
        };
        Self::unanswered(kind, if begun { Ran::Maybe } else { Ran::Never }, to)
    }

    /// Why there is no reply.
    pub fn kind(&self) -> &RequestErrorKind {
        &self.unanswered.kind
    }

    /// Who was asked.
    pub fn address(&self) -> &ActorAddress {
        &self.unanswered.to
    }

    /// Whether a handler may have begun with it.
    pub fn ran(&self) -> Ran {
        self.unanswered.ran
    }

    /// Whether the deadline passed.
    pub fn is_timeout(&self) -> bool {
        self.unanswered.kind == RequestErrorKind::TimedOut
    }

    /// Whether there was no room for the message.
    pub fn is_full(&self) -> bool {
        matches!(self.unanswered.kind, RequestErrorKind::NotSent(kind) if kind.is_full())
    }

    /// Whether asking again a little later may succeed, and can't make a handler do its work twice.
    pub fn is_retryable(&self) -> bool {
        self.unanswered.ran == Ran::Never
            && match &self.unanswered.kind {
                RequestErrorKind::NotSent(kind) => kind.is_retryable(),
                RequestErrorKind::TooMany(_)
                | RequestErrorKind::TimedOut
                | RequestErrorKind::ActorStopped
                | RequestErrorKind::Evicted => true,
                _ => false,
            }
    }

    /// The limit that was reached, if that is why.
    pub fn limit(&self) -> Option<LimitError> {
        match &self.unanswered.kind {
            RequestErrorKind::TooMany(limit) => Some(*limit),
            RequestErrorKind::NotSent(kind) => kind.limit(),
            _ => None,
        }
    }

    /// The message and its header, if it was not accepted. One that was and did not run is a dead letter.
    pub fn into_envelope(self) -> Option<MessageEnvelope<M>> {
        self.unanswered.envelope
    }

    /// The message, if it was not accepted.
    pub fn into_inner(self) -> Option<M> {
        self.unanswered.envelope.map(MessageEnvelope::into_message)
    }
}

impl<M> fmt::Debug for RequestError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestError")
            .field("kind", &self.unanswered.kind)
            .field("ran", &self.unanswered.ran)
            .field("to", &self.unanswered.to)
            .finish()
    }
}

impl<M> fmt::Display for RequestError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no reply from `{}` ({}): {}", self.unanswered.to, self.unanswered.ran, self.unanswered.kind)
    }
}

impl<M> std::error::Error for RequestError<M> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Table;
    use crate::message::Message;

    #[derive(Debug, PartialEq)]
    struct Note(u64);

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    const TOO_MANY: RequestErrorKind = RequestErrorKind::TooMany(LimitError::new(Table::Requests, 3));

    fn desk() -> ActorAddress {
        ActorAddress::named("desk").unwrap()
    }

    fn refused(kind: impl Into<RequestErrorKind>) -> RequestError<Note> {
        RequestError::refused(kind.into(), desk(), MessageEnvelope::new(Note(7)))
    }

    fn ended(ended: Ended) -> RequestError<Note> {
        RequestError::ended(ended, desk())
    }

    #[test]
    fn each_way_to_end_has_its_kind_and_says_whether_it_ran_and_whether_to_ask_again() {
        use Ran::{Maybe, Never};
        use RequestErrorKind as Kind;
        let cases = [
            (Ended::TimedOut { begun: false }, Kind::TimedOut, Never, true),
            (Ended::TimedOut { begun: true }, Kind::TimedOut, Maybe, false),
            (Ended::NoReply, Kind::NoReply, Maybe, false),
            (Ended::Failed("no".into()), Kind::HandlerFailed("no".into()), Maybe, false),
            (Ended::Panicked("no".into()), Kind::HandlerPanicked("no".into()), Maybe, false),
            (Ended::Stopped { begun: false }, Kind::ActorStopped, Never, true),
            (Ended::Stopped { begun: true }, Kind::ActorStopped, Maybe, false),
            (Ended::Duplicate, Kind::Duplicate, Maybe, false),
            (Ended::Evicted { begun: false }, Kind::Evicted, Never, true),
            (Ended::Evicted { begun: true }, Kind::Evicted, Maybe, false),
            (Ended::WouldDeadlock(vec![desk()]), Kind::WouldDeadlock { cycle: vec![desk()] }, Maybe, false),
        ];
        for (end, kind, ran, retryable) in cases {
            let error = ended(end);
            assert_eq!((error.kind(), error.ran(), error.is_retryable()), (&kind, ran, retryable), "{kind:?}");
            assert_eq!(error.is_timeout(), kind == Kind::TimedOut);
            assert!(!error.is_full());
            assert_eq!(error.into_inner(), None);
        }
    }

    #[test]
    fn what_was_not_accepted_never_ran_and_comes_back() {
        let cases = [
            (SendErrorKind::NoSuchActor, RequestErrorKind::NotSent(SendErrorKind::NoSuchActor), true),
            (SendErrorKind::NoMembers, RequestErrorKind::NotSent(SendErrorKind::NoMembers), true),
            (SendErrorKind::Full, RequestErrorKind::NotSent(SendErrorKind::Full), true),
            (SendErrorKind::TimedOut, RequestErrorKind::TimedOut, true),
            (SendErrorKind::Expired, RequestErrorKind::TimedOut, true),
            (SendErrorKind::ActorStopped, RequestErrorKind::NotSent(SendErrorKind::ActorStopped), true),
            (SendErrorKind::ShutDown, RequestErrorKind::NotSent(SendErrorKind::ShutDown), false),
        ];
        for (kind, expected, retryable) in cases {
            let error = refused(kind);
            assert_eq!(
                (error.kind(), error.ran(), error.is_retryable()),
                (&expected, Ran::Never, retryable),
                "{kind:?}"
            );
            assert_eq!(error.is_full(), kind == SendErrorKind::Full);
            assert_eq!(error.is_timeout(), expected == RequestErrorKind::TimedOut);
            assert_eq!(error.into_inner(), Some(Note(7)));
        }
    }

    #[test]
    fn asking_in_a_circle_is_in_vain_and_asking_too_much_is_not() {
        let circle = RequestErrorKind::WouldDeadlock { cycle: vec![desk()] };
        for (kind, retryable) in [(circle, false), (TOO_MANY, true)] {
            let error = refused(kind);
            assert_eq!((error.ran(), error.is_retryable(), error.is_timeout()), (Ran::Never, retryable, false));
            assert_eq!(error.into_envelope().map(MessageEnvelope::into_message), Some(Note(7)));
        }
    }

    #[test]
    fn each_kind_says_what_happened_and_what_to_do_about_it() {
        use RequestErrorKind as Kind;
        let cases = [
            (Kind::NotSent(SendErrorKind::Full), "the mailbox is full: "),
            (Kind::WouldDeadlock { cycle: vec![desk()] }, "waiting for it would never end, as each of these "),
            (TOO_MANY, "too many pending requests (limit 3): "),
            (Kind::TimedOut, "no reply before the deadline: "),
            (Kind::NoReply, "the handler ended without replying: "),
            (Kind::HandlerFailed("out of ink".into()), "the handler failed: out of ink"),
            (Kind::HandlerPanicked("out of ink".into()), "the handler panicked: out of ink"),
            (Kind::ActorStopped, "the actor stopped: "),
            (Kind::Duplicate, "the actor has handled this message before: "),
            (Kind::Evicted, "the message made room for another: "),
        ];
        for (kind, text) in cases {
            assert!(kind.to_string().starts_with(text), "{kind}");
        }
    }

    #[test]
    fn the_text_shows_the_whole_circle() {
        let [a, b, c] = ["a", "b", "c"].map(|name| ActorAddress::named(name).unwrap());
        for (cycle, shown) in [
            (vec![a.clone(), b, c], " `named:a` → `named:b` → `named:c` → `named:a`: reply before asking"),
            (vec![a], " `named:a` → `named:a`: reply before asking"),
        ] {
            let text = RequestErrorKind::WouldDeadlock { cycle }.to_string();
            assert!(text.contains(shown), "{text}");
        }
    }

    #[test]
    fn the_text_names_who_was_asked_and_whether_it_ran() {
        let error = ended(Ended::Failed("out of ink".into()));
        assert_eq!(error.to_string(), "no reply from `named:desk` (may have run): the handler failed: out of ink");
        assert_eq!(error.address(), &desk());
        let error = refused(TOO_MANY);
        assert!(error.to_string().starts_with("no reply from `named:desk` (never ran): too many"), "{error}");
        assert!(format!("{error:?}").contains("TooMany"));
        assert_eq!(error.limit(), Some(LimitError::new(Table::Requests, 3)));
        let line = LimitError::new(Table::Senders, 3);
        let error = refused(SendErrorKind::TooMany(line));
        assert!(error.is_full() && error.is_retryable() && error.limit() == Some(line));
        assert_eq!(refused(SendErrorKind::Full).limit(), None);
    }
}
