use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::offer::{Admission, Refusal, Target, Weight};
use super::{Hub, RequestError, RequestErrorKind};
use crate::actor::{ActorCell, Wait, Waiting};
use crate::address::ActorId;
use crate::limits::Table;
use crate::message::{Deadline, Message, MessageEnvelope};
use crate::requests::{Edge, Ended, Pending};
use crate::retry::Failure;

/// A request, whose entry is made just before its message goes into the first mailbox.
struct Ask<'a, M: Message> {
    hub: &'a Hub<M>,
    deadline: Option<Deadline>,
    /// Of the caller's task, for the entry.
    waker: Option<Waker>,
    pending: Option<Pending<'a, M>>,
    /// What is timed, if it is.
    trip: Option<RoundTrip<M>>,
    /// That a handler waits, if one has sent it.
    waiting: Option<Waiting<M>>,
    /// Which of its waits for room is the latest.
    wait: u32,
}

/// The way of a request to its first actor and of its reply back.
struct RoundTrip<M> {
    actor: Arc<ActorCell<M>>,
    began: Deadline,
}

impl<M> RoundTrip<M> {
    #[cold]
    fn begin(actor: &Arc<ActorCell<M>>) -> Self {
        Self { actor: Arc::clone(actor), began: Deadline::now() }
    }
}

impl<M: Message> Admission<M> for Ask<'_, M> {
    type Refusal = RequestErrorKind;

    #[inline(always)]
    fn admit(&mut self, to: &Arc<ActorCell<M>>, envelope: &mut MessageEnvelope<M>) -> Result<(), RequestErrorKind> {
        match &self.pending {
            Some(pending) => {
                self.hub.requests.hand_over(pending.key(), to.key());
            }
            None => {
                let waker = self.waker.take().unwrap_or_else(|| Waker::noop().clone());
                let opened = self.hub.requests.open(to.epoch, self.deadline, waker);
                let pending = opened.ok_or_else(|| RequestErrorKind::TooMany(self.hub.bounds.full(Table::Requests)))?;
                envelope.set_request(Some(pending.key()));
                self.pending = Some(pending);
                if envelope.id().is_sampled() {
                    self.trip = Some(RoundTrip::begin(to));
                }
            }
        }
        match envelope.sending_handler() {
            Some(asker) => self.wait_for(to, asker),
            None => Ok(()),
        }
    }

    fn may_wait(&self, _: &ActorCell<M>, _: &MessageEnvelope<M>) -> bool {
        // Or it would not have been admitted.
        true
    }

    fn waits(
        &mut self,
        at: &ActorCell<M>,
        envelope: &MessageEnvelope<M>,
    ) -> Result<Option<Waiting<M>>, RequestErrorKind> {
        if let Some(pending) = &self.pending {
            (_, self.wait) = self.hub.requests.waits_for_room(pending.key(), at.key());
        }
        // Since it was admitted there, it may have been admitted to others of a group, and only the last was known as
        // the one that it waits for.
        if let Some(asker) = envelope.sending_handler() {
            self.wait_for(at, asker)?;
        }
        Ok(None)
    }

    fn pauses(&mut self) {
        self.waiting = None;
        if let Some(pending) = &self.pending {
            self.hub.requests.pauses(pending.key());
        }
    }

    fn got_in(&self, actor: &ActorCell<M>) {
        if let Some(pending) = &self.pending {
            self.hub.requests.got_in(pending.key(), self.wait, || actor.is_stopping());
        }
    }
}

impl<'a, M: Message> Ask<'a, M> {
    #[inline(always)]
    fn new(hub: &'a Hub<M>, waker: Waker) -> Self {
        Self { hub, deadline: None, waker: Some(waker), pending: None, trip: None, waiting: None, wait: 0 }
    }

    /// Says that the handler of `asker` waits for `target`, unless it would wait for itself.
    #[inline(never)]
    fn wait_for(&mut self, target: &ActorCell<M>, asker: ActorId) -> Result<(), RequestErrorKind> {
        let (Some(pending), Some(asker)) = (&self.pending, self.hub.registry.actor(asker)) else {
            return Ok(());
        };
        let edge = Edge { asker: asker.key(), target: target.key() };
        self.hub.requests.enter(pending.key(), edge);
        self.waiting.get_or_insert_with(|| Waiting::begin(asker, Wait::Reply(pending.key())));
        match self.hub.cycle(edge.asker, target) {
            Some(cycle) => {
                // At once, so that nobody else is refused because of it.
                self.waiting = None;
                Err(RequestErrorKind::WouldDeadlock { cycle })
            }
            None => Ok(()),
        }
    }
}

