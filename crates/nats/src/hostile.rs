//! What comes from outside is cut and changed at random. Nothing makes a reader panic, and what is read is the same when it
//! is written and read again.

use std::time::Duration;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde::{Deserialize, Serialize};
use switchboard::address::{ActorAddress, ActorId, Name};
use switchboard::broker::SendErrorKind;
use switchboard::limits::{LimitError, Table};
use switchboard::message::{Message, MessageEnvelope, MessageId, MessagePriority};

use crate::NodeId;
use crate::frame::{Frame, Refusal, Unanswered, Word};
use crate::wire::{WireFormat, decode, encode};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Job {
    Text(String),
    Numbers(Vec<i64>),
    Inner { job: Option<Box<Job>> },
}

impl Message for Job {
    const MESSAGE_TYPE: &'static str = "job";
}

/// How bytes are changed: overwritten here and there, and cut.
type Changes = (Vec<(Index, u8)>, Option<Index>);

fn changes() -> impl Strategy<Value = Changes> {
    (vec((any::<Index>(), any::<u8>()), 0..6), proptest::option::weighted(0.3, any::<Index>()))
}

fn changed(bytes: &[u8], (overwritten, cut): &Changes) -> Bytes {
    let mut bytes = bytes.to_vec();
    for (at, byte) in overwritten {
        let at = at.index(bytes.len());
        bytes[at] = *byte;
    }
    if let Some(cut) = cut {
        bytes.truncate(cut.index(bytes.len()));
    }
    bytes.into()
}

fn words() -> Vec<Word> {
    let to = ActorAddress::pool("readers.eu").unwrap();
    let limit = LimitError::new(Table::Requests, 1_000_000);
    vec![
        Word::Tell { to: to.clone(), epoch: Some(300) },
        Word::Ask { to: ActorId::next().into(), epoch: None },
        Word::Withdraw,
        Word::Seek { actor: ActorId::next() },
        Word::Owns { name: Name::new("desk.a").unwrap(), epoch: u64::MAX },
        Word::Told(Err(Refusal::Kind(SendErrorKind::TooMany(limit)))),
        Word::Answered(Err(Unanswered::WouldDeadlock(vec![to.clone(), to]))),
        Word::Answered(Err(Unanswered::Refused(Refusal::Unreadable("cut".into())))),
        Word::Answered(Err(Unanswered::Stopped { ran: true })),
        Word::Here(true),
    ]
}

fn envelope(text: String, remaining: Option<u64>) -> MessageEnvelope<Job> {
    let job = Job::Inner { job: Some(Job::Numbers(vec![i64::MIN, 0, 300]).into()) };
    let envelope = MessageEnvelope::new(if text.is_empty() { job } else { Job::Text(text.clone()) })
        .with_priority(MessagePriority::Low)
        .with_sender(ActorId::next())
        .with_correlation(MessageId::next())
        .with_reply_to(ActorAddress::service("billing.eu").unwrap())
        .with_metadata("tenant", text)
        .with_metadata("tracestate", "a=b");
    match remaining {
        Some(micros) => envelope.within(Duration::from_micros(micros)),
        None => envelope,
    }
}

/// All of an envelope but how long it has left, which is less each time.
fn parts(envelope: &MessageEnvelope<Job>) -> impl PartialEq + std::fmt::Debug {
    let mut metadata: Vec<(String, String)> =
        envelope.all_metadata().map(|(key, value)| (key.into(), value.into())).collect();
    metadata.sort();
    (
        (envelope.id(), envelope.attempt(), envelope.priority()),
        (envelope.sender(), envelope.correlation(), envelope.reply_to().cloned()),
        (metadata, envelope.deadline().is_some(), envelope.message().clone()),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_frame_that_was_changed_is_refused_or_read_for_good(
        which: Index, key: u64, body in vec(any::<u8>(), 0..20), changes in changes(),
    ) {
        let words = words();
        let word = words[which.index(words.len())].clone();
        let bytes = Frame { from: NodeId::next(), key, word, body: body.into() }.encode();
        if let Some(read) = Frame::decode(&changed(&bytes, &changes)) {
            let again = Frame { from: read.from, key: read.key, word: read.word.clone(), body: read.body.clone() };
            prop_assert_eq!(Frame::decode(&again.encode()), Some(read));
        }
    }

    #[test]
    fn an_envelope_that_was_changed_is_refused_or_read_for_good(
        text: String, remaining: Option<u64>, changes in changes(),
    ) {
        for format in [WireFormat::Compact, WireFormat::Json] {
            let bytes = encode(&envelope(text.clone(), remaining), format, "test").unwrap();
            if let Ok(read) = decode::<Job>(&changed(&bytes, &changes)) {
                for format in [WireFormat::Compact, WireFormat::Json] {
                    let again = decode::<Job>(&encode(&read, format, "test").unwrap()).unwrap();
                    prop_assert_eq!(parts(&again), parts(&read));
                }
            }
        }
    }
}
