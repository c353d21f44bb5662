use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::{Mutex, MutexGuard};

use super::blocked::{BlockedSenders, Ticket};
use super::levels::Levels;
use super::wait::WaitForRoom;
use crate::mailbox::{BackpressureStrategy, MailboxErrorKind, MailboxOptions};
use crate::message::{Deadline, MessageEnvelope};

/// What sender and receiver share: the messages behind one short lock.
///
/// The receiver takes all that waits in one step and works it off without the lock ([`Batch`]); `in_hand` says how
/// much of it is left, so that depth and bound stay exact. Whoever counts does so under the lock that moves the
/// message, so counts and contents never differ.
pub(crate) struct Queue<M> {
    state: Mutex<State<M>>,
    /// Messages that the receiver has fetched and not yet handed on. Raised under the lock, lowered without it, by
    /// the receiver alone.
    in_hand: AtomicUsize,
    /// Whether the receiver must take the lock for its next message: see [`Queue::attend`].
    attention: AtomicBool,
    closed: AtomicBool,
    options: MailboxOptions,
}

struct State<M> {
    levels: Levels<M>,
    /// No less than `in_hand`: what a sender goes by until the mailbox seems full, and only then reads the counter
    /// that the receiver keeps writing to.
    in_hand_at_most: usize,
    receiver: Option<Waker>,
    blocked: Option<Box<BlockedSenders<M>>>,
    counts: QueueCounts,
}

/// What the queue has counted since it was made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct QueueCounts {
    pub(crate) accepted: u64,
    pub(crate) evicted: u64,
    /// The greatest depth seen whenever the receiver fetched or a sender found little room.
    pub(crate) deepest: usize,
}

/// The receiver's side of a [`Queue`]: messages fetched in bulk.
pub(crate) struct Batch<M> {
    fetched: VecDeque<MessageEnvelope<M>>,
}

/// Where a message is handed over: by reference, because an envelope is large and each layer that takes it by value
/// would copy it once more.
pub(crate) type Slot<M> = Option<MessageEnvelope<M>>;

/// How an attempt to put a slot's message in ended. On `Ok` the slot holds what was evicted, if anything was; on `Err`
/// it holds the message still.
pub(crate) type Pushed = Result<(), MailboxErrorKind>;

/// A buffer no longer than this is kept however little is used of it.
const KEEP_BUFFER: usize = 64;

impl<M> Batch<M> {
    pub(crate) const fn new() -> Self {
        Self {
            fetched: VecDeque::new(),
        }
    }
}

impl<M> Queue<M> {
    pub(crate) fn new(options: MailboxOptions) -> Self {
        Self {
            state: Mutex::new(State {
                levels: Levels::new(),
                in_hand_at_most: 0,
                receiver: None,
                blocked: None,
                counts: QueueCounts::default(),
            }),
            in_hand: AtomicUsize::new(0),
            attention: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            options,
        }
    }

