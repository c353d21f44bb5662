//! What happens, for whoever follows it: each follower has a bounded queue of its own, so that a slow one holds up
//! nobody, loses only its own, and knows how much that was.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use crate::sync::Mutex;

use crate::limits::{LimitError, Place};

/// Where things are told.
pub(crate) struct Feed<T> {
    followers: Mutex<Vec<Weak<Mutex<Pending<T>>>>>,
}

/// One who follows. Dropping it ends that.
pub(crate) struct Follower<T> {
    pending: Arc<Mutex<Pending<T>>>,
    /// Its place among those who may follow, or why it has none.
    place: Option<Result<Place, LimitError>>,
}

/// Who is to be woken, and what is to be dropped, when something was told.
#[must_use]
pub(crate) struct Told<T> {
    wakers: Vec<Waker>,
    missed: Vec<T>,
}

/// What one follower has not heard yet.
struct Pending<T> {
    news: VecDeque<T>,
    capacity: usize,
    missed: u64,
    waker: Option<Waker>,
    ended: bool,
}

impl<T: Clone> Feed<T> {
    pub(crate) const fn new() -> Self {
        Self { followers: Mutex::new(Vec::new()) }
    }

    /// Follows from now on, with room for `capacity` things that have not been heard: at least one.
    pub(crate) fn follow(&self, capacity: usize) -> Follower<T> {
        let pending = Arc::new(Mutex::new(Pending::new(capacity)));
        let mut followers = self.followers.lock();
        // Those who have gone, before the list grows: nothing may be told for long, and they still take memory.
        if followers.len() == followers.capacity() {
            followers.retain(|follower| follower.strong_count() > 0);
        }
        followers.push(Arc::downgrade(&pending));
        drop(followers);
        Follower { pending, place: None }
    }

    /// As [`follow`](Self::follow), in this place. Without one, there is nothing to hear from the beginning.
    pub(crate) fn follow_in(&self, place: Result<Place, LimitError>, capacity: usize) -> Follower<T> {
        let follower = match &place {
            Ok(_) => self.follow(capacity),
            Err(_) => {
                let pending = Pending { ended: true, ..Pending::new(capacity) };
                Follower { pending: Arc::new(Mutex::new(pending)), place: None }
            }
        };
        Follower { place: Some(place), ..follower }
    }

    /// Whether anybody follows.
    pub(crate) fn is_followed(&self) -> bool {
        !self.followers.lock().is_empty()
    }

    /// Tells all who follow.
    pub(crate) fn tell(&self, news: &T) {
        self.put(news).wake();
    }

    /// As [`tell`](Self::tell), for a caller that holds a lock, and wakes those who were told when it has let go of that.
    pub(crate) fn put(&self, news: &T) -> Told<T> {
        self.for_each(|pending| pending.hear(news.clone()))
    }

    /// Says that there will be no more.
    pub(crate) fn end(&self) {
        let end = |pending: &mut Pending<T>| {
            pending.ended = true;
            None
        };
        self.for_each(end).wake();
    }

    /// Changes what waits for each follower, forgets those that are gone, and gives back what is to be dropped and woken
    /// without a lock.
    fn for_each(&self, mut change: impl FnMut(&mut Pending<T>) -> Option<T>) -> Told<T> {
        let (mut wakers, mut missed) = (Vec::new(), Vec::new());
        self.followers.lock().retain(|follower| {
            let Some(pending) = follower.upgrade() else { return false };
            let mut pending = pending.lock();
            missed.extend(change(&mut pending));
            wakers.extend(pending.waker.take());
            true
        });
        Told { wakers, missed }
    }
}

impl<T> Told<T> {
    /// Wakes and drops, with no lock held.
    pub(crate) fn wake(self) {
        self.wakers.into_iter().for_each(Waker::wake);
        drop(self.missed);
    }
}

impl<T> Pending<T> {
    fn new(capacity: usize) -> Self {
        Self { news: VecDeque::new(), capacity: capacity.max(1), missed: 0, waker: None, ended: false }
    }

    /// Takes in one thing more; gives back the oldest if there is no room for both.
    fn hear(&mut self, news: T) -> Option<T> {
        let oldest = if self.news.len() >= self.capacity { self.news.pop_front() } else { None };
        self.missed += u64::from(oldest.is_some());
        self.news.push_back(news);
        oldest
    }
}

impl<T> Follower<T> {
    /// Why it has nothing to hear, if it was refused.
    pub(crate) fn refusal(&self) -> Option<LimitError> {
        self.place.as_ref().and_then(|place| place.as_ref().err()).copied()
    }

