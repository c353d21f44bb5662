//! The message that programs send: it has a number, says what is to be done with it, and shows whether it is whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use switchboard::message::{Message, MessageEnvelope};

use crate::program::{Act, Answer, Does, End, Note, Pause};

pub(crate) type Envelope = MessageEnvelope<Job>;

#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) number: u64,
    /// Follows from the number, so that a message which is not whole shows.
    seal: [u64; 3],
    /// The request whose answer this is, or which is to be answered.
    pub(crate) asked: Option<u64>,
    acts: Arc<[Act]>,
    lives: Option<Duration>,
    clones_left: Option<Arc<AtomicU32>>,
}

/// What a message's clone panics with, if it can't be cloned any more.
pub(crate) const CLONED_TOO_OFTEN: &str = "cloned too often";

/// Handled at once and well.
pub(crate) const PLAIN: Act =
    Act { pause: Pause::None, does: Does::Nothing, answer: Answer::None, pause_again: Pause::None, end: End::Done };

impl Message for Job {
    const MESSAGE_TYPE: &'static str = "tests.program.job";

    fn time_to_live(&self) -> Option<Duration> {
        self.lives
    }
}

impl Job {
    pub(crate) fn new(number: u64, acts: impl Into<Arc<[Act]>>) -> Self {
        Self { number, seal: seal(number), asked: None, acts: acts.into(), lives: None, clones_left: None }
    }

    pub(crate) fn of(number: u64, note: &Note) -> Self {
        let lives = note.lives.map(Duration::from_millis);
        let clones_left = note.clones.map(|clones| Arc::new(AtomicU32::new(clones)));
        Self { lives, clones_left, ..Self::new(number, &*note.acts) }
    }

    pub(crate) fn asked(self, asked: Option<u64>) -> Self {
        Self { asked, ..self }
    }

    pub(crate) fn asked_as(&mut self, asked: Option<u64>) {
        self.asked = asked;
    }

    /// Turns it into another message, with the same things to do.
    pub(crate) fn renumber(&mut self, number: u64) {
        (self.number, self.seal) = (number, seal(number));
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.seal == seal(self.number)
    }

    pub(crate) fn clones_are_limited(&self) -> bool {
        self.clones_left.is_some()
    }

    /// What is to be done in this attempt.
    pub(crate) fn act(&self, attempt: u32) -> Act {
        let last = self.acts.len().checked_sub(1);
        last.map_or(PLAIN, |last| self.acts[last.min(attempt as usize - 1)])
    }
}

impl Clone for Job {
    fn clone(&self) -> Self {
        let used_up = |left: &Arc<AtomicU32>| left.fetch_sub(1, Ordering::SeqCst) == 0;
        if self.clones_left.as_ref().is_some_and(used_up) {
            panic_quietly(CLONED_TOO_OFTEN);
        }
        let Self { number, seal, asked, ref acts, lives, ref clones_left } = *self;
        Self { number, seal, asked, acts: Arc::clone(acts), lives, clones_left: clones_left.clone() }
    }
}

/// A panic that is meant, and of which nobody has to be told.
pub(crate) fn panic_quietly(cause: &'static str) -> ! {
    std::panic::resume_unwind(Box::new(cause))
}

fn seal(number: u64) -> [u64; 3] {
    [1, 2, 3].map(|round| (number ^ round).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29))
}
