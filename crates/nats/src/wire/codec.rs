use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::message::{Message, MessageEnvelope};

use super::{DecodeError, EncodeError, WireFormat, compact, json};

/// Writes an envelope. `source` says in the JSON form who sent it; the compact one has no such thing.
///
/// # Errors
///
/// If the message can't be serialised.
pub fn encode<M: Message + Serialize>(
    envelope: &MessageEnvelope<M>,
    format: WireFormat,
    source: &str,
) -> Result<Bytes, EncodeError> {
    match format {
        WireFormat::Compact => compact::encode(envelope),
        WireFormat::Json => json::encode(envelope, source),
    }
}

/// Reads an envelope, in whichever form it is. Its deadline counts from now.
///
/// # Errors
///
/// If the bytes are of a version that is not known, of another type of message, or malformed. No input makes it panic,
/// but for what the message's own `Deserialize` does.
pub fn decode<M: Message + DeserializeOwned>(bytes: &[u8]) -> Result<MessageEnvelope<M>, DecodeError> {
    match bytes {
        [] => Err(DecodeError::Empty),
        [compact::VERSION, rest @ ..] => compact::decode(rest),
        [json::BRACE, ..] => json::decode(bytes),
        [version, ..] => Err(DecodeError::Version(*version)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use serde::Deserialize;
    use switchboard::address::{ActorAddress, ActorId};
    use switchboard::message::{MessageId, MessagePriority};

    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Note {
        Text(String),
        Numbers { first: u64, second: i16 },
        Nothing,
    }

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    #[derive(Debug, Serialize, Deserialize)]
    struct Other;

    impl Message for Other {
        const MESSAGE_TYPE: &'static str = "other";
    }

    const BOTH: [WireFormat; 2] = [WireFormat::Compact, WireFormat::Json];

    fn full() -> MessageEnvelope<Note> {
        MessageEnvelope::new(Note::Text("hello \u{202e} \n".into()))
            .with_priority(MessagePriority::High)
            .with_sender(ActorId::next())
            .with_correlation(MessageId::next())
            .with_reply_to(ActorAddress::named("desk.a").unwrap())
            .with_metadata("tenant", "blue \"quoted\"")
            .with_metadata("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    }

    fn assert_same(read: &MessageEnvelope<Note>, sent: &MessageEnvelope<Note>) {
        assert_eq!(read.message(), sent.message());
        assert_eq!((read.id(), read.attempt(), read.priority()), (sent.id(), sent.attempt(), sent.priority()));
        assert_eq!((read.sender(), read.correlation()), (sent.sender(), sent.correlation()));
        assert_eq!(read.reply_to(), sent.reply_to());
        let entries = |envelope: &MessageEnvelope<Note>| {
            let mut all: Vec<_> =
                envelope.all_metadata().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            all.sort();
            all
        };
        assert_eq!(entries(read), entries(sent));
    }

    #[test]
    fn a_full_header_arrives_in_both_forms() {
        for format in BOTH {
            let sent = full();
            assert_same(&decode(&encode(&sent, format, "test").unwrap()).unwrap(), &sent);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_arrives_as_the_time_that_is_left() {
        for format in BOTH {
            let sent = MessageEnvelope::new(Note::Nothing).within(Duration::from_secs(10));
            tokio::time::advance(Duration::from_secs(3)).await;
            let bytes = encode(&sent, format, "test").unwrap();
            // On its way, no time goes by: nobody could tell how much.
            tokio::time::advance(Duration::from_secs(100)).await;
            let read: MessageEnvelope<Note> = decode(&bytes).unwrap();
            let left = read.remaining().unwrap();
            assert!(left <= Duration::from_secs(7) && left > Duration::from_millis(6_990), "{left:?}");
            let without: MessageEnvelope<Note> =
                decode(&encode(&MessageEnvelope::new(Note::Nothing), format, "test").unwrap()).unwrap();
            assert_eq!(without.deadline(), None);
        }
    }

    #[test]
    fn the_json_form_is_an_event() {
        let bytes = encode(&full(), WireFormat::Json, "shop/node-1").unwrap();
        let event: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["type"], "note");
        assert_eq!(event["source"], "shop/node-1");
        assert_eq!(event["datacontenttype"], "application/json");
        assert_eq!(event["data"]["Text"], "hello \u{202e} \n");
        assert_eq!(event["traceparent"], "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let names = event.as_object().unwrap().keys();
        assert!(
            names.into_iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
        );
    }

    #[test]
    fn an_event_with_nothing_but_what_it_must_have_is_read() {
        let id = MessageId::next();
        let event = format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"me","type":"note","data":{{"Text":"hi"}},"new":1}}"#
        );
        let read: MessageEnvelope<Note> = decode(event.as_bytes()).unwrap();
        assert_eq!((read.id(), read.attempt(), read.priority()), (id, 1, MessagePriority::Normal));
        assert_eq!(read.into_message(), Note::Text("hi".into()));
    }

    #[test]
    fn what_is_no_envelope_of_this_type_says_why() {
        assert_eq!(decode::<Note>(&[]).unwrap_err(), DecodeError::Empty);
        assert_eq!(decode::<Note>(&[7, 1, 2]).unwrap_err(), DecodeError::Version(7));
        assert!(matches!(decode::<Note>(&[1]).unwrap_err(), DecodeError::Header(_)));
        assert!(matches!(decode::<Note>(b"{}").unwrap_err(), DecodeError::Header(_)));
        assert!(matches!(decode::<Note>(b"{\"a").unwrap_err(), DecodeError::Header(_)));
        for format in BOTH {
            let other = encode(&MessageEnvelope::new(Other), format, "test").unwrap();
            let expected = DecodeError::Type { expected: "note", found: "other".into() };
            assert_eq!(decode::<Note>(&other).unwrap_err(), expected);
        }
    }

    #[test]
    fn the_compact_form_is_as_it_is_documented() {
        let id: MessageId = "0000000000000001-0000000000000002".parse().unwrap();
        let envelope = MessageEnvelope::received(id, 3, Note::Numbers { first: 300, second: -1 });
        let expected = [
            1, // the version
            1, 2, // the id
            4, b'n', b'o', b't', b'e', // the type
            1,    // the priority: normal
            3,    // the attempt
            0, 0, 0, 0, // no deadline, sender, correlation, reply address
            0, // no metadata
            1, // the message: the second variant
            0xAC, 0x02, // 300
            1,    // -1
        ];
        assert_eq!(encode(&envelope, WireFormat::Compact, "test").unwrap()[..], expected);
    }

    #[test]
    fn bytes_that_are_left_over_are_noticed() {
        let mut bytes = encode(&full(), WireFormat::Compact, "test").unwrap().to_vec();
        bytes.push(0);
        assert_eq!(decode::<Note>(&bytes).unwrap_err(), DecodeError::Message("1 bytes are left over".into()));
    }

    #[test]
    fn every_envelope_that_is_cut_off_is_refused() {
        for format in BOTH {
            let bytes = encode(&full(), format, "test").unwrap();
            assert!((0..bytes.len()).all(|end| decode::<Note>(&bytes[..end]).is_err()));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>, first in prop::sample::select(vec![1, b'{'])) {
            let _ = decode::<Note>(&bytes);
            let mut bytes = bytes;
            bytes.insert(0, first);
            let _ = decode::<Note>(&bytes);
        }

        #[test]
        fn what_is_written_is_read(text: String, key in "[a-z]{1,9}", value: String, attempt in 1..70_000_u32) {
            for format in BOTH {
                let sent = MessageEnvelope::received(MessageId::next(), attempt, Note::Text(text.clone()))
                    .with_metadata(&key, &value);
                assert_same(&decode(&encode(&sent, format, "test").unwrap()).unwrap(), &sent);
            }
        }
    }
}
