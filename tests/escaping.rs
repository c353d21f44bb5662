//! What others have written gets into no error and no log as it is: it can't forge a line, steer a terminal, turn text round,
//! or flood either.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::error::Error;
use std::fmt::{Debug, Display};

use common::named;
use switchboard::actor::{ActorHandle, StopCause, once};
use switchboard::address::{ActorAddress, ActorId, Name};
use switchboard::broker::{AskError, InMemoryMessageBroker, MessageBroker, RequestErrorKind};
use switchboard::dead_letters::DeadLetterFilter;
use switchboard::mailbox::MailboxOptions;
use switchboard::message::{Message, MessageEnvelope, MessageId};
use switchboard::topics::{Subject, SubjectPattern};

/// A new line that looks like one of a log, a sequence that clears a screen, a turn to the left, and the end of a line.
const HARMFUL: &str = "a\nINFO all is well \u{1b}[2J\u{9b}2J\u{202e}\u{2066}\u{2028}\r\u{7}\u{200b}\u{feff}\0";

#[derive(Clone, Debug)]
struct Words(String);

impl Message for Words {
    const MESSAGE_TYPE: &'static str = "words";
}

/// What a text may hold, which comes from this program alone.
#[track_caller]
fn assert_harmless(text: &str) {
    let harmful = |c: char| c.is_control() || (!c.is_ascii() && HARMFUL.contains(c));
    assert!(!text.chars().any(harmful), "{text:?}");
    assert!(text.len() < 2_000, "{} bytes", text.len());
}

#[track_caller]
fn assert_error_is_harmless<T: Debug, E: Error>(parsed: Result<T, E>) {
    let error = parsed.unwrap_err();
    assert_harmless(&error.to_string());
    assert_harmless(&format!("{error:?}"));
}

/// The harmful text and a very long one, and each of its characters, alone and after what is right.
fn texts() -> Vec<String> {
    let mut texts =
        vec![HARMFUL.to_owned(), "é".repeat(1_000_000), format!("{HARMFUL}:{HARMFUL}"), format!("named:{HARMFUL}")];
    texts.extend(HARMFUL.chars().filter(|c| !c.is_alphanumeric()).flat_map(|c| [c.to_string(), format!("a.{c}")]));
    texts.push(format!("{}:desk", "é".repeat(1_000_000)));
    texts
}

#[test]
fn what_is_no_name_address_subject_or_id_is_not_repeated_as_it_is() {
    for text in texts() {
        assert_error_is_harmless(Name::new(&text));
        assert_error_is_harmless(text.parse::<ActorAddress>());
        assert_error_is_harmless(format!("id:{text}").parse::<ActorAddress>());
        assert_error_is_harmless(format!("pool:{text}").parse::<ActorAddress>());
        assert_error_is_harmless(Subject::new(&text));
        assert_error_is_harmless(SubjectPattern::new(&text));
        assert_error_is_harmless(text.parse::<ActorId>());
        assert_error_is_harmless(text.parse::<MessageId>());
        let json = serde_json::to_string(&text).unwrap();
        assert_harmless(&serde_json::from_str::<ActorAddress>(&json).unwrap_err().to_string());
        assert_harmless(&serde_json::from_str::<Name>(&json).unwrap_err().to_string());
    }
}

type Broker = InMemoryMessageBroker<Words>;

/// An actor that panics with what it is told, or fails with it.
async fn spawn(broker: &Broker, name: &str, panics: bool) -> ActorHandle<Words> {
    let handler = move |words: MessageEnvelope<Words>| async move {
        let Words(text) = words.into_message();
        if panics {
            panic!("{text}");
        }
        Err::<(), _>(text)
    };
    broker.spawn_with(&named(name), switchboard::SpawnOptions::new(), once(handler)).await.unwrap()
}

#[tokio::test]
async fn what_a_handler_says_is_not_repeated_as_it_is() {
    let broker = Broker::new();
    for text in [HARMFUL.to_owned(), "é".repeat(1_000_000)] {
        for panics in [true, false] {
            let actor = spawn(&broker, "desk", panics).await;
            let error = broker.request(&named("desk"), Words(text.clone())).await.unwrap_err();
            assert!(matches!(error.kind(), RequestErrorKind::HandlerPanicked(_) | RequestErrorKind::HandlerFailed(_)));
            assert_harmless(&error.to_string());
            assert_harmless(&error.kind().to_string());
            assert_harmless(&AskError::Request(error).to_string());
            actor.stop();
            assert_harmless(&actor.join().await.to_string());
        }
    }
    assert_harmless(&StopCause::StartFailed(HARMFUL.into()).to_string());
}

#[tokio::test]
async fn what_is_given_as_a_cause_stays_whole_and_is_printed_harmless() {
    let broker = Broker::new();
    let mut inbox = broker.register(&named("desk"), MailboxOptions::bounded(8)).await.unwrap();
    broker.send(&named("desk"), MessageEnvelope::new(Words("x".into())).at_least_once()).await.unwrap();
    inbox.recv().await.unwrap().reject(HARMFUL);
    let letters = broker.dead_letters().list(&DeadLetterFilter::all());
    assert_eq!(letters[0].cause.as_deref(), Some(HARMFUL), "whoever reads it gets what was said");
    let shown: [&dyn Debug; 1] = [&letters[0]];
    shown.iter().for_each(|letter| assert_harmless(&format!("{letter:?}")));
    let reason: &dyn Display = &letters[0].reason;
    assert_harmless(&reason.to_string());
}
