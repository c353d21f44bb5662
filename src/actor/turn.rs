use std::time::{Duration, Instant};

/// How long an actor with messages waiting may hold its thread before other tasks get theirs.
///
/// Giving up the thread costs some microseconds, most of it in waking another thread, so it is not done after so many
/// messages, however short, but after so much time.
#[derive(Debug, Default)]
pub(super) struct Turn {
    // The real clock: this is about the thread, not about anything that a test may want to pause.
    began: Option<Instant>,
    messages: u32,
}

const LENGTH: Duration = Duration::from_micros(500);

/// Reading the clock costs about as much as handling a small message, so it is read once for this many.
const MESSAGES_PER_LOOK: u32 = 64;

impl Turn {
    /// Begins anew: the actor has just let others run.
    #[inline]
    pub(super) fn begin(&mut self) {
        *self = Self::default();
    }

    /// Counts a message. Whether it is time to let others run.
    #[inline]
    pub(super) fn is_over(&mut self) -> bool {
        self.messages += 1;
        self.messages.is_multiple_of(MESSAGES_PER_LOOK) && self.look()
    }

    fn look(&mut self) -> bool {
        self.began.get_or_insert_with(Instant::now).elapsed() >= LENGTH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_ends_with_its_time_and_not_before() {
        let mut turn = Turn { began: Some(Instant::now() - LENGTH), messages: 0 };
        assert!((1..MESSAGES_PER_LOOK).all(|_| !turn.is_over()));
        assert!(turn.is_over());
        turn.begin();
        assert!((0..MESSAGES_PER_LOOK).all(|_| !turn.is_over()));
    }
}
