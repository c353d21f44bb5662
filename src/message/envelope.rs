use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::address::{ActorAddress, ActorId};
use crate::balancing::Strategy;
use crate::message::metadata::Extras;
use crate::message::{Deadline, Marks, Message, MessageId, MessagePriority, RequestKey, Stamp};
use crate::retry::RetryPolicy;

mod copying;

/// A message and its header.
///
/// Anything that takes an envelope also takes the bare message, which becomes an envelope with a new id and no
/// deadline. The header adds 64 bytes to the message, and no allocation until metadata, a reply address or a
/// correlation id is set.
///
/// ```
/// use switchboard::message::{Message, MessageEnvelope};
///
/// #[derive(Debug, PartialEq)]
/// struct Ping;
///
/// impl Message for Ping {
///     const MESSAGE_TYPE: &'static str = "ping";
/// }
///
/// let envelope = MessageEnvelope::new(Ping).with_metadata("trace", "abc");
/// assert_eq!(envelope.attempt(), 1);
/// assert_eq!(envelope.into_message(), Ping);
/// ```
#[derive(Clone)]
pub struct MessageEnvelope<M> {
    id: MessageId,
    sender: Option<ActorId>,
    deadline: Option<Deadline>,
    request: Option<RequestKey>,
    extras: Option<Box<Extras<M>>>,
    attempt: u16,
    priority: MessagePriority,
    marks: Marks,
    stamp: Stamp,
    message: M,
}

/// What the header may cost: part of the library's promise, so checked where the header is defined.
const _: () = assert!(size_of::<MessageEnvelope<[u64; 6]>>() <= size_of::<[u64; 6]>() + 64);
const _: () = assert!(size_of::<MessageEnvelope<u8>>() <= 8 + 64);

impl<M: Message> MessageEnvelope<M> {
    /// Puts `message` in an envelope with a new id and the priority that the message asks for.
    #[inline]
    pub fn new(message: M) -> Self {
        let deadline = message.time_to_live().map(Deadline::after);
        Self {
            id: MessageId::next(),
            sender: None,
            deadline,
            request: None,
            extras: None,
            attempt: 1,
            priority: message.priority(),
            marks: if deadline.is_some() { Marks::LIVES_BY_TYPE } else { Marks::NONE },
            stamp: Stamp::NONE,
            message,
        }
    }
}

impl<M: Message> MessageEnvelope<M> {
    /// Puts a message that came from elsewhere in the envelope it had there: with its id, the number of the attempt at
    /// handling it that comes next, and no deadline. For brokers that carry envelopes as bytes.
    #[must_use]
    pub fn received(id: MessageId, attempt: u32, message: M) -> Self {
        Self {
            id,
            sender: None,
            deadline: None,
            request: None,
            extras: None,
            attempt: u16::try_from(attempt).unwrap_or(u16::MAX).max(1),
            priority: message.priority(),
            marks: Marks::NONE,
            stamp: Stamp::NONE,
            message,
        }
    }

    /// Counts the time to live of the message's type from `due`, unless the sender has set a deadline.
    pub(crate) fn live_from(&mut self, due: Deadline) {
        if self.marks.has(Marks::LIVES_BY_TYPE) {
            self.deadline = self.message.time_to_live().map(|time| due.plus(time));
        }
    }

    /// Gives it the deadline and the standing of a message that was never sent before: the time to live of its type, and
    /// nobody who waits for an answer.
    pub(crate) fn renew(&mut self) {
        self.request = None;
        self.deadline = self.message.time_to_live().map(Deadline::after);
        if self.deadline.is_some() {
            self.marks.set(Marks::LIVES_BY_TYPE);
        }
    }
}

impl<M> MessageEnvelope<M> {
    /// Sets the priority, in place of what the message asked for.
    #[must_use]
    pub fn with_priority(mut self, priority: MessagePriority) -> Self {
        self.priority = priority;
        self
    }

