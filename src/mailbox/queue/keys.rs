use std::collections::HashMap;
use std::task::{Context, Poll, Waker};

use foldhash::fast::RandomState;

use super::{Pushed, Queue, State};
use crate::mailbox::{MailboxError, MailboxErrorKind};
use crate::message::{MessageEnvelope, MessageId};
use crate::sync::atomic::{AtomicU64, Ordering};

/// The routing key of messages of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RouteKey {
    pub(crate) group: u64,
    pub(crate) hash: u64,
}

/// Which members a group has had last, as a number that rises with each change.
///
/// Whoever changes the members raises it first and then goes through the locks of all mailboxes. A message with a key is
/// put in only if the number, read under that lock, is the one by which its mailbox was found. So after that, nobody puts
/// anything in because of how the group was before.
#[derive(Debug, Default)]
pub(crate) struct Fence(AtomicU64);

/// That a mailbox is the one for a key, for as long as the group does not change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyClaim<'a> {
    pub(crate) key: RouteKey,
    pub(crate) fence: &'a Fence,
    pub(crate) number: u64,
    /// Only for as long as other messages of that key are here: it belongs elsewhere otherwise.
    pub(crate) beside_others: bool,
}

/// How an attempt to put in a message with a key ended.
pub(crate) enum PushedByKey<M> {
    /// With what it evicted, if anything.
    Accepted(Option<MessageEnvelope<M>>),
    Full(MessageEnvelope<M>),
    /// This is not the mailbox for it any more.
    Elsewhere(MessageEnvelope<M>),
}

/// The keys of the messages that are in a mailbox, in its line, or in hand of its actor.
#[derive(Default)]
pub(super) struct Keys {
    /// By message, and how often that is here: the same envelope may have been sent twice.
    of: HashMap<MessageId, (RouteKey, usize), RandomState>,
    messages: HashMap<RouteKey, usize, RandomState>,
    /// Who waits for a key to be gone, by ticket.
    wakers: HashMap<u64, Waker, RandomState>,
    next_ticket: u64,
}

/// A wait until no message of a key is here. Dropping it ends it.
pub(crate) struct KeyWait<'a, M> {
    queue: &'a Queue<M>,
    key: RouteKey,
    ticket: Option<u64>,
}

impl Fence {
    pub(crate) fn number(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Ends all claims there are, but for messages that go in while this returns: the locks of the mailboxes tell.
    pub(crate) fn raise(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

impl KeyClaim<'_> {
    fn holds<M>(&self, state: &State<M>) -> bool {
        self.fence.number() == self.number && (!self.beside_others || state.holds_key(self.key))
    }
}

impl Keys {
    fn enter(&mut self, message: MessageId, key: RouteKey) {
        let (key, times) = self.of.entry(message).or_insert((key, 0));
        *times += 1;
        *self.messages.entry(*key).or_default() += 1;
    }

    /// Forgets a message. Gives who may now go on.
    fn leave(&mut self, message: MessageId) -> Vec<Waker> {
        let Some((key, times)) = self.of.get_mut(&message) else { return Vec::new() };
        let (key, last) = (*key, *times == 1);
        *times -= 1;
        if last {
            self.of.remove(&message);
        }
        match self.messages.get_mut(&key) {
            Some(messages) if *messages > 1 => *messages -= 1,
            _ => {
                self.messages.remove(&key);
                return self.take_wakers();
            }
        }
        Vec::new()
    }

    fn take_wakers(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.wakers).into_values().collect()
    }
}

impl<M> State<M> {
    fn holds_key(&self, key: RouteKey) -> bool {
        self.keys.as_ref().is_some_and(|keys| keys.messages.contains_key(&key))
    }

    fn enter_key(&mut self, key: RouteKey, envelope: &mut MessageEnvelope<M>) {
        envelope.set_keyed(true);
        self.keys.get_or_insert_default().enter(envelope.id(), key);
    }

