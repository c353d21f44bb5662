//! The dead letters of the readers: the files that none of them could read.

use switchboard::dead_letters::{DeadLetter, DeadLetterFilter, DeadLetters};

use crate::addresses;
use crate::failure::Failure;
use crate::message::CensusMessage;

/// Takes them. Each has the reason of its last attempt.
pub(crate) fn failures(letters: &DeadLetters<CensusMessage>) -> Vec<Failure> {
    let of_readers = letters.take(&DeadLetterFilter::all().target(&addresses::readers()));
    of_readers.iter().filter_map(failure).collect()
}

fn failure(letter: &DeadLetter<CensusMessage>) -> Option<Failure> {
    let CensusMessage::Read(path) = letter.envelope.message() else { return None };
    let failure = match &letter.cause {
        Some(cause) => Failure::new(path, cause),
        None => Failure::new(path, &letter.reason),
    };
    Some(failure.after(letter.attempts))
}
