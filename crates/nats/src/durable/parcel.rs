use bytes::Bytes;
use serde::{Deserialize, Serialize};
use switchboard::address::ActorAddress;
use switchboard::retry::RetryPolicy;

use super::ClusterReason;

/// The first byte of what is in the streams.
const VERSION: u8 = 1;

/// What the stream keeps before an envelope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Parcel {
    pub(crate) to: ActorAddress,
    /// When it is handled again, if its sender has said so.
    pub(crate) retry: Option<RetryPolicy>,
}

/// What is kept before a parcel that is dead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Epitaph {
    pub(crate) reason: ClusterReason,
    pub(crate) cause: Option<String>,
    pub(crate) attempts: u32,
    /// When it died, in milliseconds since 1970.
    pub(crate) at: i64,
}

/// Writes a head, and what follows it.
pub(crate) fn join(head: &impl Serialize, rest: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(128 + rest.len());
    bytes.push(VERSION);
    // There is no map and no sequence of unknown length in a head, which is all that postcard refuses.
    let mut bytes = postcard::to_extend(head, bytes).unwrap_or_default();
    bytes.extend_from_slice(rest);
    bytes.into()
}

/// Reads a head, and gives what follows it.
///
/// # Errors
///
/// A text that says why that can't be done.
pub(crate) fn split<'a, H: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(H, &'a [u8]), String> {
    match bytes {
        [VERSION, rest @ ..] => postcard::take_from_bytes(rest).map_err(|error| error.to_string()),
        [version, ..] => Err(format!("it has version {version}")),
        [] => Err("there is nothing".into()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use switchboard::dead_letters::DeadLetterReason;
    use switchboard::retry::Backoff;

    use super::*;

    #[test]
    fn heads_are_read_as_they_were_written() {
        let policy = RetryPolicy::attempts(3).backoff(Backoff::fixed(Duration::from_secs(1)));
        let to = ActorAddress::named("desk").unwrap();
        for retry in [None, Some(policy)] {
            let parcel = Parcel { to: to.clone(), retry };
            assert_eq!(split::<Parcel>(&join(&parcel, b"abc")), Ok((parcel, &b"abc"[..])));
        }
        let reasons = [
            ClusterReason::Unhandled(DeadLetterReason::Failed),
            ClusterReason::Unreadable("cut".into()),
            ClusterReason::GivenUp,
        ];
        for reason in reasons {
            let epitaph = Epitaph { reason, cause: Some("no ink".into()), attempts: 3, at: -7 };
            assert_eq!(split::<Epitaph>(&join(&epitaph, b"")), Ok((epitaph, &b""[..])));
        }
        assert!(split::<Parcel>(b"").is_err() && split::<Parcel>(b"\x02").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let bytes = [&[VERSION], &bytes[..]].concat();
            let _ = split::<Parcel>(&bytes);
            let _ = split::<Epitaph>(&bytes);
        }
    }
}