    /// Forgets the key of a message that leaves for elsewhere. Gives who has to be woken.
    pub(super) fn leave_key(&mut self, envelope: &mut MessageEnvelope<M>) -> Vec<Waker> {
        if !envelope.is_keyed() {
            return Vec::new();
        }
        envelope.set_keyed(false);
        self.keys.as_mut().map_or_else(Vec::new, |keys| keys.leave(envelope.id()))
    }
}

/// Messages with a routing key, whose order must survive that the key moves to another mailbox.
impl<M> Queue<M> {
    /// As [`push`](Self::push), for a message with a key.
    pub(crate) fn push_by_key(&self, mut envelope: MessageEnvelope<M>, claim: &KeyClaim<'_>) -> PushedByKey<M> {
        let mut state = self.state.lock();
        if self.is_closed() || !claim.holds(&state) {
            return PushedByKey::Elsewhere(envelope);
        }
        state.enter_key(claim.key, &mut envelope);
        match self.push_locked(state, envelope) {
            Ok(evicted) => PushedByKey::Accepted(evicted),
            Err(error) => {
                let mut envelope = error.into_envelope();
                self.leave_key(&mut envelope);
                PushedByKey::Full(envelope)
            }
        }
    }

    /// As [`send`](Self::send), for a message with a key, which found no room. If this is not the mailbox for it any more, that
    /// is as if it had closed.
    pub(crate) async fn send_by_key(&self, envelope: MessageEnvelope<M>, claim: KeyClaim<'_>) -> Pushed<M> {
        self.wait_for_room(envelope, Some(claim)).await
    }

    /// Notes the key of a message that is about to stand in the line.
    pub(super) fn enter_line_by_key(
        &self,
        state: &mut State<M>,
        mut envelope: MessageEnvelope<M>,
        claim: &KeyClaim<'_>,
    ) -> Result<MessageEnvelope<M>, MailboxError<M>> {
        if !claim.holds(state) {
            return Err(MailboxError::new(MailboxErrorKind::Closed, envelope));
        }
        state.enter_key(claim.key, &mut envelope);
        Ok(envelope)
    }

    /// Forgets the key of a message that has ended, or goes elsewhere.
    #[inline]
    pub(crate) fn leave_key(&self, envelope: &mut MessageEnvelope<M>) {
        if envelope.is_keyed() {
            envelope.set_keyed(false);
            self.end_key(envelope.id());
        }
    }

