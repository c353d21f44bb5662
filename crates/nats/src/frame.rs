//! What one node says to another. `WIRE.md` has it byte by byte.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use switchboard::address::{ActorAddress, ActorId, Name};
use switchboard::balancing::Strategy;
use switchboard::broker::{Ran, RequestErrorKind, SendErrorKind};
use switchboard::limits::LimitError;

use crate::NodeId;
use crate::elsewhere::Load;

/// The first byte of every frame.
const VERSION: u8 = 1;

/// A frame: who says what, and the envelope that goes with it, if any.
#[derive(Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) from: NodeId,
    /// What the sender of the question knows it by, in the answer too.
    pub(crate) key: u64,
    pub(crate) word: Word,
    /// An envelope. The bytes are a part of what came.
    pub(crate) body: Bytes,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Word {
    /// Puts the message into the mailbox of whoever is at this address; at a name, if it is owned with this epoch.
    Tell { to: ActorAddress, epoch: Option<u64> },
    /// The same, and an answer is waited for.
    Ask { to: ActorAddress, epoch: Option<u64> },
    /// Whoever told or asked does not wait any more.
    Withdraw,
    /// Whether this actor is here.
    Seek { actor: ActorId },
    /// Whether this name is owned here, with this epoch.
    Owns { name: Name, epoch: u64 },
    /// The answer to `Tell`: in the mailbox, or why not.
    Told(Result<(), Refusal>),
    /// The answer to `Ask`: the message is in the body, or this is why there is none.
    Answered(Result<(), Unanswered>),
    /// The answer to `Seek` and `Owns`.
    Here(bool),
    /// Which of these, that were told or asked before, are still being seen to.
    Recall { keys: Vec<u64> },
    /// The answer to that: of those that are not among them, there will be no answer that has not been sent.
    Recalled { keys: Vec<u64> },
    /// As `Tell` to a group, where it goes to a member that is picked by this strategy. Unless it waits, it is refused at once
    /// if none has room.
    Offer { to: ActorAddress, strategy: Strategy, waits: bool },
    /// As `Ask` to a group, likewise.
    Inquire { to: ActorAddress, strategy: Strategy, waits: bool },
    /// Gives each member of the group here a copy, without waiting for room.
    Spread { to: ActorAddress },
    /// The answer to `Spread`: how many took it, and who did not, and why.
    Given { delivered: u32, refused: Vec<(ActorId, SendErrorKind)> },
    /// How much the members here have to do. It is said to all, and not answered.
    Loads { loads: Vec<Load> },
}

/// Why a message was not accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Refusal {
    /// For a reason that an actor here could have had as well.
    Kind(SendErrorKind),
    /// The name is not owned here, or with another epoch. It may be elsewhere.
    Elsewhere,
    /// The envelope can't be read here.
    Unreadable(String),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Unanswered {
    Refused(Refusal),
    WouldDeadlock(Vec<ActorAddress>),
    TooMany(LimitError),
    TimedOut { ran: bool },
    NoReply,
    Failed(String),
    Panicked(String),
    Stopped { ran: bool },
    Evicted { ran: bool },
    Duplicate,
}

impl Unanswered {
    pub(crate) fn of(kind: &RequestErrorKind, ran: Ran) -> Self {
        let ran = ran == Ran::Maybe;
        match kind.clone() {
            RequestErrorKind::NotSent(kind) => Self::Refused(Refusal::Kind(kind)),
            RequestErrorKind::WouldDeadlock { cycle } => Self::WouldDeadlock(cycle),
            RequestErrorKind::TooMany(limit) => Self::TooMany(limit),
            RequestErrorKind::NoReply => Self::NoReply,
            RequestErrorKind::HandlerFailed(text) => Self::Failed(text),
            RequestErrorKind::HandlerPanicked(cause) => Self::Panicked(cause),
            RequestErrorKind::ActorStopped => Self::Stopped { ran },
            RequestErrorKind::Evicted => Self::Evicted { ran },
            RequestErrorKind::Duplicate => Self::Duplicate,
            // What is not known here ends at a deadline for whoever asks.
            _ => Self::TimedOut { ran },
        }
    }

    /// Why, and whether it may have run.
    pub(crate) fn into_kind(self) -> (RequestErrorKind, Ran) {
        let maybe = |ran| if ran { Ran::Maybe } else { Ran::Never };
        match self {
            Self::Refused(refusal) => (refusal.kind().into(), Ran::Never),
            Self::WouldDeadlock(cycle) => (RequestErrorKind::WouldDeadlock { cycle }, Ran::Maybe),
            Self::TooMany(limit) => (RequestErrorKind::TooMany(limit), Ran::Never),
            Self::TimedOut { ran } => (RequestErrorKind::TimedOut, maybe(ran)),
            Self::NoReply => (RequestErrorKind::NoReply, Ran::Maybe),
            Self::Failed(text) => (RequestErrorKind::HandlerFailed(text), Ran::Maybe),
            Self::Panicked(cause) => (RequestErrorKind::HandlerPanicked(cause), Ran::Maybe),
            Self::Stopped { ran } => (RequestErrorKind::ActorStopped, maybe(ran)),
            Self::Evicted { ran } => (RequestErrorKind::Evicted, maybe(ran)),
            Self::Duplicate => (RequestErrorKind::Duplicate, Ran::Maybe),
        }
    }
}

