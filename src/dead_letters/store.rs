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
        Self { kept: Mutex::new(Kept { letters: VecDeque::new(), dropped: 0 }), capacity }
    }

    pub(crate) fn keep(&self, letter: DeadLetter<M>) {
        let mut kept = self.kept.lock();
        kept.letters.push_back(letter);
        let surplus = if kept.letters.len() > self.capacity { kept.letters.pop_front() } else { None };
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Barrier};
    use std::thread;

    use chrono::Utc;

    use super::*;
    use crate::address::ActorId;
    use crate::dead_letters::DeadLetterReason;
    use crate::message::{Message, MessageEnvelope};

    #[derive(Debug)]
    struct Note(u64);

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    fn letter<M: Message>(message: M) -> DeadLetter<M> {
        let actor = ActorId::next();
        DeadLetter {
            envelope: MessageEnvelope::new(message),
            address: actor.into(),
            actor,
            reason: DeadLetterReason::Expired,
            at: Utc::now(),
        }
    }

    fn numbers(letters: &[DeadLetter<Note>]) -> Vec<u64> {
        letters.iter().map(|letter| letter.envelope.message().0).collect()
    }

    #[test]
    fn the_latest_are_kept_in_order_and_the_rest_counted() {
        let store = DeadLetters::new(3);
        for number in 0..3 {
            store.keep(letter(Note(number)));
            assert_eq!(store.counts(), (number as usize + 1, 0));
        }
        for number in 3..8 {
            store.keep(letter(Note(number)));
            assert_eq!(store.counts(), (3, number - 2));
        }
        assert_eq!(numbers(&store.take()), [5, 6, 7]);
    }

    #[test]
    fn what_was_taken_makes_room_and_was_not_let_go() {
        let store = DeadLetters::new(2);
        for number in 0..3 {
            store.keep(letter(Note(number)));
        }
        assert_eq!(numbers(&store.take()), [1, 2]);
        assert_eq!(store.counts(), (0, 1));
        assert!(store.take().is_empty());
        store.keep(letter(Note(3)));
        assert_eq!(store.counts(), (1, 1));
        assert_eq!(numbers(&store.take()), [3]);
    }

    #[test]
    fn room_for_none_keeps_none_and_counts_all() {
        let store = DeadLetters::new(0);
        for number in 0..5 {
            store.keep(letter(Note(number)));
        }
        assert_eq!(store.counts(), (0, 5));
        assert!(store.take().is_empty());
    }

    #[test]
    fn letters_from_many_threads_are_all_accounted_for() {
        let (store, start) = (DeadLetters::new(64), Barrier::new(4));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    (0..500).for_each(|number| store.keep(letter(Note(number))));
                });
            }
        });
        assert_eq!(store.counts(), (64, 4 * 500 - 64));
    }

    /// A message whose drop looks whether the store is locked.
    #[derive(Debug)]
    struct Nosy(Arc<Witness>);

    #[derive(Debug)]
    struct Witness {
        store: std::sync::OnceLock<std::sync::Weak<DeadLetters<Nosy>>>,
        dropped: AtomicUsize,
    }

    impl std::fmt::Debug for DeadLetters<Nosy> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("DeadLetters").finish_non_exhaustive()
        }
    }

    impl Message for Nosy {
        const MESSAGE_TYPE: &'static str = "nosy";
    }

    impl Drop for Nosy {
        fn drop(&mut self) {
            let store = self.0.store.get().and_then(std::sync::Weak::upgrade);
            assert!(store.is_none_or(|store| store.kept.try_lock().is_some()), "dropped under the lock");
            self.0.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_dropped_once_and_outside_the_lock() {
        for capacity in [0, 2] {
            let store = Arc::new(DeadLetters::new(capacity));
            let witness = Arc::new(Witness { store: std::sync::OnceLock::new(), dropped: AtomicUsize::new(0) });
            assert!(witness.store.set(Arc::downgrade(&store)).is_ok());
            for _ in 0..5 {
                store.keep(letter(Nosy(Arc::clone(&witness))));
            }
            assert_eq!(witness.dropped.load(Ordering::SeqCst), 5 - capacity);
            drop(store.take());
            assert_eq!(witness.dropped.load(Ordering::SeqCst), 5);
        }
    }
}
