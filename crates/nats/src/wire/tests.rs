//! `WIRE.md` is true: what its examples say is what the code writes, and the code reads them.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use switchboard::address::{ActorAddress, Name};
use switchboard::balancing::Strategy;
use switchboard::broker::SendErrorKind;
use switchboard::dead_letters::DeadLetterReason;
use switchboard::limits::{LimitError, Table};
use switchboard::message::{Message, MessageEnvelope, MessagePriority};

use super::{WireFormat, decode, encode};
use crate::ClusterReason;
use crate::durable::{Epitaph, Parcel, join, split};
use crate::elsewhere::Load;
use crate::frame::{Frame, Refusal, Word};
use crate::names::Claim;
use crate::roster::Roster;

const DOCUMENT: &str = include_str!("../../WIRE.md");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Note {
    Text(String),
    Numbers { first: u64, second: i16 },
    Nothing,
}

impl Message for Note {
    const MESSAGE_TYPE: &'static str = "note";
}

/// The text of each example, by what stands behind the fence.
fn examples() -> BTreeMap<&'static str, String> {
    let mut examples = BTreeMap::new();
    let mut open: Option<(&str, String)> = None;
    for line in DOCUMENT.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => examples.extend(open.take()),
            (Some(name), None) => open = Some((name, String::new())),
            (None, Some((_, text))) => text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    examples
}

fn example(name: &str) -> String {
    examples().remove(name).unwrap_or_else(|| panic!("`WIRE.md` has no example `{name}`"))
}

/// The bytes of an example, without its remarks.
fn bytes(name: &str) -> Vec<u8> {
    let text = example(&format!("hex {name}"));
    let digits = text.lines().flat_map(|line| line.split('#').next().unwrap_or_default().split_whitespace());
    digits.map(|digits| u8::from_str_radix(digits, 16).expect("two hex digits")).collect()
}

fn event(name: &str) -> String {
    example(&format!("json {name}"))
}

fn bare() -> MessageEnvelope<Note> {
    let id = "0000000000000001-0000000000000002".parse().unwrap();
    MessageEnvelope::received(id, 3, Note::Numbers { first: 300, second: -1 })
}

fn full() -> MessageEnvelope<Note> {
    let id = "00000000000000ff-0000000000000080".parse().unwrap();
    MessageEnvelope::received(id, 1, Note::Text("hi".into()))
        .with_priority(MessagePriority::High)
        .within(Duration::from_secs(5))
        .with_sender("0000000000000007-0000000000000009".parse().unwrap())
        .with_correlation("0000000000000007-000000000000000a".parse().unwrap())
        .with_reply_to(ActorAddress::named("desk").unwrap())
        .with_metadata("tenant", "blue")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x} ")).collect()
}

#[tokio::test(start_paused = true)]
async fn the_envelopes_are_as_the_document_has_them() {
    for (envelope, name) in [(bare(), "bare"), (full(), "full")] {
        let compact = bytes(&format!("compact-{name}"));
        assert_eq!(hex(&encode(&envelope, WireFormat::Compact, "shop/1").unwrap()), hex(&compact));
        let read: MessageEnvelope<Note> = decode(&compact).unwrap();
        assert_eq!(hex(&encode(&read, WireFormat::Compact, "shop/1").unwrap()), hex(&compact));
    }
}

#[tokio::test(start_paused = true)]
async fn the_events_are_as_the_document_has_them() {
    for (envelope, name) in [(bare(), "bare"), (full(), "full")] {
        let event = event(&format!("event-{name}"));
        let mut written: Value =
            serde_json::from_slice(&encode(&envelope, WireFormat::Json, "shop/1").unwrap()).unwrap();
        written.as_object_mut().unwrap().remove("time").expect("it says when");
        assert_eq!(written, serde_json::from_str::<Value>(&event).unwrap());
        let read: MessageEnvelope<Note> = decode(event.as_bytes()).unwrap();
        let compact = encode(&read, WireFormat::Compact, "shop/1").unwrap();
        assert_eq!(hex(&compact), hex(&bytes(&format!("compact-{name}"))));
    }
}

#[tokio::test(start_paused = true)]
async fn every_attribute_of_an_event_is_in_the_document() {
    let envelope = full().with_metadata("traceparent", "00-1-2-01").with_metadata("tracestate", "a=b");
    let event: Value = serde_json::from_slice(&encode(&envelope, WireFormat::Json, "shop/1").unwrap()).unwrap();
    for name in event.as_object().unwrap().keys() {
        assert!(DOCUMENT.contains(&format!("`{name}`")), "`WIRE.md` does not say what `{name}` is");
    }
}

#[test]
fn the_frames_are_as_the_document_has_them() {
    let node = |number: u64| format!("00000000000000ff-{number:016x}").parse().unwrap();
    let body = encode(&bare(), WireFormat::Compact, "shop/1").unwrap();
    let tell = Word::Tell { to: ActorAddress::named("desk").unwrap(), epoch: Some(7) };
    let owns = Word::Owns { name: Name::new("desk").unwrap(), epoch: 7 };
    let full = Word::Told(Err(Refusal::Kind(SendErrorKind::Full)));
    let readers = ActorAddress::pool("readers").unwrap();
    let offer = Word::Offer { to: readers, strategy: Strategy::RoundRobin, waits: false };
    let actor = "00000000000000ff-0000000000000009".parse().unwrap();
    let loads = Word::Loads { loads: vec![Load { actor, load: 300, is_full: true, is_aside: false }] };
    let frames = [
        ("frame-tell", Frame { from: node(1), key: 300, word: tell, body: body.clone() }),
        ("frame-offer", Frame { from: node(1), key: 300, word: offer, body }),
        ("frame-loads", Frame { from: node(1), key: 0, word: loads, body: Bytes::new() }),
        ("frame-full", Frame { from: node(2), key: 300, word: full, body: Bytes::new() }),
        ("frame-owns", Frame { from: node(1), key: 1, word: owns, body: Bytes::new() }),
    ];
    for (name, frame) in frames {
        let expected = bytes(name);
        assert_eq!(Frame::decode(&expected.clone().into()).as_ref(), Some(&frame), "{name}");
        assert_eq!(hex(&frame.encode()), hex(&expected), "{name}");
    }
}

