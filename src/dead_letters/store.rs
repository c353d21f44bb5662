use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::dead_letters::DeadLetter;

/// The latest dead letters, as many as there is room for.
pub(crate) struct DeadLetters<M> {
    kept: Mutex<Kept<M>>,
    capacity: usize,
}

struct Kept<M> {
    letters: VecDeque<DeadLetter<M>>,
    dropped: u64,
}

impl<M> DeadLetters<M> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            kept: Mutex::new(Kept {
                letters: VecDeque::new(),
                dropped: 0,
            }),
            capacity,
        }
    }

    pub(crate) fn keep(&self, letter: DeadLetter<M>) {
        let mut kept = self.kept.lock();
        kept.letters.push_back(letter);
        let surplus = if kept.letters.len() > self.capacity {
            kept.letters.pop_front()
        } else {
            None
        };
        kept.dropped += u64::from(surplus.is_some());
        // A message's own `Drop` must not run under the lock.
        drop(kept);
        drop(surplus);
    }

    pub(crate) fn take(&self) -> Vec<DeadLetter<M>> {
        self.kept.lock().letters.drain(..).collect()
    }

    /// How many are kept, and how many were let go.
    pub(crate) fn counts(&self) -> (usize, u64) {
        let kept = self.kept.lock();
        (kept.letters.len(), kept.dropped)
    }
}
