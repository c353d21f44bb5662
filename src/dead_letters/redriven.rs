use std::fmt;

use crate::broker::SendErrorKind;
use crate::message::MessageId;

/// What became of dead letters that were [sent again](super::DeadLetters::redrive).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "some may have been refused"]
pub struct Redriven {
    /// How many are in a mailbox, or stand in line for room in one.
    pub sent: usize,
    /// How many were refused, and wait to be tried again as their retry policy says.
    pub waiting: usize,
    /// Which were refused, and why. They are dead letters still, as they were.
    pub refused: Vec<(MessageId, SendErrorKind)>,
}

impl fmt::Display for Redriven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sent, {} waiting, {} refused", self.sent, self.waiting, self.refused.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_how_many_are_where() {
        let refused = vec![(MessageId::next(), SendErrorKind::NoSuchActor)];
        assert_eq!(Redriven { sent: 3, waiting: 2, refused }.to_string(), "3 sent, 2 waiting, 1 refused");
    }
}