    /// Puts a message in without waiting.
    #[inline]
    pub(crate) fn push(&self, slot: &mut Slot<M>) -> Pushed {
        let mut state = self.state.lock();
        if self.is_closed() {
            return Err(MailboxErrorKind::Closed);
        }
        if !self.has_room(&mut state) {
            return self.push_when_full(state, slot);
        }
        self.accept(&mut state, slot);
        let waker = state.receiver.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Puts a message in, waiting for room where the strategy says so, but not past the message's deadline.
    pub(crate) async fn send(&self, slot: &mut Slot<M>) -> Pushed {
        match self.push(slot) {
            Err(MailboxErrorKind::Full) if self.blocks() => self.wait_for_room(slot).await,
            pushed => pushed,
        }
    }

    async fn wait_for_room(&self, slot: &mut Slot<M>) -> Pushed {
        let longest = self.options.longest_wait().map(Deadline::after);
        let deadline = slot.as_ref().and_then(MessageEnvelope::expiry);
        let until = Deadline::earlier(longest, deadline).and_then(Deadline::instant);
        let mut wait = WaitForRoom::new(self, slot);
        match until {
            None => wait.await,
            Some(until) => match tokio::time::timeout_at(until, &mut wait).await {
                Ok(ended) => ended,
                Err(_) => wait.give_up(),
            },
        }
    }

    /// The next message, if there is one now.
    #[inline]
    pub(crate) fn pop(&self, batch: &mut Batch<M>, slot: &mut Slot<M>) -> bool {
        self.pop_in_hand(batch, slot) || self.pop_locked(batch, slot, None) == Poll::Ready(true)
    }

    /// The next message; `Ready(false)` when the queue is closed and empty.
    #[inline]
    pub(crate) fn poll_pop(
        &self,
        batch: &mut Batch<M>,
        slot: &mut Slot<M>,
        cx: &Context<'_>,
    ) -> Poll<bool> {
        if self.pop_in_hand(batch, slot) {
            Poll::Ready(true)
        } else {
            self.pop_locked(batch, slot, Some(cx))
        }
    }

    /// The next of the fetched messages, unless there is a reason to look at the others first.
    #[inline]
    fn pop_in_hand(&self, batch: &mut Batch<M>, slot: &mut Slot<M>) -> bool {
        // Pairs with the store in `attend`: at the latest the next message sees it.
        if batch.fetched.is_empty() || self.attention.load(Ordering::Acquire) {
            return false;
        }
        *slot = batch.fetched.pop_front();
        self.handed_on(batch.fetched.len());
        true
    }

    /// Refuses what comes from now on and returns what waits for room. True if that is news.
    pub(crate) fn close(&self) -> bool {
        let mut state = self.state.lock();
        // The flag only changes under the lock; outside it serves those who can act on old news.
        if self.closed.swap(true, Ordering::Release) {
            return false;
        }
        let receiver = state.receiver.take();
        let senders = state
            .blocked
            .as_ref()
            .map_or_else(Vec::new, |blocked| blocked.wakers());
        drop(state);
        senders.into_iter().chain(receiver).for_each(Waker::wake);
        true
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Takes everything that the receiver has not fetched.
    pub(crate) fn drain_unfetched(&self) -> Vec<MessageEnvelope<M>> {
        let mut state = self.state.lock();
        let drained = state.levels.drain();
        self.admit_blocked(state);
        drained
    }

    /// Takes everything, in the order in which it would have been received.
    pub(crate) fn drain(&self, batch: &mut Batch<M>) -> Vec<MessageEnvelope<M>> {
        let mut slot = None;
        std::iter::from_fn(|| {
            if self.pop(batch, &mut slot) {
                slot.take()
            } else {
                None
            }
        })
        .collect()
    }

    /// How many messages wait, exactly.
    pub(crate) fn depth(&self) -> usize {
        let state = self.state.lock();
        state.levels.len() + self.in_hand.load(Ordering::Acquire)
    }

    pub(crate) fn blocked_senders(&self) -> usize {
        self.state.lock().blocked_senders()
    }

    /// Counts and depth of one moment.
    pub(crate) fn counts(&self) -> (QueueCounts, usize) {
        let state = self.state.lock();
        (
            state.counts,
            state.levels.len() + self.in_hand.load(Ordering::Acquire),
        )
    }

    pub(crate) fn options(&self) -> &MailboxOptions {
        &self.options
    }

    fn blocks(&self) -> bool {
        self.options.on_full() == BackpressureStrategy::Block
    }

    /// Whether a message may go in now. A sender that waits goes before any other.
    #[inline]
    fn has_room(&self, state: &mut State<M>) -> bool {
        let queued = state.levels.len();
        if queued.saturating_add(state.in_hand_at_most) < self.options.limit() {
            return state.blocked_senders() == 0;
        }
        state.in_hand_at_most = self.in_hand.load(Ordering::SeqCst);
        let depth = queued + state.in_hand_at_most;
        state.note_depth(depth);
        depth < self.options.limit() && state.blocked_senders() == 0
    }

    #[inline]
    fn accept(&self, state: &mut State<M>, slot: &mut Slot<M>) {
        state.counts.accepted += 1;
        state.levels.push(slot);
        if state.levels.is_mixed() {
            self.attend(state);
        }
    }

    #[cold]
    fn push_when_full(&self, mut state: MutexGuard<'_, State<M>>, slot: &mut Slot<M>) -> Pushed {
        let level = slot
            .as_ref()
            .map(MessageEnvelope::priority)
            .unwrap_or_default();
        let evicted = match self.options.on_full() {
            BackpressureStrategy::Block | BackpressureStrategy::Error => {
                return Err(MailboxErrorKind::Full);
            }
            BackpressureStrategy::DropNewest => None,
            BackpressureStrategy::DropOldest => state.levels.evict_for(level),
        };
        state.counts.evicted += 1;
        if evicted.is_some() {
            self.accept(&mut state, slot);
            *slot = evicted;
        } else {
            // It is itself the one to go: in and out in one step.
            state.counts.accepted += 1;
        }
        Ok(())
    }

    /// Makes the receiver take the lock for its next message if there is anything that only the lock can tell it:
    /// senders that wait for the room it makes, or messages that go before those it has in hand.
    fn attend(&self, state: &State<M>) {
        let needed = state.levels.is_mixed() || state.blocked_senders() > 0;
        // SeqCst with the load in `handed_on`: a sender that finds no room sets this before it reads `in_hand` for the
        // last time, and the receiver lowers `in_hand` before it reads this, so one of them sees the other.
        self.attention.store(needed, Ordering::SeqCst);
    }

    /// Says that a message left the batch, which makes room for one more.
    #[inline]
    fn handed_on(&self, left: usize) {
        if !self.blocks() || self.options.capacity().is_none() {
            self.in_hand.store(left, Ordering::Release);
            return;
        }
        self.in_hand.store(left, Ordering::SeqCst);
        if self.attention.load(Ordering::SeqCst) {
            self.admit_blocked(self.state.lock());
        }
    }

    #[inline(never)]
    fn pop_locked(
        &self,
        batch: &mut Batch<M>,
        slot: &mut Slot<M>,
        cx: Option<&Context<'_>>,
    ) -> Poll<bool> {
        let mut state = self.state.lock();
        let depth = state.levels.len() + batch.fetched.len();
        state.note_depth(depth);
        if state.levels.is_mixed() {
            *slot = state.levels.pick(&mut batch.fetched);
            self.set_in_hand(&mut state, batch.fetched.len());
        } else {
            *slot = self.fetch(&mut state, batch);
        }
        if slot.is_some() {
            self.admit_blocked(state);
            return Poll::Ready(true);
        }
        if self.is_closed() {
            return Poll::Ready(false);
        }
        if let Some(cx) = cx {
            state.wake_on_message(cx);
        }
        Poll::Pending
    }

    /// Takes the next normal message, and all behind it if they can't change any more.
    fn fetch(&self, state: &mut State<M>, batch: &mut Batch<M>) -> Option<MessageEnvelope<M>> {
        let one_by_one = self.options.on_full() == BackpressureStrategy::DropOldest;
        if batch.fetched.is_empty() && (one_by_one || state.levels.normal().len() <= 1) {
            shrink(&mut batch.fetched);
            let envelope = state.levels.normal().pop_front();
            if envelope.is_none() {
                shrink(state.levels.normal());
            }
            return envelope;
        }
        if batch.fetched.is_empty() {
            std::mem::swap(state.levels.normal(), &mut batch.fetched);
        }
        let envelope = batch.fetched.pop_front();
        self.set_in_hand(state, batch.fetched.len());
        envelope
    }

    fn set_in_hand(&self, state: &mut State<M>, left: usize) {
        self.in_hand.store(left, Ordering::SeqCst);
        state.in_hand_at_most = left;
    }

    /// Moves messages of waiting senders into the room there is.
    fn admit_blocked(&self, mut state: MutexGuard<'_, State<M>>) {
        let mut admitted = Vec::new();
        while !self.is_closed()
            && state.levels.len() + self.in_hand.load(Ordering::SeqCst) < self.options.limit()
            && let Some((envelope, waker)) =
                state.blocked.as_mut().and_then(|blocked| blocked.admit())
        {
            self.accept(&mut state, &mut Some(envelope));
            admitted.push(waker);
        }
        self.attend(&state);
        // The receiver may be asleep if it was somebody else who made the room.
        let receiver = if admitted.is_empty() {
            None
        } else {
            state.receiver.take()
        };
        drop(state);
        admitted.into_iter().chain(receiver).for_each(Waker::wake);
    }
}

/// The line of blocked senders, as [`WaitForRoom`] uses it.
impl<M> Queue<M> {
    /// Puts the sender in the line, with its message.
    pub(super) fn enter_line(
        &self,
        slot: &mut Slot<M>,
        cx: &Context<'_>,
    ) -> Result<Option<Ticket>, MailboxErrorKind> {
        let mut state = self.state.lock();
        if self.is_closed() {
            return Err(MailboxErrorKind::Closed);
        }
        let Some(envelope) = slot.take() else {
            return Ok(None);
        };
        let blocked = state
            .blocked
            .get_or_insert_with(|| Box::new(BlockedSenders::new()));
        let ticket = blocked.enter(envelope, cx.waker().clone());
        self.attend(&state);
        // The receiver may have made room since the sender found none, and not have seen that anyone waits.
        self.admit_blocked(state);
        Ok(Some(ticket))
    }

    /// Ready when the message has been accepted, or is back in the slot because the mailbox was closed.
    pub(super) fn poll_line(
        &self,
        ticket: Ticket,
        slot: &mut Slot<M>,
        cx: &Context<'_>,
    ) -> Poll<Pushed> {
        let mut state = self.state.lock();
        let Some(blocked) = state.blocked.as_mut() else {
            return Poll::Ready(Ok(()));
        };
        if self.is_closed() {
            *slot = blocked.leave(ticket);
            return Poll::Ready(if slot.is_some() {
                Err(MailboxErrorKind::Closed)
            } else {
                Ok(())
            });
        }
        if blocked.still_waits(ticket, cx) {
            Poll::Pending
        } else {
            Poll::Ready(Ok(()))
        }
    }

    /// Takes the sender out of the line. `None` if its message has been accepted.
    pub(super) fn leave_line(&self, ticket: Ticket) -> Slot<M> {
        let mut state = self.state.lock();
        let envelope = state.blocked.as_mut()?.leave(ticket);
        self.attend(&state);
        envelope
    }
}

impl<M> State<M> {
    #[inline]
    fn blocked_senders(&self) -> usize {
        self.blocked.as_ref().map_or(0, |blocked| blocked.len())
    }

    fn note_depth(&mut self, depth: usize) {
        self.counts.deepest = self.counts.deepest.max(depth);
    }

    fn wake_on_message(&mut self, cx: &Context<'_>) {
        match &mut self.receiver {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }
}

/// Gives half of an empty buffer back. Done each time the mailbox runs empty, so that the memory of a burst goes in
/// a few steps, and a steady load keeps its buffer.
fn shrink<M>(buffer: &mut VecDeque<M>) {
    if buffer.capacity() > KEEP_BUFFER && buffer.is_empty() {
        buffer.shrink_to(buffer.capacity() / 2);
    }
}
