use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::places::home_shard;
use super::shard::Shard;
use super::{Edge, Ended, Pending};
use crate::actor::{ActorKey, Epoch};
use crate::disposal::Disposal;
use crate::limits::Bounds;
use crate::message::{Deadline, RequestKey};
use crate::sync::Lock;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::timer::Timer;

/// The requests in flight of one broker, in as many parts as keep threads out of each other's way.
pub(crate) struct RequestTable<M> {
    pub(super) shards: Box<[Padded<Lock<Shard<M>>>]>,
    pub(super) bounds: Arc<Bounds>,
    pub(crate) timer: Arc<Timer>,
    late: AtomicU64,
    pub(crate) disposal: Disposal,
}

/// Apart by two cache lines, since processors fetch them in pairs.
#[repr(align(128))]
pub(super) struct Padded<T>(pub(super) T);

impl<M> RequestTable<M> {
    pub(crate) fn new() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let shards = (2 * threads).next_power_of_two().min(RequestKey::MAX_SHARDS);
        Self {
            shards: (0..shards).map(|number| Padded(Lock::new(Shard::new(number)))).collect(),
            bounds: Arc::default(),
            timer: Arc::new(Timer::new()),
            late: AtomicU64::new(0),
            disposal: Disposal::default(),
        }
    }

    /// Makes an entry for a request to `target`, whose caller is woken by `waker`; `None` if there are too many.
    #[inline]
    pub(crate) fn open(&self, target: Epoch, deadline: Option<Deadline>, waker: Waker) -> Option<Pending<'_, M>> {
        Some(Pending::new(self, self.enter_new(target, deadline, waker)?))
    }

    /// Gives the key alone, which fits into a register.
    fn enter_new(&self, target: Epoch, deadline: Option<Deadline>, waker: Waker) -> Option<RequestKey> {
        let home = home_shard() & (self.shards.len() - 1);
        let mut shard = self.with_room(home)?;
        let key = shard.open(target, deadline, waker)?;
        drop(shard);
        if let Some(deadline) = deadline {
            self.timer.wake_by(deadline);
        }
        Some(key)
    }

    /// Says that a handler begins with the request. False if its caller is gone, so that it need not.
    pub(crate) fn begin(&self, key: RequestKey) -> bool {
        self.shard(key).lock().begin(key)
    }

    /// Says that the message is with nobody, until it is offered again.
    pub(crate) fn pauses(&self, key: RequestKey) {
        self.shard(key).lock().pauses(key);
    }

    /// Whether its caller still waits.
    pub(crate) fn is_waited_for(&self, key: RequestKey) -> bool {
        self.shard(key).lock().is_waited_for(key)
    }

    /// Says that the request now waits for another actor. If a handler waits, gives the edge that this has moved.
    pub(crate) fn hand_over(&self, key: RequestKey, to: ActorKey) -> Option<Edge> {
        self.shard(key).lock().hand_over(key, to)
    }

    /// Says that the request is back with `from`, which had begun with it and could not hand it over.
    pub(crate) fn give_back(&self, key: RequestKey, from: ActorKey) {
        self.shard(key).lock().give_back(key, from);
    }

    /// Says that the message waits for room in the mailbox of `target`. Gives what [`hand_over`](Self::hand_over) does, and
    /// what [`got_in`](Self::got_in) is to be told.
    pub(crate) fn waits_for_room(&self, key: RequestKey, target: ActorKey) -> (Option<Edge>, u32) {
        self.shard(key).lock().waits(key, target)
    }

    /// Says that it is a handler that waits, and for whom.
    pub(crate) fn enter(&self, key: RequestKey, edge: Edge) {
        self.shard(key).lock().enter(key, edge);
    }

    /// Says that the reply may come from anywhere, so that nobody can be said to wait for one actor.
    pub(crate) fn detach(&self, key: RequestKey) {
        self.shard(key).lock().detach(key);
    }

    /// The actor that a handler waits for with this request, if it still does.
    pub(crate) fn waited_for(&self, key: RequestKey) -> Option<ActorKey> {
        self.shard(key).lock().waited_for(key)
    }

    /// Says that the message has got into the mailbox that it waited for, with the number that came with that wait. If the
    /// actor is stopping, it may have ended its requests before it knew of this one.
    pub(crate) fn got_in(&self, key: RequestKey, wait: u32, is_stopping: impl FnOnce() -> bool) {
        let news = self.shard(key).lock().got_in(key, wait);
        let waker = if news && is_stopping() { self.shard(key).lock().end_if_unbegun(key) } else { None };
        waker.into_iter().for_each(Waker::wake);
    }

    /// Hands the reply to the caller, or counts it as late if that is gone.
    pub(crate) fn reply(&self, key: RequestKey, message: M) {
        if !self.finish(key, Ok(message)) {
            self.late.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Ends the request without a reply, if its caller still waits.
    pub(crate) fn end(&self, key: RequestKey, ended: Ended) {
        self.finish(key, Err(ended));
    }

    /// Ends every request that waits for `actor` and that it has not begun.
    pub(crate) fn end_unbegun(&self, actor: Epoch) {
        let mut wakers = Vec::new();
        for shard in &self.shards {
            shard.0.lock().end_unbegun(actor, &mut wakers);
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Ends every request.
    pub(crate) fn end_all(&self) {
        let mut wakers = Vec::new();
        self.shards.iter().for_each(|shard| shard.0.lock().end_all(&mut wakers));
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Wakes every caller, to look again.
    pub(crate) fn wake_all(&self) {
        let mut wakers = Vec::new();
        self.shards.iter().for_each(|shard| shard.0.lock().wakers(&mut wakers));
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Ends every request whose deadline has passed and says when the next one does.
    pub(crate) fn expire(&self) -> Option<Deadline> {
        let now = Deadline::now().nanos();
        let mut wakers = Vec::new();
        let next = self.shards.iter().map(|shard| shard.0.lock().expire(now, &mut wakers)).min();
        wakers.into_iter().for_each(Waker::wake);
        next.map(Deadline::from_nanos).filter(|next| *next != Deadline::NEVER)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.shards.iter().map(|shard| shard.0.lock().in_flight()).sum()
    }

    /// Replies that came after their callers had gone.
    pub(crate) fn late_replies(&self) -> u64 {
        self.late.load(Ordering::Relaxed)
    }

    pub(crate) fn poll(&self, key: RequestKey, cx: &Context<'_>) -> Poll<Result<M, Ended>> {
        self.shard(key).lock().take(key, cx.waker()).map_or(Poll::Pending, Poll::Ready)
    }

    pub(super) fn close(&self, key: RequestKey) {
        // The lock is released at the end of this line; what was in the slot is dropped after it.
        let left = self.shard(key).lock().close(key);
        self.disposal.lay_to_rest(left);
    }

    #[inline(always)]
    fn finish(&self, key: RequestKey, result: Result<M, Ended>) -> bool {
        let ended = self.shard(key).lock().end(key, result);
        match ended {
            Ok(waker) => {
                waker.into_iter().for_each(Waker::wake);
                true
            }
            Err(late) => {
                self.disposal.lay_to_rest(late);
                false
            }
        }
    }

    fn shard(&self, key: RequestKey) -> &Lock<Shard<M>> {
        // The mask changes no key of this table, and keeps one of another from reaching out of bounds.
        &self.shards[key.shard() & (self.shards.len() - 1)].0
    }
}

impl<M> Drop for RequestTable<M> {
    fn drop(&mut self) {
        self.timer.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::AtomicUsize;
    use std::thread;

    use super::*;
    use crate::address::ActorId;

    /// A message whose drop looks whether the table is locked, and uses it.
    struct Nosy {
        table: Arc<RequestTable<Nosy>>,
        dropped: Arc<AtomicUsize>,
    }

    impl Drop for Nosy {
        fn drop(&mut self) {
            let unlocked = self.table.shards.iter().all(|shard| shard.0.try_lock().is_some());
            assert!(unlocked, "a message was dropped under the lock");
            drop(open(&self.table));
            self.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl std::task::Wake for Nosy {
        fn wake(self: Arc<Self>) {}
    }

    fn nosy() -> (Arc<RequestTable<Nosy>>, Arc<AtomicUsize>, impl Fn() -> Nosy) {
        let (table, dropped) = (Arc::new(RequestTable::new()), Arc::new(AtomicUsize::new(0)));
        let message = {
            let (table, dropped) = (Arc::clone(&table), Arc::clone(&dropped));
            move || Nosy { table: Arc::clone(&table), dropped: Arc::clone(&dropped) }
        };
        (table, dropped, message)
    }

    fn open<M>(table: &RequestTable<M>) -> Pending<'_, M> {
        table.open(Epoch::next(), None, Waker::noop().clone()).unwrap()
    }

    fn actor() -> ActorKey {
        ActorKey { id: ActorId::next(), epoch: Epoch::next() }
    }

    fn poll<M>(table: &RequestTable<M>, pending: &Pending<'_, M>) -> Poll<Result<M, Ended>> {
        table.poll(pending.key(), &Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_reply_that_nobody_took_is_dropped_once_and_outside_the_lock() {
        let (table, dropped, message) = nosy();
        let pending = open(&table);
        table.reply(pending.key(), message());
        assert_eq!(dropped.load(Ordering::SeqCst), 0);
        drop(pending);
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
        assert_eq!((table.in_flight(), table.late_replies()), (0, 0));
    }

    #[test]
    fn a_late_reply_is_counted_and_dropped_once_and_outside_the_lock() {
        let (table, dropped, message) = nosy();
        let key = open(&table).key();
        table.reply(key, message());
        assert_eq!((dropped.load(Ordering::SeqCst), table.late_replies()), (1, 1));
        let pending = open(&table);
        table.reply(pending.key(), message());
        table.reply(pending.key(), message());
        assert_eq!((dropped.load(Ordering::SeqCst), table.late_replies()), (2, 2));
        drop(pending);
        assert_eq!((dropped.load(Ordering::SeqCst), table.in_flight()), (3, 0));
    }

    #[test]
    fn the_waker_of_a_caller_that_goes_away_is_dropped_outside_the_lock() {
        let (table, dropped, nosy) = nosy();
        drop(table.open(Epoch::next(), None, Waker::from(Arc::new(nosy()))));
        assert_eq!((dropped.load(Ordering::SeqCst), table.in_flight()), (1, 0));
    }

    #[test]
    fn the_first_end_is_the_one_that_counts() {
        let table = RequestTable::new();
        let pending = open(&table);
        table.end(pending.key(), Ended::NoReply);
        table.end(pending.key(), Ended::Failed("no".into()));
        table.reply(pending.key(), 1);
        assert_eq!(poll(&table, &pending), Poll::Ready(Err(Ended::NoReply)));
        assert_eq!(table.late_replies(), 1);
    }

    #[test]
    fn an_end_that_comes_late_is_no_late_reply() {
        let table = RequestTable::<u64>::new();
        let key = open(&table).key();
        table.end(key, Ended::NoReply);
        assert_eq!(table.late_replies(), 0);
    }

    #[test]
    fn a_handler_begins_only_what_somebody_waits_for() {
        let table = RequestTable::<u64>::new();
        let pending = open(&table);
        let key = pending.key();
        assert!(table.begin(key));
        assert_eq!(table.hand_over(key, actor()), None);
        assert!(table.begin(key));
        drop(pending);
        assert!(!table.begin(key));
        assert_eq!(table.hand_over(key, actor()), None);
    }

    #[test]
    fn a_key_of_another_table_is_not_out_of_bounds() {
        let table = RequestTable::<u64>::new();
        let pending = open(&table);
        let foreign = RequestKey::new(RequestKey::MAX_SHARDS - 1, 12_345, 99);
        table.reply(foreign, 1);
        assert!(!table.begin(foreign));
        assert!(poll(&table, &pending).is_pending());
    }

    #[test]
    fn the_number_in_flight_is_exact_across_threads() {
        const THREADS: usize = 8;
        const EACH: usize = 200;
        let table = RequestTable::<u64>::new();
        let (opened, looked) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    let mut pending: Vec<_> = (0..EACH).map(|_| open(&table)).collect();
                    opened.wait();
                    looked.wait();
                    pending.truncate(EACH / 4);
                    opened.wait();
                    looked.wait();
                });
            }
            for expected in [THREADS * EACH, THREADS * EACH / 4] {
                opened.wait();
                assert_eq!(table.in_flight(), expected);
                looked.wait();
            }
        });
        assert_eq!(table.in_flight(), 0);
    }

    #[test]
    fn threads_that_reply_to_one_another_lose_nothing() {
        let table = RequestTable::<u64>::new();
        let (keys, to_answer) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| to_answer.into_iter().for_each(|(key, number)| table.reply(key, number)));
            for number in 0..2_000 {
                let mut pending = open(&table);
                keys.send((pending.key(), number)).unwrap();
                let waker = Waker::from(Arc::new(Unpark(thread::current())));
                let mut cx = Context::from_waker(&waker);
                let answer = loop {
                    match std::pin::Pin::new(&mut pending).poll(&mut cx) {
                        Poll::Ready(answer) => break answer,
                        Poll::Pending => thread::park(),
                    }
                };
                assert_eq!(answer, Ok(number));
            }
            drop(keys);
        });
        assert_eq!((table.in_flight(), table.late_replies()), (0, 0));
    }

    struct Unpark(thread::Thread);

    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    #[test]
    fn an_actor_that_stops_ends_its_requests_in_every_shard() {
        let (table, actor) = (RequestTable::<u64>::new(), Epoch::next());
        thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| table.open(actor, None, Waker::noop().clone()).unwrap())).collect();
            let pending: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
            table.end_unbegun(Epoch::next());
            assert!(pending.iter().all(|pending| poll(&table, pending).is_pending()));
            table.end_unbegun(actor);
            let stopped = Poll::Ready(Err(Ended::Stopped { begun: false }));
            assert!(pending.iter().all(|pending| poll(&table, pending) == stopped));
        });
    }
}