impl Refusal {
    pub(crate) fn kind(&self) -> SendErrorKind {
        match self {
            Self::Kind(kind) => *kind,
            Self::Elsewhere => SendErrorKind::NoSuchActor,
            Self::Unreadable(_) => SendErrorKind::NotOffered,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Head {
    from: NodeId,
    key: u64,
    word: Word,
}

impl Frame {
    /// Writes it. Nothing in a frame can't be written.
    pub(crate) fn encode(self) -> Bytes {
        let Self { from, key, word, body } = self;
        let mut bytes = Vec::with_capacity(64 + body.len());
        bytes.push(VERSION);
        // Of the words here, none has a map or a sequence whose length is not known, which is all that postcard refuses.
        let mut bytes = postcard::to_extend(&Head { from, key, word }, bytes).unwrap_or_default();
        bytes.extend_from_slice(&body);
        bytes.into()
    }

    /// Reads it. `None` for what is no frame of this version.
    pub(crate) fn decode(bytes: &Bytes) -> Option<Self> {
        let [VERSION, rest @ ..] = &bytes[..] else {
            return None;
        };
        let (Head { from, key, word }, body) = postcard::take_from_bytes(rest).ok()?;
        Some(Self { from, key, word, body: bytes.slice_ref(body) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use switchboard::balancing::Strategy as Balancing;

    use super::*;

    fn frame(word: Word, body: &'static [u8]) -> Frame {
        Frame { from: NodeId::next(), key: 300, word, body: Bytes::from_static(body) }
    }

    #[test]
    fn every_word_is_read_as_it_was_written() {
        let to = ActorAddress::named("desk").unwrap();
        let words = [
            Word::Tell { to: to.clone(), epoch: Some(u64::MAX) },
            Word::Ask { to, epoch: None },
            Word::Withdraw,
            Word::Seek { actor: ActorId::next() },
            Word::Owns { name: Name::new("desk").unwrap(), epoch: 7 },
            Word::Told(Err(Refusal::Kind(SendErrorKind::Full))),
            Word::Told(Err(Refusal::Unreadable("cut".into()))),
            Word::Answered(Err(Unanswered::Failed("no".into()))),
            Word::Answered(Ok(())),
            Word::Here(true),
            Word::Recall { keys: vec![1, 2, u64::MAX] },
            Word::Recalled { keys: Vec::new() },
            Word::Offer { to: ActorAddress::pool("readers").unwrap(), strategy: Balancing::Random, waits: true },
            Word::Inquire { to: ActorAddress::service("search").unwrap(), strategy: Balancing::Weighted, waits: false },
            Word::Spread { to: ActorAddress::pool("readers").unwrap() },
            Word::Given { delivered: 2, refused: vec![(ActorId::next(), SendErrorKind::Full)] },
            Word::Loads { loads: vec![Load { actor: ActorId::next(), load: 300, is_full: true, is_aside: false }] },
        ];
        for word in words {
            let bytes = frame(word.clone(), b"abc").encode();
            let read = Frame::decode(&bytes).unwrap();
            assert_eq!((read.key, &read.word, &read.body[..]), (300, &word, &b"abc"[..]));
            let head = bytes.len() - 3;
            assert!((0..head).all(|end| Frame::decode(&bytes.slice(..end)).is_none()), "{word:?}");
        }
    }

    #[test]
    fn every_way_not_to_answer_arrives_as_what_it_was() {
        let desk = || ActorAddress::named("desk").unwrap();
        let kinds = [
            RequestErrorKind::NotSent(SendErrorKind::Full),
            RequestErrorKind::WouldDeadlock { cycle: vec![desk()] },
            RequestErrorKind::TimedOut,
            RequestErrorKind::NoReply,
            RequestErrorKind::HandlerFailed("no".into()),
            RequestErrorKind::HandlerPanicked("no".into()),
            RequestErrorKind::ActorStopped,
            RequestErrorKind::Evicted,
            RequestErrorKind::Duplicate,
        ];
        for kind in kinds {
            assert_eq!(Unanswered::of(&kind, Ran::Maybe).into_kind().0, kind);
        }
        let timed_out = Unanswered::of(&RequestErrorKind::TimedOut, Ran::Never).into_kind();
        assert_eq!(timed_out, (RequestErrorKind::TimedOut, Ran::Never));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = Frame::decode(&Bytes::from([&[VERSION], &bytes[..]].concat()));
        }
    }
}