    /// Has it delivered until a handler says that it is done: if the handler returns an error or panics, it is handled
    /// again, from a clone made before, as its [retry policy](Self::with_retry) says. What is not done in the end becomes
    /// a dead letter, whole. A message may therefore be handled more than once.
    #[must_use]
    pub fn at_least_once(mut self) -> Self
    where
        M: Clone,
    {
        self.marks.set(Marks::AT_LEAST_ONCE);
        self.make_copyable();
        self
    }

    /// Sets when this is tried again, in place of what its address or the broker says: if it is not accepted, and, if it
    /// is sent [at least once](Self::at_least_once), if it is not handled to its end.
    #[must_use]
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        self.extras_mut().retry = Some(policy);
        self
    }

    /// Sets how the member of a pool or service is picked for this, in place of what [its
    /// address](crate::broker::InMemoryMessageBroker::set_strategy) or the broker says. At an id or a name there is
    /// nothing to pick.
    #[must_use]
    pub fn balanced_by(mut self, strategy: Strategy) -> Self {
        self.marks.set_strategy(strategy);
        self
    }

    /// Has it given to every member of the pool or service that it is sent to, in place of what [its
    /// address](crate::broker::InMemoryMessageBroker::set_broadcast) or the broker says; at an id or a name, to whoever is
    /// there. [`balanced_by`](Self::balanced_by) undoes it.
    ///
    /// Each member gets a copy with this header, and the last the message itself. Sending waits for none of them and
    /// succeeds if one takes it; those without room go without. A request has one answer, so it goes to one member all the
    /// same. See [`balancing`](crate::balancing#all-members).
    #[must_use]
    pub fn to_all(mut self) -> Self
    where
        M: Clone,
    {
        self.marks.set(Marks::TO_ALL);
        self.make_copyable();
        self
    }

    /// Names the actor that sends this.
    #[must_use]
    pub fn with_sender(mut self, sender: ActorId) -> Self {
        self.sender = Some(sender);
        self
    }

    /// Sets the deadline: a message that has not begun by then is not handled, and counts as expired.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        let deadline = Deadline::at(deadline);
        self.marks.clear(Marks::LIVES_BY_TYPE);
        self.deadline = Some(if deadline.has_passed() { Deadline::PASSED } else { deadline });
        self
    }

    /// Sets the deadline to `timeout` from now.
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.marks.clear(Marks::LIVES_BY_TYPE);
        self.deadline = Some(Deadline::after(timeout));
        self
    }

    /// Names where an answer should go as an ordinary message, for a sender that does not wait for it.
    ///
    /// The answer carries this envelope's id as its [`correlation`](Self::correlation).
    #[must_use]
    pub fn with_reply_to(mut self, address: ActorAddress) -> Self {
        self.extras_mut().reply_to = Some(address);
        self
    }

    /// Says which earlier message this one belongs to.
    #[must_use]
    pub fn with_correlation(mut self, id: MessageId) -> Self {
        self.extras_mut().correlation = Some(id);
        self
    }

    /// Adds an entry of your own, or replaces the one with the same key.
    #[must_use]
    pub fn with_metadata(mut self, key: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.extras_mut().set(key.as_ref(), value.as_ref());
        self
    }

    /// The message's id.
    pub fn id(&self) -> MessageId {
        self.id
    }

    /// The actor that sent this, where an actor did.
    pub fn sender(&self) -> Option<ActorId> {
        self.sender
    }

    /// When this message stops being worth handling. `None` is never.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline.and_then(Deadline::instant)
    }

    /// The time left until the deadline: zero when it has passed, `None` when there is none.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// How urgent this is.
    pub fn priority(&self) -> MessagePriority {
        self.priority
    }

    /// Which attempt at handling this is, from 1. Only what is sent [at least once](Self::at_least_once) gets another.
    /// Stays at 65,535 if there are ever so many.
    pub fn attempt(&self) -> u32 {
        u32::from(self.attempt)
    }

    /// When this is tried again, if it says so itself.
    pub fn retry_policy(&self) -> Option<RetryPolicy> {
        self.extras.as_ref()?.retry
    }

    /// How the member of a pool or service is picked for this, if it says so itself.
    pub fn strategy(&self) -> Option<Strategy> {
        self.marks.strategy()
    }

    /// Whether it says itself that it is [for all members](Self::to_all). What a member gets of it does not.
    pub fn is_to_all(&self) -> bool {
        self.marks.is_to_all()
    }

    /// Whether it is delivered until a handler says that it is done.
    #[inline(always)]
    pub fn is_at_least_once(&self) -> bool {
        self.marks.has(Marks::AT_LEAST_ONCE)
    }

    /// Where the sender wants an answer as an ordinary message.
    pub fn reply_to(&self) -> Option<&ActorAddress> {
        self.extras.as_ref()?.reply_to.as_ref()
    }

    /// The earlier message that this one answers or belongs to.
    pub fn correlation(&self) -> Option<MessageId> {
        self.extras.as_ref()?.correlation
    }

    /// The value of an entry of your own.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.extras.as_ref()?.get(key)
    }

    /// All entries of your own, in the order in which they were added.
    pub fn all_metadata(&self) -> impl Iterator<Item = (&str, &str)> {
        self.extras.iter().flat_map(|extras| extras.iter())
    }

    /// Whether a caller waits for the reply.
    pub fn is_request(&self) -> bool {
        self.request.is_some()
    }

    /// The message.
    pub fn message(&self) -> &M {
        &self.message
    }

    /// The message, to change it.
    pub fn message_mut(&mut self) -> &mut M {
        &mut self.message
    }

    /// Takes the message out and drops the header.
    #[inline]
    pub fn into_message(self) -> M {
        let Self { extras, message, .. } = self;
        // Looked at here, where it is nearly always `None`, rather than in a function that drops it.
        if let Some(extras) = extras {
            drop(extras);
        }
        message
    }

    /// Takes the place of the message `id`, for whoever waits for the answer to that.
    pub(crate) fn stand_in_for(&mut self, id: MessageId) {
        self.id = id;
    }

    pub(crate) fn expiry(&self) -> Option<Deadline> {
        self.deadline
    }

    pub(crate) fn set_expiry(&mut self, deadline: Option<Deadline>) {
        self.deadline = deadline;
    }

    /// Says that the handler of `sender` sends this.
    pub(crate) fn set_sending_handler(&mut self, sender: ActorId) {
        self.sender = Some(sender);
        self.marks.set(Marks::SENDER_IS_BUSY);
    }

    /// Says that it is no longer on its way from that handler: what is done with it now is done by somebody else.
    #[inline(always)]
    pub(crate) fn leave_sender(&mut self) {
        self.marks.clear(Marks::SENDER_IS_BUSY);
    }

    /// Says whether the mailbox that it is in knows its routing key.
    pub(crate) fn set_keyed(&mut self, keyed: bool) {
        if keyed { self.marks.set(Marks::KEYED) } else { self.marks.clear(Marks::KEYED) }
    }

    #[inline(always)]
    pub(crate) fn is_keyed(&self) -> bool {
        self.marks.has(Marks::KEYED)
    }

    /// Whether its receiver has anything to see to before it begins.
    #[inline(always)]
    pub(crate) fn needs_care(&self) -> bool {
        self.marks.has(Marks::NEEDS_CARE)
    }

    /// The actor whose handler sends this, and can't handle anything else before it is done.
    #[inline]
    pub(crate) fn sending_handler(&self) -> Option<ActorId> {
        if self.marks.has(Marks::SENDER_IS_BUSY) { self.sender } else { None }
    }

    /// The same envelope, put together anew.
    ///
    /// For handing it to a function that is called on a rare path and not inlined: what such a function gets must have an
    /// address, and if that were the original's, the compiler would have to build the original in memory on the
    /// common path as well, and copy it from there.
    #[inline(always)]
    pub(crate) fn relocated(self) -> Self {
        let Self { id, sender, deadline, request, extras, attempt, priority, marks, stamp, message } = self;
        Self { id, sender, deadline, request, extras, attempt, priority, marks, stamp, message }
    }

    /// Notes when it goes into a mailbox, if timings are taken of it.
    // Set in either case, since it may have been in another mailbox before, with another id.
    #[inline(always)]
    pub(crate) fn stamp(&mut self) {
        self.stamp = if self.id.is_sampled() { Stamp::now() } else { Stamp::NONE };
    }

    /// When it went into the mailbox that it is in or has left.
    #[inline(always)]
    pub(crate) fn stamped(&self) -> Stamp {
        self.stamp
    }

    pub(crate) fn request(&self) -> Option<RequestKey> {
        self.request
    }

    pub(crate) fn set_request(&mut self, key: Option<RequestKey>) {
        self.request = key;
    }

    /// The same message under a new id.
    pub(crate) fn with_new_id(mut self) -> Self {
        self.id = MessageId::next();
        self
    }

    fn extras_mut(&mut self) -> &mut Extras<M> {
        self.extras.get_or_insert_default()
    }
}

