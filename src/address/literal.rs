//! Addresses that are written in a program, checked when it is compiled.

use crate::address::{ActorAddress, Name};

/// The address written in the literal: `named:…`, `service:…` or `pool:…`. A mistake in it does not compile.
///
/// ```
/// use switchboard::address;
///
/// let readers = address!("pool:readers");
/// assert_eq!(readers.to_string(), "pool:readers");
/// ```
///
/// ```compile_fail
/// let typo = switchboard::address!("pool:read ers");
/// ```
#[macro_export]
macro_rules! address {
    ($text:literal) => {{
        const { assert!($crate::address::is_valid_literal($text), "not an address like `pool:readers`") };
        $crate::address::from_literal($text)
    }};
}

/// Whether the text is an address with a name. Part of [`address!`](crate::address!).
#[doc(hidden)]
#[must_use]
pub const fn is_valid_literal(text: &str) -> bool {
    let text = text.as_bytes();
    let mut colon = 0;
    while colon < text.len() && text[colon] != b':' {
        colon += 1;
    }
    let (kind, rest) = text.split_at(colon);
    match (kind, rest) {
        (b"named" | b"service" | b"pool", [b':', name @ ..]) => is_name(name),
        _ => false,
    }
}

/// The address of a text that [`is_valid_literal`] has passed. Part of [`address!`](crate::address!).
#[doc(hidden)]
#[must_use]
pub fn from_literal(text: &'static str) -> ActorAddress {
    // The macro calls this only with what passed the check, which accepts no more than the parser does (tested below).
    text.parse().expect("checked when the program was compiled")
}

const fn is_name(name: &[u8]) -> bool {
    let mut token = 0;
    let mut at = 0;
    while at < name.len() {
        token = match name[at] {
            b'.' if token == 0 => return false,
            b'.' => 0,
            byte if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' => token + 1,
            _ => return false,
        };
        at += 1;
    }
    token > 0 && name.len() <= Name::MAX_LENGTH
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_check_knows_all_kinds_with_names() {
        for kind in ["named", "service", "pool"] {
            assert!(is_valid_literal(&format!("{kind}:a.b-c_1")));
            assert!(!is_valid_literal(kind));
        }
        assert!(!is_valid_literal("id:0000000000000001-0000000000000001"));
        assert_eq!(crate::address!("service:billing.eu"), ActorAddress::service("billing.eu").unwrap());
    }

    proptest! {
        #[test]
        fn the_check_and_the_parser_agree(name in "[a-zA-Z0-9_. :é-]{0,20}", long in 0_usize..300) {
            for name in [name, "x".repeat(long)] {
                let text = format!("pool:{name}");
                prop_assert_eq!(is_valid_literal(&text), text.parse::<ActorAddress>().is_ok());
            }
        }
    }
}