    /// Forgets the key of a message that is in hand.
    #[cold]
    pub(crate) fn end_key(&self, message: MessageId) {
        let mut state = self.state.lock();
        let wakers = state.keys.as_mut().map_or_else(Vec::new, |keys| keys.leave(message));
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Has all who wait for a key to be gone look again.
    pub(crate) fn wake_for_keys(&self) {
        let wakers = self.state.lock().keys.as_mut().map_or_else(Vec::new, |keys| keys.take_wakers());
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Whether messages of that key are here.
    pub(crate) fn holds_key(&self, key: RouteKey) -> bool {
        self.state.lock().holds_key(key)
    }

    /// The hashes of those keys of a group of which there are messages here.
    pub(crate) fn keys_of(&self, group: u64) -> Vec<u64> {
        let state = self.state.lock();
        let keys = state.keys.iter().flat_map(|keys| keys.messages.keys());
        keys.filter(|key| key.group == group).map(|key| key.hash).collect()
    }

    /// A wait until no message of that key is here.
    pub(crate) fn wait_for_key(&self, key: RouteKey) -> KeyWait<'_, M> {
        KeyWait { queue: self, key, ticket: None }
    }
}

impl<M> KeyWait<'_, M> {
    /// Ready when it is over, or when too many others wait.
    pub(crate) fn poll_gone(&mut self, cx: &Context<'_>) -> Poll<Result<(), MailboxErrorKind>> {
        let waker = cx.waker().clone();
        let mut state = self.queue.state.lock();
        let Some(keys) = state.keys.as_mut().filter(|keys| keys.messages.contains_key(&self.key)) else {
            return Poll::Ready(Ok(()));
        };
        if keys.wakers.len() >= self.queue.options.line() && self.ticket.is_none() {
            return Poll::Ready(Err(MailboxErrorKind::LineFull));
        }
        keys.next_ticket += 1;
        let ticket = *self.ticket.get_or_insert(keys.next_ticket);
        let replaced = keys.wakers.insert(ticket, waker);
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl<M> Drop for KeyWait<'_, M> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let waker = self.queue.state.lock().keys.as_mut().and_then(|keys| keys.wakers.remove(&ticket));
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;
    use crate::mailbox::MailboxOptions;
    use crate::message::Message;

    #[derive(Clone, Debug)]
    struct Note;

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    fn note() -> MessageEnvelope<Note> {
        MessageEnvelope::new(Note)
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    const KEY: RouteKey = RouteKey { group: 1, hash: 7 };
    const OTHER: RouteKey = RouteKey { group: 2, hash: 7 };

    fn queue() -> Queue<Note> {
        Queue::new(MailboxOptions::bounded(4))
    }

    fn claim(fence: &Fence, beside_others: bool) -> KeyClaim<'_> {
        KeyClaim { key: KEY, fence, number: fence.number(), beside_others }
    }

    fn accepts(queue: &Queue<Note>, envelope: &MessageEnvelope<Note>, claim: &KeyClaim<'_>) -> bool {
        matches!(queue.push_by_key(envelope.clone(), claim), PushedByKey::Accepted(None))
    }

    #[test]
    fn nothing_is_put_in_by_a_claim_that_a_change_of_the_group_has_ended() {
        let (queue, fence, envelope) = (queue(), Fence::default(), note());
        let old = claim(&fence, false);
        assert!(accepts(&queue, &envelope, &old));
        fence.raise();
        assert!(!accepts(&queue, &envelope, &old));
        assert!(accepts(&queue, &envelope, &claim(&fence, false)));
        assert_eq!(queue.depth(), 2);
    }

    #[test]
    fn who_keeps_a_key_only_beside_others_takes_none_when_they_are_gone() {
        let (queue, fence, envelope) = (queue(), Fence::default(), note());
        assert!(!accepts(&queue, &envelope, &claim(&fence, true)));
        assert!(accepts(&queue, &envelope, &claim(&fence, false)));
        assert!(accepts(&queue, &note(), &claim(&fence, true)));
        queue.end_key(envelope.id());
        assert!(accepts(&queue, &note(), &claim(&fence, true)), "there is still the second");
    }

    #[test]
    fn a_key_is_of_one_group_and_counts_each_time_that_a_message_is_there() {
        let (queue, fence, envelope) = (queue(), Fence::default(), note());
        (0..2).for_each(|_| assert!(accepts(&queue, &envelope, &claim(&fence, false))));
        assert_eq!((queue.keys_of(KEY.group), queue.keys_of(OTHER.group)), (vec![KEY.hash], vec![]));
        let (wakes, mut left) = (Arc::new(Wakes::default()), envelope.clone());
        let waker = Waker::from(Arc::clone(&wakes));
        let cx = Context::from_waker(&waker);
        assert!(queue.wait_for_key(OTHER).poll_gone(&cx).is_ready());
        let mut wait = queue.wait_for_key(KEY);
        (0..3).for_each(|_| assert!(wait.poll_gone(&cx).is_pending()));
        queue.end_key(envelope.id());
        assert!(queue.holds_key(KEY) && wakes.0.load(Ordering::SeqCst) == 0);
        left.set_keyed(true);
        queue.leave_key(&mut left);
        // Its mark is gone, so that it leaves once.
        queue.leave_key(&mut left);
        assert!(!queue.holds_key(KEY) && wait.poll_gone(&cx).is_ready());
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn no_more_wait_for_a_key_than_may_and_who_gives_up_leaves_nothing_behind() {
        let queue = Queue::new(MailboxOptions::bounded(4).with_line(2));
        let (fence, envelope, cx) = (Fence::default(), note(), Context::from_waker(Waker::noop()));
        assert!(accepts(&queue, &envelope, &claim(&fence, false)));
        let mut waits = [(); 3].map(|()| queue.wait_for_key(KEY));
        let polled = waits.each_mut().map(|wait| wait.poll_gone(&cx));
        assert_eq!(polled, [Poll::Pending, Poll::Pending, Poll::Ready(Err(MailboxErrorKind::LineFull))]);
        let [first, _second, mut third] = waits;
        drop(first);
        assert!(third.poll_gone(&cx).is_pending());
        drop((_second, third));
        assert!(queue.state.lock().keys.as_ref().is_some_and(|keys| keys.wakers.is_empty()));
    }

    #[test]
    fn what_finds_no_room_holds_no_key() {
        let queue = Queue::new(MailboxOptions::bounded(1));
        let fence = Fence::default();
        let (first, second) = (note(), note());
        assert!(accepts(&queue, &first, &claim(&fence, false)));
        let PushedByKey::Full(back) = queue.push_by_key(second, &claim(&fence, false)) else { panic!("it is full") };
        assert!(!back.is_keyed());
        queue.end_key(first.id());
        assert!(!queue.holds_key(KEY));
    }
}
