use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use switchboard::address::{ActorAddress, ActorId};
use switchboard::message::{Message, MessageEnvelope, MessageId, MessagePriority};

use super::error::printable;
use super::header::Header;
use super::{DecodeError, EncodeError};

/// The first byte of every envelope in this form.
pub(super) const BRACE: u8 = b'{';

const SPECVERSION: &str = "1.0";
const CONTENT: &str = "application/json";

/// An event: the attributes that CloudEvents asks for, and our own, whose names must be of lower-case letters and
/// digits. What is not known is passed over.
#[derive(Serialize, Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    specversion: Cow<'a, str>,
    id: MessageId,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    message_type: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none", borrow, default)]
    time: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none", borrow, default)]
    datacontenttype: Option<Cow<'a, str>>,
    #[serde(default)]
    priority: MessagePriority,
    #[serde(default = "first")]
    attempt: u16,
    /// In microseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    remaining: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    sender: Option<ActorId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    correlation: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    replyto: Option<ActorAddress>,
    /// An attribute can't be an object, so it is the text of one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    metadata: Option<String>,
    /// The trace that it belongs to, by the extension of that name.
    #[serde(skip_serializing_if = "Option::is_none", borrow, default)]
    traceparent: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none", borrow, default)]
    tracestate: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: &'a RawValue,
}

const fn first() -> u16 {
    1
}

/// What has an attribute of its own among the metadata.
const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

pub(super) fn encode<M: Message + Serialize>(
    envelope: &MessageEnvelope<M>,
    source: &str,
) -> Result<Bytes, EncodeError> {
    let failed = |error: serde_json::Error| EncodeError::Message(error.to_string());
    let data = serde_json::value::to_raw_value(envelope.message()).map_err(failed)?;
    let header = Header::of(envelope);
    let entries: BTreeMap<_, _> =
        envelope.all_metadata().filter(|(key, _)| *key != TRACEPARENT && *key != TRACESTATE).collect();
    let metadata = (!entries.is_empty()).then(|| serde_json::to_string(&entries)).transpose().map_err(failed)?;
    let event = Event {
        specversion: SPECVERSION.into(),
        id: header.id,
        source: source.into(),
        message_type: header.message_type,
        time: Some(Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true).into()),
        datacontenttype: Some(CONTENT.into()),
        priority: header.priority,
        attempt: header.attempt,
        remaining: header.remaining,
        sender: header.sender,
        correlation: header.correlation,
        replyto: header.reply_to,
        metadata,
        traceparent: envelope.metadata(TRACEPARENT).map(Cow::Borrowed),
        tracestate: envelope.metadata(TRACESTATE).map(Cow::Borrowed),
        data: &data,
    };
    serde_json::to_vec(&event).map(Bytes::from).map_err(failed)
}

pub(super) fn decode<M: Message + DeserializeOwned>(bytes: &[u8]) -> Result<MessageEnvelope<M>, DecodeError> {
    let event: Event<'_> = serde_json::from_slice(bytes).map_err(|error| why_no_event(bytes, &error))?;
    let data = event.data;
    let header = header(event)?;
    header.check::<M>()?;
    let message =
        serde_json::from_str(data.get()).map_err(|error| DecodeError::Message(printable(&error.to_string())))?;
    Ok(header.envelop(message))
}

/// What serde says has texts from outside in it.
fn why_no_event(bytes: &[u8], error: &serde_json::Error) -> DecodeError {
    match serde_json::from_slice::<IgnoredAny>(bytes) {
        Ok(_) => DecodeError::Header(printable(&error.to_string())),
        Err(_) => DecodeError::Header(printable(&format!("no JSON: {error}"))),
    }
}

fn header(event: Event<'_>) -> Result<Header<'_>, DecodeError> {
    if event.specversion != SPECVERSION {
        return Err(DecodeError::Header(format!("specversion {}", printable(&event.specversion))));
    }
    if let Some(time) = &event.time {
        DateTime::parse_from_rfc3339(time).map_err(|_| DecodeError::Header("time is not as RFC 3339 has it".into()))?;
    }
    let entries: BTreeMap<String, String> = match &event.metadata {
        Some(text) => {
            serde_json::from_str(text).map_err(|_| DecodeError::Header("metadata is no object of texts".into()))?
        }
        None => BTreeMap::new(),
    };
    let traces = [(TRACEPARENT, event.traceparent), (TRACESTATE, event.tracestate)];
    let traces = traces.into_iter().filter_map(|(key, value)| Some((key.into(), value?)));
    Ok(Header {
        id: event.id,
        message_type: event.message_type,
        priority: event.priority,
        attempt: event.attempt,
        remaining: event.remaining,
        sender: event.sender,
        correlation: event.correlation,
        reply_to: event.replyto,
        metadata: entries.into_iter().map(|(key, value)| (key.into(), value.into())).chain(traces).collect(),
    })
}