#[test]
fn the_kinds_are_as_the_document_has_them() {
    let kinds = [
        SendErrorKind::NoSuchActor,
        SendErrorKind::NoMembers,
        SendErrorKind::Full,
        SendErrorKind::TimedOut,
        SendErrorKind::Expired,
        SendErrorKind::ActorStopped,
        SendErrorKind::TooMany(LimitError::new(Table::Actors, 1)),
        SendErrorKind::ShutDown,
        SendErrorKind::Disconnected,
        SendErrorKind::TooLarge,
        SendErrorKind::NotOffered,
        SendErrorKind::Unconfirmed,
    ];
    let name = |kind: &SendErrorKind| match serde_json::to_value(kind).unwrap() {
        Value::String(name) => name,
        other => other.as_object().unwrap().keys().next().unwrap().clone(),
    };
    let number = |kind: &SendErrorKind| postcard::to_allocvec(kind).unwrap()[0];
    let lines: String = kinds.iter().map(|kind| format!("{} {}\n", number(kind), name(kind))).collect();
    assert_eq!(lines, example("kinds"));
}

#[test]
fn a_claim_is_as_the_document_has_it() {
    let node = "00000000000000ff-0000000000000001".parse().unwrap();
    let claim = postcard::to_allocvec(&Claim { node, nonce: 300 }).unwrap();
    assert_eq!(hex(&claim), hex(&bytes("claim")));
}

#[test]
fn a_roster_is_as_the_document_has_it() {
    let provider = r#"{"actor":"00000000000000ff-0000000000000009","version":"1.2.0","tags":["eu"],"weight":3}"#;
    let members = vec![serde_json::from_str(provider).unwrap()];
    let roster = Roster::of(vec![(ActorAddress::pool("readers").unwrap(), members)]);
    assert_eq!(hex(&roster.encode()), hex(&bytes("roster")));
    assert_eq!(Roster::decode(&bytes("roster")), Some(roster));
}

#[test]
fn what_is_in_the_streams_is_as_the_document_has_it() {
    let body = encode(&bare(), WireFormat::Compact, "shop/1").unwrap();
    let parcel = join(&Parcel { to: ActorAddress::named("desk").unwrap(), retry: None }, &body);
    assert_eq!(hex(&parcel), hex(&bytes("parcel")));
    let reason = ClusterReason::Unhandled(DeadLetterReason::Failed);
    let epitaph = Epitaph { reason, cause: Some("no ink".into()), attempts: 3, at: 1_000_000_000_000 };
    assert_eq!(hex(&join(&epitaph, &parcel)), hex(&bytes("letter")));
    let (read, rest) = split::<Epitaph>(&bytes("letter")).map(|(head, rest)| (head, rest.to_vec())).unwrap();
    assert_eq!((read, hex(&rest)), (epitaph, hex(&parcel)));
}

#[test]
fn the_reasons_are_as_the_document_has_them() {
    let reasons = [
        (DeadLetterReason::Expired, "expired"),
        (DeadLetterReason::Evicted, "evicted"),
        (DeadLetterReason::Cancelled, "cancelled"),
        (DeadLetterReason::ActorStopped, "actor stopped"),
        (DeadLetterReason::Failed, "failed"),
        (DeadLetterReason::Panicked, "panicked"),
        (DeadLetterReason::Rejected, "rejected"),
        (DeadLetterReason::Undeliverable(SendErrorKind::Full), "undeliverable and a kind"),
        (DeadLetterReason::ShutDown, "shut down"),
    ];
    let text = DOCUMENT.replace('\n', " ");
    for (reason, name) in reasons {
        let number = postcard::to_allocvec(&reason).unwrap()[0];
        assert!(text.contains(&format!("{number} {name}")), "{number} {name}");
    }
}

#[test]
fn the_strategies_are_as_the_document_has_them() {
    let name = |strategy: &Strategy| strategy.to_string().replace('_', " ");
    let number = |strategy: &Strategy| postcard::to_allocvec(strategy).unwrap()[0];
    for strategy in Strategy::ALL {
        assert!(DOCUMENT.contains(&format!("{} {}", number(strategy), name(strategy))), "{strategy}");
    }
}

#[test]
fn no_example_of_the_document_goes_untested() {
    let names: Vec<_> = examples().into_keys().filter(|name| !name.starts_with("rust")).collect();
    let tested = [
        "hex claim",
        "hex compact-bare",
        "hex compact-full",
        "hex frame-full",
        "hex frame-loads",
        "hex frame-offer",
        "hex frame-owns",
        "hex frame-tell",
        "hex letter",
        "hex parcel",
        "hex roster",
        "json event-bare",
        "json event-full",
        "kinds",
    ];
    assert_eq!(names, tested);
}
