use std::task::{Context, Waker};

use super::blocked::BlockedSenders;
use super::levels::Levels;
use super::wait::WaitForRoom;
use crate::mailbox::{BackpressureStrategy, MailboxError, MailboxErrorKind, MailboxOptions};
use crate::message::{Deadline, MessageEnvelope, MessagePriority};
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Guard, Lock};

mod batch;
mod keys;
mod line;

pub(crate) use batch::Batch;
pub(super) use batch::shrink;
pub(crate) use keys::{Fence, KeyClaim, PushedByKey, RouteKey};

/// What sender and receiver share: the messages behind one short lock.
///
/// The receiver takes all that waits in one step and works it off without the lock ([`Batch`]); `in_hand` says how
/// much of it is left, so that depth and bound stay exact. Whoever counts does so under the lock that moves the
/// message, so counts and contents never differ.
// In this order, so that what senders write is a cache line away from what the receiver writes: a tell costs 5 to 10 %
// more without that.
#[repr(C)]
pub(crate) struct Queue<M> {
    /// Changed under the lock only.
    accepted: AtomicU64,
    state: Lock<State<M>>,
    options: MailboxOptions,
    /// How many of those accepted are not behind the lock any more, as of when that last mattered. For an estimate.
    passed: AtomicU64,
    /// Messages that the receiver has fetched and not yet handed on. Raised under the lock, lowered without it, by
    /// the receiver alone.
    in_hand: AtomicUsize,
    /// Whether the receiver must take the lock for its next message: see [`Queue::attend`].
    attention: AtomicBool,
    closed: AtomicBool,
}

// In this order, so that what is touched for each message comes first.
#[repr(C)]
struct State<M> {
    levels: Levels<M>,
    /// No less than `in_hand`: what a sender goes by until the mailbox seems full, and only then reads the counter
    /// that the receiver keeps writing to.
    in_hand_at_most: usize,
    receiver: Option<Waker>,
    /// The same as `attention`, for those who have the lock: there are messages of other levels, or senders that wait.
    special: bool,
    /// Whether the receiver is gone, so that nothing must come in any more.
    sealed: bool,
    /// How many messages that the actor has set aside are to come back. It does not end as drained before.
    owed: u32,
    blocked: Option<Box<BlockedSenders<M>>>,
    evicted: u64,
    deepest: usize,
    /// The routing keys of what is here, if anything has one that matters.
    keys: Option<Box<keys::Keys>>,
}

/// What the queue has counted since it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueCounts {
    pub(crate) accepted: u64,
    pub(crate) evicted: u64,
    /// The greatest depth seen whenever the receiver fetched or a sender found little room.
    pub(crate) deepest: usize,
}

/// How an attempt to put a message in ended: with what it evicted, if anything, or with the message back.
pub(crate) type Pushed<M> = Result<Option<MessageEnvelope<M>>, MailboxError<M>>;

/// Room for one message, held by holding the lock.
pub(crate) struct Room<'a, M> {
    queue: &'a Queue<M>,
    state: Guard<'a, State<M>>,
}

impl<M> Queue<M> {
    pub(crate) fn new(options: MailboxOptions) -> Self {
        Self {
            state: Lock::new(State {
                levels: Levels::new(),
                in_hand_at_most: 0,
                receiver: None,
                blocked: None,
                special: false,
                owed: 0,
                sealed: false,
                evicted: 0,
                deepest: 0,
                keys: None,
            }),
            accepted: AtomicU64::new(0),
            passed: AtomicU64::new(0),
            in_hand: AtomicUsize::new(0),
            attention: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            options,
        }
    }