impl Refusal for RequestErrorKind {
    fn weight(&self) -> Weight {
        match self {
            Self::NotSent(kind) => kind.weight(),
            Self::WouldDeadlock { .. } => Weight::WouldDeadlock,
            _ => Weight::Gone,
        }
    }

    fn failure(&self) -> Option<Failure> {
        match self {
            Self::NotSent(kind) => kind.failure(),
            Self::TooMany(_) => Some(Failure::Full),
            _ => None,
        }
    }
}

impl<M: Message> Hub<M> {
    #[expect(clippy::manual_async_fn, reason = "an `async fn` moves its arguments once more")]
    pub(super) fn request(
        self: &Arc<Self>,
        target: Target<'_, M>,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> impl Future<Output = Result<M, RequestError<M>>> + Send {
        async move {
            let waker = std::future::poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
            let mut ask = Ask::new(self, waker);
            match self.ask_at_once(&target, message, &mut ask) {
                Ok(()) => ask.pending = ask.pending.map(Pending::polled_at_once),
                // By value, so that the common path keeps no message across an `await`.
                Err(envelope) => self.ask_on(&target, envelope, &mut ask).await?,
            }
            let reply = match ask.pending {
                Some(pending) => self.wait_for_reply(pending, ask.deadline.is_some()).await,
                // Nothing is accepted without an entry.
                None => Err(Ended::NoReply),
            };
            if let (Some(trip), Ok(_)) = (ask.trip, &reply) {
                self.end_trip(&trip);
            }
            reply.map_err(|ended| RequestError::ended(ended, target.address()))
        }
    }

    /// The common path of [`offer`](Self::offer): to one actor with room. What was admitted there and found none is
    /// offered as if to another.
    #[inline(always)]
    fn ask_at_once(
        &self,
        target: &Target<'_, M>,
        message: impl Into<MessageEnvelope<M>>,
        ask: &mut Ask<'_, M>,
    ) -> Result<(), MessageEnvelope<M>> {
        // Before the envelope is made, as in `put_at_once`.
        let found = self.look_up(target);
        let mut envelope = message.into();
        ask.deadline = envelope.expiry().or_else(|| self.settings.request_timeout.map(Deadline::after));
        envelope.set_expiry(ask.deadline);
        if ask.deadline != Some(Deadline::PASSED)
            && !envelope.is_at_least_once()
            && let Some(cell) = found.actor()
            && ask.admit(cell, &mut envelope).is_ok()
            && let Some(room) = cell.queue.room()
        {
            room.put(envelope);
            return Ok(());
        }
        Err(envelope.relocated())
    }

    #[cold]
    async fn ask_on(
        &self,
        target: &Target<'_, M>,
        mut envelope: MessageEnvelope<M>,
        ask: &mut Ask<'_, M>,
    ) -> Result<(), RequestError<M>> {
        if envelope.is_at_least_once() {
            envelope.note_sending(&target.address());
        }
        let offered = self.offer(target, envelope, ask);
        let delivered = self.deliver(target, offered, ask).await;
        delivered.map_err(|(kind, envelope)| {
            if matches!(kind, RequestErrorKind::TooMany(_)) {
                // Here, since it may have been looked for more than once.
                self.bounds.refuse(Table::Requests);
            }
            RequestError::refused(kind, target.address(), envelope)
        })
    }

