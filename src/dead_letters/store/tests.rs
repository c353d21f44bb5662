use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, OnceLock, Weak};
use std::thread;

use super::support::{Note, letter};
use super::*;
use crate::dead_letters::DeadLetterReason;
use crate::limits::{Bounds, Table};

const ALL: DeadLetterFilter = DeadLetterFilter::all();

fn store<M>(capacity: usize) -> LetterStore<M> {
    LetterStore::new(DeadLetterOptions::new().capacity(capacity).log_per_second(0))
}

/// A store that keeps the first.
fn store_of_first<M>(capacity: usize) -> LetterStore<M> {
    let options = DeadLetterOptions::new().capacity(capacity).log_per_second(0);
    LetterStore::new(options.on_full(DeadLetterOverflow::DropNewest))
}

fn fill(store: &LetterStore<Note>, numbers: impl IntoIterator<Item = u64>) {
    numbers.into_iter().for_each(|number| store.keep(letter(Note(number))));
}

fn numbers(letters: &[DeadLetter<Note>]) -> Vec<u64> {
    letters.iter().map(|letter| letter.envelope.message().0).collect()
}

fn kept(store: &LetterStore<Note>) -> Vec<u64> {
    numbers(&store.read(&ALL))
}

#[test]
fn the_latest_are_kept_in_order_and_the_rest_counted() {
    let store = store(3);
    for number in 0..3 {
        fill(&store, [number]);
        assert_eq!(store.counts(), (number as usize + 1, 0));
    }
    for number in 3..8 {
        fill(&store, [number]);
        assert_eq!(store.counts(), (3, number - 2));
    }
    assert_eq!(numbers(&store.take(&ALL)), [5, 6, 7]);
}

#[test]
fn the_first_are_kept_if_the_newest_are_to_be_dropped() {
    let store = store_of_first(3);
    fill(&store, 0..8);
    assert_eq!(store.counts(), (3, 5));
    assert_eq!(numbers(&store.take(&ALL)), [0, 1, 2]);
    fill(&store, [8]);
    assert_eq!(kept(&store), [8]);
}

#[test]
fn what_was_taken_makes_room_and_was_not_let_go() {
    let store = store(2);
    fill(&store, 0..3);
    assert_eq!(numbers(&store.take(&ALL)), [1, 2]);
    assert_eq!(store.counts(), (0, 1));
    assert!(store.take(&ALL).is_empty());
    fill(&store, [3]);
    assert_eq!(store.counts(), (1, 1));
    assert_eq!(numbers(&store.take(&ALL)), [3]);
}

#[test]
fn room_for_none_keeps_none_and_counts_all() {
    for store in [store(0), store_of_first(0)] {
        fill(&store, 0..5);
        assert_eq!(store.counts(), (0, 5));
        assert!(store.take(&ALL).is_empty());
    }
}

#[test]
fn what_does_not_match_or_is_beyond_the_limit_stays_in_order() {
    let store = store(16);
    for number in 0..8 {
        let reason = if number % 2 == 0 { DeadLetterReason::Evicted } else { DeadLetterReason::Expired };
        store.keep(DeadLetter { reason, ..letter(Note(number)) });
    }
    let evicted = DeadLetterFilter::all().reason(DeadLetterReason::Evicted);
    let (listed, read) = (store.list(&evicted), store.read(&evicted));
    assert_eq!(listed, read.iter().map(DeadLetter::info).collect::<Vec<_>>());
    assert_eq!(numbers(&read), [0, 2, 4, 6]);
    assert_eq!(store.counts(), (8, 0), "reading takes nothing");

    let few = evicted.clone().limit(2);
    assert_eq!(store.list(&few), listed[..2]);
    assert_eq!(numbers(&store.take(&few)), [0, 2]);
    assert_eq!(kept(&store), [1, 3, 4, 5, 6, 7]);
    assert!(store.take(&evicted.clone().limit(0)).is_empty());
    assert_eq!(numbers(&store.take(&evicted)), [4, 6]);
    assert_eq!(store.counts(), (4, 0));
}

#[test]
fn what_is_put_back_is_in_its_place_by_age_and_no_news() {
    let store = store(8);
    fill(&store, 0..5);
    let taken = store.take(&DeadLetterFilter::all().limit(3));
    let mut follower = store.follow(Arc::<Bounds>::default().take(Table::Followers), 8);
    taken.into_iter().for_each(|letter| store.put_back(letter));
    assert_eq!(kept(&store), [0, 1, 2, 3, 4]);
    assert_eq!(store.counts(), (5, 0));
    assert!(follower.try_next().is_none());
}

#[test]
fn what_is_put_back_needs_room_as_all_do() {
    for (store, left) in [(store(2), [2, 3]), (store_of_first(2), [0, 1])] {
        fill(&store, 0..2);
        let taken = store.take(&ALL);
        fill(&store, 2..4);
        taken.into_iter().for_each(|letter| store.put_back(letter));
        assert_eq!(kept(&store), left);
        assert_eq!(store.counts(), (2, 2));
    }
}

#[test]
fn letters_from_many_threads_are_all_accounted_for() {
    let (store, start) = (store(64), Barrier::new(5));
    let taken: u64 = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                start.wait();
                fill(&store, 0..500);
            });
        }
        start.wait();
        let few = DeadLetterFilter::all().limit(3);
        let read_and_take = |_| {
            assert!(store.read(&ALL).len() <= 64);
            store.take(&few).len() as u64
        };
        (0..100).map(read_and_take).sum()
    });
    let (kept, dropped) = store.counts();
    assert_eq!(taken + kept as u64 + dropped, 4 * 500);
    assert_eq!(store.take(&ALL).len(), kept);
}

