use std::collections::VecDeque;
use std::{iter, mem};

use parking_lot::{ReentrantMutex, ReentrantMutexGuard};

use crate::dead_letters::log::LetterLog;
use crate::dead_letters::{DeadLetter, DeadLetterFilter, DeadLetterInfo, DeadLetterOptions, DeadLetterOverflow};
use crate::disposal::{Apart, Disposal};
use crate::feed::{Feed, Follower};
use crate::limits::{LimitError, Place};
use crate::message::Message;
use crate::sync::Mutex;

/// The dead letters that there is room for.
///
/// A letter is kept by whoever found that it can't be handled, often a sender, so that takes only the short lock of
/// `kept`. Whoever reads or takes lifts all letters out ([`Lent`]), works on them without that lock, and puts back what
/// is left before what came meanwhile. They do so one after the other, under `desk`.
pub(crate) struct LetterStore<M> {
    /// Reentrant, because a message's own `Clone` runs under it: if that reads dead letters too, it finds few instead
    /// of waiting for itself.
    desk: ReentrantMutex<()>,
    kept: Mutex<Kept<M>>,
    options: DeadLetterOptions,
    feed: Feed<DeadLetterInfo>,
    log: LetterLog,
    pub(crate) disposal: Disposal,
}

struct Kept<M> {
    /// Without those that somebody reads.
    letters: VecDeque<DeadLetter<M>>,
    /// How many somebody reads.
    lent: usize,
    dropped: u64,
}

impl<M> LetterStore<M> {
    pub(crate) fn new(options: DeadLetterOptions) -> Self {
        Self {
            desk: ReentrantMutex::new(()),
            kept: Mutex::new(Kept { letters: VecDeque::new(), lent: 0, dropped: 0 }),
            options,
            feed: Feed::new(),
            log: LetterLog::new(options.log_per_second),
            disposal: Disposal::default(),
        }
    }

    /// Logs a new letter, keeps it, and tells those who follow.
    pub(crate) fn keep(&self, letter: DeadLetter<M>)
    where
        M: Message,
    {
        self.log.write(&letter);
        let info = self.feed.is_followed().then(|| letter.info());
        let mut kept = self.kept.lock();
        kept.letters.push_back(letter);
        let surplus = kept.surplus(&self.options);
        drop(kept);
        if let Some(info) = info {
            self.feed.tell(&info);
        }
        // A message's own `Drop` must not run under the lock, and may panic.
        self.disposal.lay_all_to_rest(surplus);
    }

    /// Puts back a letter that was taken, in its place by age: neither logged nor told again.
    pub(crate) fn put_back(&self, letter: DeadLetter<M>) {
        let mut lent = self.lend();
        let place = lent.letters.partition_point(|other| other.at <= letter.at);
        lent.letters.insert(place, letter);
    }

    pub(crate) fn list(&self, filter: &DeadLetterFilter) -> Vec<DeadLetterInfo> {
        self.lend().matching(filter).map(DeadLetter::info).collect()
    }

    pub(crate) fn read(&self, filter: &DeadLetterFilter) -> Vec<DeadLetter<M>>
    where
        M: Clone,
    {
        let lent = self.lend();
        // If one panics, those that were cloned before are let go of one by one.
        let mut read = self.disposal.apart();
        read.values.extend(lent.matching(filter).cloned());
        mem::take(&mut read.values).into()
    }

    pub(crate) fn take(&self, filter: &DeadLetterFilter) -> Vec<DeadLetter<M>> {
        let mut lent = self.lend();
        let mut taken = Vec::new();
        for letter in mem::take(&mut lent.letters) {
            if taken.len() < filter.at_most() && filter.matches(&letter) {
                taken.push(letter);
            } else {
                lent.letters.push_back(letter);
            }
        }
        taken
    }

    pub(crate) fn follow(&self, place: Result<Place, LimitError>, capacity: usize) -> Follower<DeadLetterInfo> {
        self.feed.follow_in(place, capacity)
    }

    /// How many are kept, and how many were let go.
    pub(crate) fn counts(&self) -> (usize, u64) {
        let kept = self.kept.lock();
        // What is too much because of what came while some are read is let go when those come back.
        (self.options.capacity.min(kept.letters.len() + kept.lent), kept.dropped)
    }

    fn lend(&self) -> Lent<'_, M> {
        let desk = self.desk.lock();
        let mut kept = self.kept.lock();
        let letters = mem::take(&mut kept.letters);
        kept.lent += letters.len();
        Lent { _desk: desk, store: self, count: letters.len(), letters, surplus: self.disposal.apart() }
    }
}

impl<M> Drop for LetterStore<M> {
    fn drop(&mut self) {
        self.feed.end();
        self.disposal.lay_all_to_rest(self.kept.get_mut().letters.drain(..));
    }
}

impl<M> Kept<M> {
    /// Takes out one that there is no room for, if there is one.
    fn surplus(&mut self, options: &DeadLetterOptions) -> Option<DeadLetter<M>> {
        if self.letters.len() <= options.capacity {
            return None;
        }
        self.dropped += 1;
        match options.on_full {
            DeadLetterOverflow::DropOldest => self.letters.pop_front(),
            DeadLetterOverflow::DropNewest => self.letters.pop_back(),
        }
    }
}

/// All letters of a store, while somebody reads them. Dropping it puts back what is left.
struct Lent<'a, M> {
    /// First, so that what there is no room for on return is dropped when this is free again.
    _desk: ReentrantMutexGuard<'a, ()>,
    store: &'a LetterStore<M>,
    /// How many there were.
    count: usize,
    letters: VecDeque<DeadLetter<M>>,
    /// What there is no room for on return.
    surplus: Apart<'a, DeadLetter<M>>,
}

impl<M> Lent<'_, M> {
    fn matching(&self, filter: &DeadLetterFilter) -> impl Iterator<Item = &DeadLetter<M>> {
        self.letters.iter().filter(|letter| filter.matches(letter)).take(filter.at_most())
    }
}

impl<M> Drop for Lent<'_, M> {
    fn drop(&mut self) {
        let mut kept = self.store.kept.lock();
        let newer = mem::replace(&mut kept.letters, mem::take(&mut self.letters));
        kept.letters.extend(newer);
        kept.lent -= self.count;
        self.surplus.values.extend(iter::from_fn(|| kept.surplus(&self.store.options)));
    }
}

#[cfg(test)]
pub(super) mod support;
#[cfg(test)]
mod tests;
