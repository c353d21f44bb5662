//! What both models need.

use futures_util::FutureExt;
use switchboard::{InMemoryMessageBroker, Message};

/// A message that is told from others by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note(pub(crate) u64);

impl Message for Note {
    const MESSAGE_TYPE: &'static str = "models.note";
}

pub(crate) type Broker = InMemoryMessageBroker<Note>;

/// What a call gives that has nothing to wait for.
pub(crate) fn at_once<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().expect("there is nothing to wait for")
}

/// Which of the letters is meant by a byte: itself if it is one of them, and else whichever comes up.
pub(crate) fn letter(letters: &[u8], byte: u8) -> u8 {
    if letters.contains(&byte) { byte } else { letters[usize::from(byte) % letters.len()] }
}

/// The number that a byte means, where a digit means itself.
pub(crate) fn number(byte: u8) -> usize {
    usize::from(if byte.is_ascii_digit() { byte - b'0' } else { byte })
}