    #[inline]
    fn wait_for_reply<'a>(
        self: &'a Arc<Self>,
        mut pending: Pending<'a, M>,
        has_deadline: bool,
    ) -> impl Future<Output = Result<M, Ended>> + Send + 'a {
        std::future::poll_fn(move |cx| {
            let polled = Pin::new(&mut pending).poll(cx);
            if polled.is_pending() && has_deadline {
                self.keep_time();
            }
            polled
        })
    }

    #[cold]
    fn end_trip(&self, trip: &RoundTrip<M>) {
        self.record_round_trip(&trip.actor, Deadline::now().nanos_since(trip.began));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;
    use crate::address::ActorAddress;
    use crate::broker::offer::Offered;
    use crate::broker::settings::Settings;
    use crate::mailbox::{BackpressureStrategy, MailboxOptions};

    #[derive(Debug)]
    struct Note;

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    const ROUNDS: usize = 10_000;

    fn ask(hub: &Hub<Note>) -> Ask<'_, Note> {
        Ask::new(hub, Waker::noop().clone())
    }

    fn from_handler_of(cell: &ActorCell<Note>) -> MessageEnvelope<Note> {
        let mut envelope = MessageEnvelope::new(Note);
        envelope.set_sending_handler(cell.id);
        envelope
    }

    /// It has been to two members of a group, both full, and goes back to the first to wait there, which has asked back
    /// while it was with the second.
    #[test]
    fn a_member_to_wait_at_is_looked_at_again_just_before_the_wait() {
        let hub = Hub::<Note>::new(Settings::default());
        let [asker, first, second] = ["asker", "first", "second"]
            .map(|name| hub.register(&ActorAddress::named(name).unwrap(), None, true).unwrap());
        let (mut asks, mut question) = (ask(&hub), from_handler_of(&asker));
        assert_eq!(asks.admit(&first, &mut question), Ok(()));
        assert_eq!(asks.admit(&second, &mut question), Ok(()));
        let mut asks_back = ask(&hub);
        assert_eq!(asks_back.admit(&asker, &mut from_handler_of(&first)), Ok(()));
        let cycle = vec![asker.address.clone(), first.address.clone()];
        let refused = asks.waits(&first, &question).err();
        assert_eq!(refused, Some(RequestErrorKind::WouldDeadlock { cycle }));
        assert!(asker.waits.is_empty(), "nobody else is refused because of it");
        assert!(asks.waits(&second, &question).is_ok());
    }

    const FULL: MailboxOptions = MailboxOptions::bounded(1).strategy(BackpressureStrategy::Block);

    /// Registers an actor without room.
    fn full(hub: &Hub<Note>, address: &ActorAddress) -> Arc<ActorCell<Note>> {
        let cell = hub.register(address, Some(FULL), true).unwrap();
        hub.try_send(&Target::Actor(&cell), Note).unwrap();
        cell
    }

    #[tokio::test]
    async fn who_is_asked_back_before_it_waits_for_room_is_refused_there_and_goes_to_another_member() {
        let hub = Hub::<Note>::new(Settings::default());
        let pool = ActorAddress::pool("desks").unwrap();
        let asker = hub.register(&ActorAddress::named("asker").unwrap(), None, true).unwrap();
        let cells = [full(&hub, &pool), full(&hub, &pool)];
        let (target, mut asks, mut asks_back) = (Target::Address(&pool), ask(&hub), ask(&hub));
        let Offered::Wait(at, question) = hub.offer(&target, from_handler_of(&asker), &mut asks) else {
            panic!("there is no room");
        };
        assert_eq!(asks_back.admit(&asker, &mut from_handler_of(&at)), Ok(()));
        let other = cells.iter().find(|cell| cell.epoch != at.epoch).unwrap();
        other.queue.drain_unfetched();
        let delivered = hub.deliver_on(&target, Offered::Wait(Arc::clone(&at), question), &mut asks).await;
        assert!(delivered.is_ok());
        assert_eq!((at.queue.depth(), other.queue.depth()), (1, 1));
    }

    #[test]
    fn of_actors_that_ask_each_other_at_the_same_moment_at_least_one_is_refused() {
        let hub = Hub::<Note>::new(Settings::default());
        let cells = ["a", "b"].map(|name| hub.register(&ActorAddress::named(name).unwrap(), None, true).unwrap());
        let (arrived, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
        // By spinning, so that they go on in the same moment.
        let meet = |meeting: usize| {
            arrived.fetch_add(1, Ordering::SeqCst);
            let mut spins = 0_u32;
            while arrived.load(Ordering::SeqCst) < 2 * meeting {
                spins += 1;
                if spins.is_multiple_of(1_000) { thread::yield_now() } else { std::hint::spin_loop() }
            }
        };
        let ask_each_round = |asker: &ActorCell<Note>, asked: &Arc<ActorCell<Note>>| {
            for round in 1..=ROUNDS {
                let (mut asks, mut question) = (ask(&hub), from_handler_of(asker));
                meet(2 * round - 1);
                let admitted = asks.admit(asked, &mut question);
                refused.fetch_max(if admitted.is_err() { round } else { 0 }, Ordering::SeqCst);
                meet(2 * round);
                if refused.load(Ordering::SeqCst) < round {
                    return;
                }
            }
        };
        let [a, b] = &cells;
        thread::scope(|scope| {
            scope.spawn(|| ask_each_round(a, b));
            ask_each_round(b, a);
        });
        assert_eq!(refused.into_inner(), ROUNDS, "then nobody was refused");
    }

    #[test]
    fn what_no_handler_sends_is_waited_for_by_none() {
        let hub = Hub::<Note>::new(Settings::default());
        let cell = hub.register(&ActorAddress::named("desk").unwrap(), None, true).unwrap();
        let mut asks = ask(&hub);
        // Anybody may put a sender's name on an envelope.
        let mut envelope = MessageEnvelope::new(Note).with_sender(cell.id);
        assert_eq!(asks.admit(&cell, &mut envelope), Ok(()));
        let key = asks.pending.as_ref().unwrap().key();
        assert!(asks.waiting.is_none() && hub.requests.waited_for(key).is_none());
    }
}