    /// The right to put in one message at once, if there is room.
    // Apart from `push`, so that on the way into a mailbox with room a message is in no `Result`, whose layers of
    // possible refusals the compiler would copy it through.
    #[inline(always)]
    pub(crate) fn room(&self) -> Option<Room<'_, M>> {
        let mut state = self.state.lock();
        let room = !self.is_closed() && self.has_room(&mut state);
        room.then_some(Room { queue: self, state })
    }

    /// Puts a message in without waiting.
    pub(crate) fn push(&self, envelope: MessageEnvelope<M>) -> Pushed<M> {
        self.push_if(|| true, envelope)
    }

    /// As [`push`](Self::push), where it is as if the mailbox were closed unless `may` is true under its lock.
    pub(crate) fn push_if(&self, may: impl Fn() -> bool, envelope: MessageEnvelope<M>) -> Pushed<M> {
        let state = self.state.lock();
        if self.is_closed() || !may() {
            return Err(MailboxError::new(MailboxErrorKind::Closed, envelope));
        }
        self.push_locked(state, envelope)
    }

    /// As [`push`](Self::push), into a mailbox that is open.
    fn push_locked(&self, mut state: Guard<'_, State<M>>, envelope: MessageEnvelope<M>) -> Pushed<M> {
        if !self.has_room(&mut state) {
            return self.push_when_full(state, envelope);
        }
        Room { queue: self, state }.put(envelope);
        Ok(None)
    }

    /// Puts a message in, waiting for room where the strategy says so, but not past the message's deadline.
    pub(crate) async fn send(&self, envelope: MessageEnvelope<M>) -> Pushed<M> {
        match self.push(envelope) {
            Err(error) if error.kind() == MailboxErrorKind::Full && self.blocks() => {
                self.wait_for_room(error.into_envelope(), None).await
            }
            pushed => pushed,
        }
    }

    async fn wait_for_room(&self, envelope: MessageEnvelope<M>, claim: Option<KeyClaim<'_>>) -> Pushed<M> {
        let longest = self.options.longest_wait().map(Deadline::after);
        let until = Deadline::earlier(longest, envelope.expiry()).and_then(Deadline::instant);
        let mut wait = WaitForRoom::new(self, envelope, claim);
        match until {
            None => wait.await,
            Some(until) => match tokio::time::timeout_at(until, &mut wait).await {
                Ok(ended) => ended,
                Err(_) => wait.give_up(),
            },
        }
    }

    /// Refuses what comes from now on and returns what waits for room. True if that is news.
    pub(crate) fn close(&self) -> bool {
        let mut state = self.state.lock();
        // The flag only changes under the lock; outside it serves those who can act on old news.
        if self.closed.swap(true, Ordering::Release) {
            return false;
        }
        let receiver = state.receiver.take();
        let senders = state.blocked.as_mut().map_or_else(Vec::new, |blocked| blocked.let_go());
        drop(state);
        senders.into_iter().chain(receiver).for_each(Waker::wake);
        true
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Waits for whoever puts something in just now.
    pub(crate) fn await_pushes(&self) {
        drop(self.state.lock());
    }

    /// Takes everything that the receiver has not fetched.
    pub(crate) fn drain_unfetched(&self) -> Vec<MessageEnvelope<M>> {
        let mut state = self.state.lock();
        let mut drained = state.levels.drain();
        if self.is_closed() {
            let in_line = std::iter::from_fn(|| state.blocked.as_mut()?.admit(true, Deadline::now()));
            drained.extend(in_line.map(|(envelope, _)| envelope));
        }
        self.admit_blocked(state);
        drained
    }

    /// Lets nothing in any more, whoever owes it: the receiver is about to go.
    pub(crate) fn seal(&self) {
        self.state.lock().sealed = true;
    }

    /// Has the receiver look again, though there is no message for it.
    pub(crate) fn wake_receiver(&self) {
        let receiver = self.state.lock().receiver.take();
        receiver.into_iter().for_each(Waker::wake);
    }

    /// Has `receiver` woken by whatever would wake the task of a receiver that waits, and gives back what memory it can. The
    /// waker comes back if there is something to do.
    pub(crate) fn rest(&self, receiver: Waker) -> Result<(), Waker> {
        let mut state = self.state.lock();
        if state.levels.len() > 0 || state.in_line() > 0 || self.is_done(&state) {
            return Err(receiver);
        }
        let task = state.receiver.replace(receiver);
        let buffers = state.levels.take_buffers();
        drop(state);
        drop((task, buffers));
        Ok(())
    }

    /// Has the receiver's task woken by whatever would wake it while it waits for a message.
    pub(crate) fn wake_me(&self, cx: &Context<'_>) {
        self.state.lock().wake_on_message(cx);
    }

    /// Whether nothing more is to come in.
    fn is_done(&self, state: &State<M>) -> bool {
        self.is_closed() && (state.owed == 0 || state.sealed)
    }

    /// How many messages wait, exactly.
    pub(crate) fn depth(&self) -> usize {
        let state = self.state.lock();
        state.levels.len() + self.in_hand.load(Ordering::Acquire)
    }

    /// About how many messages wait, without the lock.
    #[inline]
    pub(crate) fn depth_at_a_glance(&self) -> usize {
        // Relaxed: each may be a little old, so what is left over may even be less than nothing.
        let waiting = self.accepted.load(Ordering::Relaxed).wrapping_sub(self.passed.load(Ordering::Relaxed));
        let depth = waiting.cast_signed() + self.in_hand.load(Ordering::Relaxed) as i64;
        depth.max(0) as usize
    }

    /// Whether it holds nothing, and nothing is to come back to it.
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.state.lock();
        state.levels.len() + self.in_hand.load(Ordering::Acquire) + state.unattended() == 0 && state.owed == 0
    }

    /// How many senders wait for room.
    pub(crate) fn blocked_senders(&self) -> usize {
        let state = self.state.lock();
        state.in_line() - state.unattended()
    }

    /// Counts of one moment, and how many accepted messages wait, those that stand in line included.
    pub(crate) fn counts(&self) -> (QueueCounts, usize) {
        let state = self.state.lock();
        let queued = state.levels.len() + self.in_hand.load(Ordering::Acquire) + state.unattended();
        let accepted = self.accepted.load(Ordering::Relaxed);
        (QueueCounts { accepted, evicted: state.evicted, deepest: state.deepest }, queued)
    }

    pub(crate) fn options(&self) -> &MailboxOptions {
        &self.options
    }

    fn blocks(&self) -> bool {
        self.options.on_full() == BackpressureStrategy::Block
    }

    /// Whether a message may go in now. A sender that waits goes before any other.
    #[inline(always)]
    fn has_room(&self, state: &mut State<M>) -> bool {
        let plainly = !state.special && state.normal_and_in_hand() < self.options.limit();
        plainly || self.has_room_after_all(state)
    }

    #[inline(never)]
    fn has_room_after_all(&self, state: &mut State<M>) -> bool {
        state.in_hand_at_most = self.in_hand.load(Ordering::Acquire);
        let depth = state.levels.len() + state.in_hand_at_most;
        state.note_depth(depth);
        depth < self.options.limit() && state.in_line() == 0
    }

    #[inline(always)]
    fn accept(&self, state: &mut State<M>, envelope: MessageEnvelope<M>) {
        self.count_accepted(1);
        self.put_in(state, envelope);
    }

    #[inline(always)]
    fn put_in(&self, state: &mut State<M>, mut envelope: MessageEnvelope<M>) {
        envelope.stamp();
        let normal = envelope.priority() == MessagePriority::Normal;
        state.levels.push(envelope);
        if !normal {
            self.attend(state);
        }
    }

    #[cold]
    #[inline(never)]
    fn push_when_full(&self, mut state: Guard<'_, State<M>>, envelope: MessageEnvelope<M>) -> Pushed<M> {
        let evicted = match self.options.on_full() {
            BackpressureStrategy::Block | BackpressureStrategy::Error => {
                return Err(MailboxError::new(MailboxErrorKind::Full, envelope));
            }
            BackpressureStrategy::DropNewest => None,
            BackpressureStrategy::DropOldest => state.levels.evict_for(envelope.priority()),
        };
        state.evicted += 1;
        if evicted.is_none() {
            // It is itself the one to go: in and out in one step.
            self.count_accepted(1);
            self.note_passed(&state);
            return Ok(Some(envelope));
        }
        self.accept(&mut state, envelope);
        self.note_passed(&state);
        Ok(evicted)
    }

    /// Makes the receiver take the lock for its next message if there is anything that only the lock can tell it:
    /// senders that wait for the room it makes, or messages that go before those it has in hand.
    fn attend(&self, state: &mut State<M>) {
        let needed = state.levels.is_mixed() || state.in_line() > 0;
        state.special = needed;
        // Release, not SeqCst: see `admit_all` for what that leaves open, and how it is closed.
        self.attention.store(needed, Ordering::Release);
        self.note_passed(state);
    }

    /// Under the lock.
    #[inline(always)]
    fn count_accepted(&self, messages: u64) {
        self.accepted.store(self.accepted.load(Ordering::Relaxed) + messages, Ordering::Relaxed);
    }

    /// Whenever the lock holds less than before, so that the estimate never drifts.
    fn note_passed(&self, state: &State<M>) {
        let passed = self.accepted.load(Ordering::Relaxed).wrapping_sub(state.levels.len() as u64);
        self.passed.store(passed, Ordering::Relaxed);
    }
}

impl<M> Room<'_, M> {
    /// Puts the message in.
    #[inline(always)]
    pub(crate) fn put(mut self, envelope: MessageEnvelope<M>) {
        self.queue.accept(&mut self.state, envelope);
        let waker = self.state.receiver.take();
        drop(self);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<M> State<M> {
    /// No less than what the mailbox holds, if that is normal messages only.
    #[inline(always)]
    fn normal_and_in_hand(&self) -> usize {
        self.levels.normal_len().saturating_add(self.in_hand_at_most)
    }

    /// How many messages stand in line for room.
    #[inline]
    fn in_line(&self) -> usize {
        self.blocked.as_ref().map_or(0, |blocked| blocked.len())
    }

    /// How many of them nobody waits with, so that they count as accepted.
    fn unattended(&self) -> usize {
        self.blocked.as_ref().map_or(0, |blocked| blocked.unattended())
    }

    fn note_depth(&mut self, depth: usize) {
        self.deepest = self.deepest.max(depth);
    }

    fn wake_on_message(&mut self, cx: &Context<'_>) {
        match &mut self.receiver {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }
}

#[cfg(test)]
mod tests;
