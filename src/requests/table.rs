use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::shard::Shard;
use super::timer::Timer;
use super::{Ended, Pending};
use crate::address::ActorId;
use crate::message::{Deadline, RequestKey};

/// The requests in flight of one broker, in as many parts as keep threads out of each other's way.
pub(crate) struct RequestTable<M> {
    shards: Box<[Padded<Mutex<Shard<M>>>]>,
    pub(super) timer: Arc<Timer>,
    late: AtomicU64,
}

/// Apart by two cache lines, since processors fetch them in pairs.
#[repr(align(128))]
struct Padded<T>(T);

impl<M> RequestTable<M> {
    pub(crate) fn new() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let shards = (2 * threads)
            .next_power_of_two()
            .min(RequestKey::MAX_SHARDS);
        Self {
            shards: (0..shards)
                .map(|number| Padded(Mutex::new(Shard::new(number))))
                .collect(),
            timer: Arc::new(Timer::new()),
            late: AtomicU64::new(0),
        }
    }

    /// Makes an entry for a request to `target`; `None` if there are too many.
    pub(crate) fn open(
        &self,
        target: ActorId,
        deadline: Option<Deadline>,
    ) -> Option<Pending<'_, M>> {
        let shard = home_shard() & (self.shards.len() - 1);
        let key = self.shards[shard].0.lock().open(target, deadline)?;
        if let Some(deadline) = deadline {
            self.timer.wake_by(deadline);
        }
        Some(Pending::new(self, key))
    }

    /// Says that a handler begins with the request. False if its caller is gone, so that it need not.
    pub(crate) fn begin(&self, key: RequestKey) -> bool {
        self.shard(key).lock().begin(key)
    }

    /// Says that the request now waits for another actor. False if its caller is gone.
    pub(crate) fn hand_over(&self, key: RequestKey, to: ActorId) -> bool {
        self.shard(key).lock().hand_over(key, to)
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
    pub(crate) fn end_unbegun(&self, actor: ActorId) {
        let mut wakers = Vec::new();
        for shard in &self.shards {
            shard.0.lock().end_unbegun(actor, &mut wakers);
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Ends every request whose deadline has passed and says when the next one does.
    pub(super) fn expire(&self) -> Option<Deadline> {
        let now = Deadline::now().nanos();
        let mut wakers = Vec::new();
        let next = self
            .shards
            .iter()
            .map(|shard| shard.0.lock().expire(now, &mut wakers))
            .min();
        wakers.into_iter().for_each(Waker::wake);
        next.map(Deadline::from_nanos)
            .filter(|next| *next != Deadline::NEVER)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.0.lock().in_flight())
            .sum()
    }

    /// Replies that came after their callers had gone.
    pub(crate) fn late_replies(&self) -> u64 {
        self.late.load(Ordering::Relaxed)
    }

    pub(super) fn poll(&self, key: RequestKey, cx: &Context<'_>) -> Poll<Result<M, Ended>> {
        self.shard(key)
            .lock()
            .take(key, cx.waker())
            .map_or(Poll::Pending, Poll::Ready)
    }

    pub(super) fn close(&self, key: RequestKey) {
        // The lock is released at the end of this line; what was in the slot is dropped after it.
        let untaken = self.shard(key).lock().close(key);
        drop(untaken);
    }

    fn finish(&self, key: RequestKey, result: Result<M, Ended>) -> bool {
        let ended = self.shard(key).lock().end(key, result);
        match ended {
            Ok(waker) => {
                waker.into_iter().for_each(Waker::wake);
                true
            }
            Err(_late) => false,
        }
    }

    fn shard(&self, key: RequestKey) -> &Mutex<Shard<M>> {
        // The mask changes no key of this table, and keeps one of another from reaching out of bounds.
        &self.shards[key.shard() & (self.shards.len() - 1)].0
    }
}

/// A number that stays the same for a thread, handed out in turn.
fn home_shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static HOME: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    HOME.try_with(|home| *home).unwrap_or(0)
}
