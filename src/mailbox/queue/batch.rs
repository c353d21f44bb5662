use std::collections::VecDeque;
use std::task::{Context, Poll};

use super::{Queue, State};
use crate::mailbox::BackpressureStrategy;
use crate::message::MessageEnvelope;
use crate::sync::atomic::Ordering;

/// The receiver's side of a [`Queue`]: messages fetched in bulk.
pub(crate) struct Batch<M> {
    pub(super) fetched: VecDeque<MessageEnvelope<M>>,
    /// How many there were after the lock was last taken: the first of them is taken next, and if others are gone as
    /// well, they were taken without the lock.
    filled: usize,
}

/// A buffer no longer than this is kept however little is used of it.
pub(super) const KEEP_BUFFER: usize = 64;

impl<M> Batch<M> {
    pub(crate) const fn new() -> Self {
        Self { fetched: VecDeque::new(), filled: 0 }
    }

    /// Makes a message the next to take.
    pub(crate) fn put_first(&mut self, envelope: MessageEnvelope<M>) {
        self.fetched.push_front(envelope);
    }

    /// The next message, once [`Queue::poll_fill`] has seen to it.
    #[inline(always)]
    pub(crate) fn front(&mut self) -> Option<&mut MessageEnvelope<M>> {
        self.fetched.front_mut()
    }
}

/// What the receiver does.
impl<M> Queue<M> {
    /// Makes sure that the next message is at the front of the batch, for [`take`](Self::take). `Ready(false)` when the
    /// queue is closed and empty.
    // In two steps, so that the message moves once: from the batch to whoever handles it.
    #[inline(always)]
    pub(crate) fn poll_fill(&self, batch: &mut Batch<M>, cx: &Context<'_>) -> Poll<bool> {
        // Pairs with the store in `attend`: at the latest the next message sees it.
        if batch.fetched.is_empty() || self.attention.load(Ordering::Acquire) {
            return self.fill_locked(batch, Some(cx));
        }
        Poll::Ready(true)
    }

    /// As [`poll_fill`](Self::poll_fill), if there is a message now.
    pub(crate) fn fill(&self, batch: &mut Batch<M>) -> bool {
        let needed = batch.fetched.is_empty() || self.attention.load(Ordering::Acquire);
        !needed || self.fill_locked(batch, None) == Poll::Ready(true)
    }

    /// Takes the message at the front of the batch.
    #[inline(always)]
    pub(crate) fn take(&self, batch: &mut Batch<M>) -> Option<MessageEnvelope<M>> {
        // Counted first, so that the message moves straight from the batch to the caller.
        self.in_hand.store(batch.fetched.len().saturating_sub(1), Ordering::Release);
        // Pairs with the store in `attend`. Only this side lowers `in_hand`, so this is where room appears.
        if self.attention.load(Ordering::Acquire) {
            self.admit_blocked(self.state.lock());
        }
        batch.fetched.pop_front()
    }

    /// Takes everything, in the order in which it would have been received.
    pub(crate) fn drain(&self, batch: &mut Batch<M>) -> Vec<MessageEnvelope<M>> {
        std::iter::from_fn(|| if self.fill(batch) { self.take(batch) } else { None }).collect()
    }

    #[inline(never)]
    fn fill_locked(&self, batch: &mut Batch<M>, cx: Option<&Context<'_>>) -> Poll<bool> {
        let mut state = self.state.lock();
        let depth = state.levels.len() + batch.fetched.len();
        state.note_depth(depth);
        if batch.fetched.len() + 1 < batch.filled {
            state.levels.normal_was_served();
        }
        if state.levels.is_mixed() {
            let next = state.levels.pick(&mut batch.fetched);
            next.into_iter().for_each(|envelope| batch.fetched.push_front(envelope));
        } else if batch.fetched.is_empty() {
            self.fetch(&mut state, batch);
        }
        batch.filled = batch.fetched.len();
        self.set_in_hand(&mut state, batch.fetched.len());
        if !batch.fetched.is_empty() {
            self.admit_blocked(state);
            return Poll::Ready(true);
        }
        let closed = self.is_closed();
        if state.unattended() > 0 || (!closed && state.in_line() > 0) {
            // It got in line while the last message in hand was taken, and neither has seen the other: see `attend`.
            self.admit_blocked(state);
            return self.fill_locked(batch, cx);
        }
        if self.is_done(&state) {
            return Poll::Ready(false);
        }
        if let Some(cx) = cx {
            state.wake_on_message(cx);
        }
        Poll::Pending
    }

    /// Takes the next normal message, and all behind it if they can't change any more.
    fn fetch(&self, state: &mut State<M>, batch: &mut Batch<M>) {
        let waiting = state.levels.normal();
        if self.options.on_full() == BackpressureStrategy::DropOldest {
            batch.fetched.extend(waiting.pop_front());
        } else {
            std::mem::swap(waiting, &mut batch.fetched);
        }
        if batch.fetched.is_empty() {
            shrink(&mut batch.fetched);
            state.levels.shrink();
        } else {
            state.levels.normal_was_served();
        }
    }

    fn set_in_hand(&self, state: &mut State<M>, left: usize) {
        // Where only the oldest may be evicted, the one fetched counts as received: it can't be evicted any more, and
        // nothing newer must go in its place.
        let left = if self.options.on_full() == BackpressureStrategy::DropOldest { 0 } else { left };
        self.in_hand.store(left, Ordering::Release);
        state.in_hand_at_most = left;
    }
}

/// Gives half of an empty buffer back. Done each time the mailbox runs empty, so that the memory of a burst goes in
/// a few steps, and a steady load keeps its buffer.
pub(in crate::mailbox) fn shrink<M>(buffer: &mut VecDeque<M>) {
    if buffer.capacity() > KEEP_BUFFER && buffer.is_empty() {
        buffer.shrink_to(buffer.capacity() / 2);
    }
}