    /// The next thing, with how many were missed before it since the last; `None` when there will be no more.
    pub(crate) fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Option<(T, u64)>> {
        let mut pending = self.pending.lock();
        if let Some(news) = pending.news.pop_front() {
            return Poll::Ready(Some((news, std::mem::take(&mut pending.missed))));
        }
        if pending.ended {
            return Poll::Ready(None);
        }
        let replaced = pending.waker.replace(cx.waker().clone());
        drop(pending);
        drop(replaced);
        Poll::Pending
    }

    /// Leaves out all that there is by now. Gives how much that was, with what was missed.
    pub(crate) fn skip(&mut self) -> u64 {
        let mut pending = self.pending.lock();
        let skipped = std::mem::take(&mut pending.news);
        let count = std::mem::take(&mut pending.missed) + skipped.len() as u64;
        drop(pending);
        drop(skipped);
        count
    }

    /// The next thing, if it is there now.
    pub(crate) fn try_next(&mut self) -> Option<(T, u64)> {
        let mut pending = self.pending.lock();
        let news = pending.news.pop_front()?;
        Some((news, std::mem::take(&mut pending.missed)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn poll(follower: &mut Follower<u32>, wakes: &Arc<Wakes>) -> Poll<Option<(u32, u64)>> {
        let waker = Waker::from(Arc::clone(wakes));
        follower.poll_next(&Context::from_waker(&waker))
    }

    #[test]
    fn each_follower_hears_what_came_since_it_follows_in_order() {
        let feed = Feed::new();
        feed.tell(&1);
        let mut early = feed.follow(8);
        feed.tell(&2);
        let mut late = feed.follow(8);
        feed.tell(&3);
        let heard = |follower: &mut Follower<u32>| std::iter::from_fn(|| follower.try_next()).collect::<Vec<_>>();
        assert_eq!(heard(&mut early), [(2, 0), (3, 0)]);
        assert_eq!(heard(&mut late), [(3, 0)]);
    }

    #[test]
    fn a_slow_follower_loses_the_oldest_and_knows_how_many() {
        let feed = Feed::new();
        let (mut slow, mut quick) = (feed.follow(2), feed.follow(8));
        (0..5).for_each(|number| feed.tell(&number));
        assert_eq!(slow.try_next(), Some((3, 3)));
        assert_eq!(slow.try_next(), Some((4, 0)));
        assert_eq!(slow.try_next(), None);
        assert_eq!(quick.try_next(), Some((0, 0)));
    }

    #[test]
    fn a_follower_that_skips_knows_how_many_and_hears_what_comes_after() {
        let feed = Feed::new();
        let mut follower = feed.follow(2);
        (0..5).for_each(|number| feed.tell(&number));
        assert_eq!(follower.skip(), 5);
        assert_eq!((follower.skip(), follower.try_next()), (0, None));
        feed.tell(&5);
        assert_eq!(follower.try_next(), Some((5, 0)));
    }

    #[test]
    fn who_was_told_is_woken_when_the_teller_says_so() {
        let (feed, wakes) = (Feed::new(), Arc::default());
        let mut follower = feed.follow(8);
        assert!(poll(&mut follower, &wakes).is_pending());
        let told = feed.put(&1);
        assert_eq!(wakes.0.load(Ordering::SeqCst), 0);
        told.wake();
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_follower_that_waits_is_woken_once_for_each_wait() {
        let (feed, wakes) = (Feed::new(), Arc::default());
        let mut follower = feed.follow(8);
        assert!(poll(&mut follower, &wakes).is_pending());
        feed.tell(&1);
        feed.tell(&2);
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
        assert_eq!(poll(&mut follower, &wakes), Poll::Ready(Some((1, 0))));
        assert_eq!(poll(&mut follower, &wakes), Poll::Ready(Some((2, 0))));
        assert!(poll(&mut follower, &wakes).is_pending());
    }

    #[test]
    fn the_end_comes_after_what_was_told_before_it() {
        let (feed, wakes) = (Feed::new(), Arc::default());
        let mut follower = feed.follow(8);
        feed.tell(&1);
        feed.end();
        assert_eq!(poll(&mut follower, &wakes), Poll::Ready(Some((1, 0))));
        assert_eq!(poll(&mut follower, &wakes), Poll::Ready(None));
    }

    #[test]
    fn a_follower_that_is_dropped_is_forgotten() {
        let feed = Feed::<u32>::new();
        assert!(!feed.is_followed());
        let follower = feed.follow(1);
        assert!(feed.is_followed());
        drop(follower);
        feed.tell(&1);
        assert!(!feed.is_followed());
    }

    #[test]
    fn those_who_follow_and_go_while_nothing_is_told_take_no_memory() {
        let feed = Feed::<u32>::new();
        let stays = feed.follow(1);
        (0..10_000).for_each(|_| drop(feed.follow(1)));
        assert!(feed.followers.lock().capacity() <= 16, "{}", feed.followers.lock().capacity());
        feed.tell(&1);
        assert_eq!(feed.followers.lock().len(), 1);
        drop(stays);
    }
}
