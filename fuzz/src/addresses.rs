//! Addresses, names and ids.

use switchboard::address::{ActorAddress, ActorId, Name, NameError, is_valid_literal};
use switchboard::message::MessageId;

use crate::text::{assert_empty_token, assert_first_wrong, has_tokens, is_plain_token, read};

/// Whether the text is an address, a name or an id, all ways of reading it say the same, and so does the plain rule.
pub fn check(text: &str) {
    let address = read::<ActorAddress>(text).ok();
    let has_name = address.as_ref().is_some_and(|address| !matches!(address, ActorAddress::Id(_)));
    assert_eq!(is_valid_literal(text), has_name, "the macro and the parser agree");
    if let Some(address) = address {
        assert!(text.starts_with(address.kind()));
        assert_eq!(address.is_group(), text.starts_with("service:") || text.starts_with("pool:"));
    }
    check_name(text);
    check_id(text);
}

fn check_name(text: &str) {
    let name = read::<Name>(text);
    assert_eq!(name.is_ok(), has_tokens(text, is_plain_token));
    match name {
        Ok(name) => {
            assert!(name.tokens().eq(text.split('.')));
            for kind in ["named", "service", "pool"] {
                let address = format!("{kind}:{text}").parse::<ActorAddress>().expect("it has a kind and a name");
                assert_eq!(address.kind(), kind);
            }
        }
        Err(NameError::Character { found, at }) => assert_first_wrong(text, found, at),
        Err(NameError::EmptyToken { at }) => assert_empty_token(text, at),
        Err(NameError::TooLong { length }) => assert_eq!(length, text.len()),
        Err(_) => assert!(text.is_empty()),
    }
}

fn check_id(text: &str) {
    let (message, actor) = (read::<MessageId>(text), read::<ActorId>(text));
    assert_eq!(message.is_ok(), is_id(text));
    assert_eq!(actor.is_ok(), is_id(text));
    let Ok(actor) = actor else { return };
    assert_eq!(format!("{:016x}", actor.node()), text[..16]);
    assert_eq!(format!("id:{text}").parse(), Ok(ActorAddress::Id(actor)));
}

fn is_id(text: &str) -> bool {
    let Some((node, number)) = text.split_once('-') else { return false };
    let is_half = |half: &str| half.len() == 16 && half.bytes().all(|byte| b"0123456789abcdef".contains(&byte));
    is_half(node) && is_half(number) && node != "0000000000000000"
}