/// A message that does something whenever it is cloned or dropped, with the store that it is in.
#[derive(Debug)]
struct Lively(Arc<Life>);

type Doing = fn(&Arc<Life>, &LetterStore<Lively>);

struct Life {
    store: OnceLock<Weak<LetterStore<Lively>>>,
    when_cloned: Doing,
    cloned: AtomicUsize,
    dropped: AtomicUsize,
    done: AtomicUsize,
}

impl std::fmt::Debug for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Life").finish_non_exhaustive()
    }
}

impl Message for Lively {
    const MESSAGE_TYPE: &'static str = "lively";
}

impl Clone for Lively {
    fn clone(&self) -> Self {
        let store = self.0.store.get().and_then(Weak::upgrade).expect("it is being read");
        assert!(store.kept.try_lock().is_some(), "cloned under the lock");
        self.0.cloned.fetch_add(1, Ordering::SeqCst);
        (self.0.when_cloned)(&self.0, &store);
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Lively {
    fn drop(&mut self) {
        let store = self.0.store.get().and_then(Weak::upgrade);
        assert!(store.is_none_or(|store| store.kept.try_lock().is_some()), "dropped under the lock");
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// A store with `letters` of these in it.
fn lively(store: LetterStore<Lively>, letters: usize, when_cloned: Doing) -> (Arc<LetterStore<Lively>>, Arc<Life>) {
    let [cloned, dropped, done] = [const { AtomicUsize::new(0) }; 3];
    let life = Arc::new(Life { store: OnceLock::new(), when_cloned, cloned, dropped, done });
    let store = Arc::new(store);
    assert!(life.store.set(Arc::downgrade(&store)).is_ok());
    (0..letters).for_each(|_| store.keep(letter(Lively(Arc::clone(&life)))));
    (store, life)
}

fn dropped(life: &Life) -> usize {
    life.dropped.load(Ordering::SeqCst)
}

#[test]
fn what_there_is_no_room_for_is_dropped_once_and_outside_the_lock() {
    for capacity in [0, 2] {
        let (store, life) = lively(store(capacity), 5, |_, _| {});
        assert_eq!(dropped(&life), 5 - capacity);
        drop(store.take(&ALL));
        assert_eq!(dropped(&life), 5);
    }
}

#[test]
fn a_clone_that_panics_leaves_all_letters_where_they_were() {
    let (store, life) = lively(store(8), 3, |life, _| {
        assert!(life.cloned.load(Ordering::SeqCst) < 2, "it can't be cloned twice");
    });
    let before = store.list(&ALL);
    let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| store.read(&ALL).len()));
    assert!(read.is_err());
    assert_eq!(dropped(&life), 1, "the clone that succeeded");
    assert_eq!(store.list(&ALL), before);
    assert_eq!(store.counts(), (3, 0));
}

#[test]
fn a_clone_that_asks_for_dead_letters_finds_those_that_came_since() {
    let (store, _) = lively(store(8), 2, |life, store| {
        let known = life.cloned.load(Ordering::SeqCst) - 1;
        assert_eq!((store.list(&ALL).len(), store.counts().0), (known, 2 + known));
        store.keep(letter(Lively(Arc::clone(life))));
    });
    let before = store.list(&ALL);
    assert_eq!(store.read(&ALL).len(), 2);
    let after = store.list(&ALL);
    assert_eq!((after.len(), &after[..2]), (4, &before[..]));
}

#[test]
fn what_comes_while_letters_are_read_finds_the_room_that_there_is() {
    let burst = |life: &Arc<Life>, store: &LetterStore<Lively>| {
        (0..5).for_each(|_| store.keep(letter(Lively(Arc::clone(life)))));
        assert_eq!(store.counts().0, 3, "no more than the capacity");
    };
    for (store, oldest_stay) in [(store(3), false), (store_of_first(3), true)] {
        let (store, life) = lively(store, 3, burst);
        let before = store.list(&ALL);
        drop(store.read(&DeadLetterFilter::all().limit(1)));
        assert_eq!(store.list(&ALL) == before, oldest_stay);
        assert_eq!(store.counts(), (3, 5));
        assert_eq!(dropped(&life), 1 + 5, "the clone, and what there was no room for");
    }
}

#[test]
fn who_takes_while_another_reads_misses_none() {
    let (store, life) = lively(store(8), 2, |life, _| {
        // Time enough for the other to be done, if it did not wait.
        for _ in 0..1_000 {
            if life.done.load(Ordering::SeqCst) > 0 {
                break;
            }
            life.cloned.fetch_add(1, Ordering::SeqCst);
            thread::yield_now();
        }
    });
    let taken = thread::scope(|scope| {
        let taking = scope.spawn(|| {
            while life.cloned.load(Ordering::SeqCst) == 0 {
                thread::yield_now();
            }
            let taken = store.take(&ALL);
            life.done.fetch_add(1, Ordering::SeqCst);
            taken.len()
        });
        assert_eq!(store.read(&ALL).len(), 2);
        taking.join().unwrap()
    });
    assert_eq!(taken, 2);
}