impl<M: Message> From<M> for MessageEnvelope<M> {
    #[inline]
    fn from(message: M) -> Self {
        Self::new(message)
    }
}

impl<M: fmt::Debug> fmt::Debug for MessageEnvelope<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageEnvelope")
            .field("id", &self.id)
            .field("sender", &self.sender)
            .field("priority", &self.priority)
            .field("attempt", &self.attempt)
            .field("remaining", &self.remaining())
            .field("request", &self.is_request())
            .field("extras", &self.extras)
            .field("message", &self.message)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Urgent;

    impl Message for Urgent {
        const MESSAGE_TYPE: &'static str = "urgent";

        fn priority(&self) -> MessagePriority {
            MessagePriority::Critical
        }
    }

    #[test]
    fn a_bare_message_brings_its_own_priority_and_costs_no_allocation() {
        let envelope = MessageEnvelope::from(Urgent);
        assert_eq!(envelope.priority(), MessagePriority::Critical);
        assert!(envelope.extras.is_none());
        assert!(!envelope.is_request());
        assert_eq!((envelope.sender(), envelope.deadline(), envelope.attempt()), (None, None, 1));
        assert_eq!(envelope.with_priority(MessagePriority::Low).priority(), MessagePriority::Low);
    }

    #[test]
    fn the_builder_sets_what_the_getters_read() {
        let (sender, first) = (ActorId::next(), MessageId::next());
        let address = ActorAddress::from(sender);
        let envelope = MessageEnvelope::new(Urgent)
            .with_sender(sender)
            .with_reply_to(address.clone())
            .with_correlation(first)
            .with_metadata("a", "1")
            .with_metadata("b", "2")
            .with_metadata("a", "3");

        assert_eq!(envelope.sender(), Some(sender));
        assert_eq!(envelope.reply_to(), Some(&address));
        assert_eq!(envelope.correlation(), Some(first));
        assert_eq!(envelope.all_metadata().collect::<Vec<_>>(), [("a", "3"), ("b", "2")]);
        assert_eq!(envelope.metadata("c"), None);
        assert_eq!(envelope.into_message(), Urgent);
    }

    #[tokio::test(start_paused = true)]
    async fn the_remaining_time_runs_down_to_zero_and_stays_there() {
        let envelope = Urgent.within(Duration::from_secs(2));
        assert_eq!(envelope.remaining(), Some(Duration::from_secs(2)));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(envelope.remaining(), Some(Duration::ZERO));
        assert_eq!(Urgent.within(Duration::MAX).remaining(), None);
    }

    #[test]
    fn debug_shows_the_message_and_the_header() {
        let shown = format!("{:?}", MessageEnvelope::new(Urgent).with_metadata("k", "v"));
        assert!(shown.contains("Urgent") && shown.contains("Critical") && shown.contains("\"k\""), "{shown}");
    }
}
