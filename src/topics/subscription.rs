use std::fmt;

use tokio::sync::mpsc::UnboundedSender;

use super::seat::Seat;
use super::{Interest, SubjectPattern};
use crate::actor::{Delivery, Inbox};
use crate::address::ActorId;
use crate::broker::MessageBroker;
use crate::message::Message;
use crate::watching::Watch;

/// What was published on the subjects of a pattern, in a mailbox of its own, received by hand.
///
/// It is an actor like an [`Inbox`], and ends when it is dropped: from then on nothing is delivered to it, and what
/// waits becomes dead letters.
pub struct Subscription<M: Message, B: MessageBroker<M>> {
    /// Dropped first, so that nothing more comes.
    seat: Seat<M>,
    inbox: Inbox<M, B>,
}

impl<M: Message, B: MessageBroker<M>> Subscription<M, B> {
    pub(crate) fn new(seat: Seat<M>, inbox: Inbox<M, B>) -> Self {
        Self { seat, inbox }
    }

    /// The same subscription, whose answers go through `wrapper`, as [`Inbox::through`].
    pub fn through<W: MessageBroker<M>>(self, wrapper: W) -> Subscription<M, W> {
        Subscription { seat: self.seat, inbox: self.inbox.through(wrapper) }
    }

    /// Has `told` get the interest once when this subscription has ended: for a broker that is built on another and
    /// subscribes elsewhere too.
    #[must_use]
    pub fn telling_end(mut self, told: UnboundedSender<Interest>) -> Self {
        self.seat.tell_end(told);
        self
    }

    /// The next message, as [`Inbox::recv`]; `None` when it is closed and empty, or the broker was shut down and its time
    /// was up.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, no message is lost.
    pub async fn recv(&mut self) -> Option<Delivery<M, B>> {
        self.inbox.recv().await
    }

    /// As [`recv`](Self::recv), if there is a message now.
    pub fn try_recv(&mut self) -> Option<Delivery<M, B>> {
        self.inbox.try_recv()
    }

    /// Takes nothing more from now on. What was delivered can still be received.
    pub fn close(&mut self) {
        self.seat.leave();
        self.inbox.close();
    }

    /// How many messages wait, exactly.
    pub fn depth(&self) -> usize {
        self.inbox.depth()
    }

    /// How many messages it should have got and has lost, because its mailbox was full: those that were refused, and those
    /// that were evicted.
    ///
    /// What a group could not take counts with the first member that was asked.
    pub fn lost(&self) -> u64 {
        self.seat.lost()
    }

    /// Which subjects it has subscribed to.
    pub fn pattern(&self) -> &SubjectPattern {
        self.seat.interest().pattern()
    }

    /// Which subjects it has subscribed to, and in which group.
    pub fn interest(&self) -> &Interest {
        self.seat.interest()
    }

    /// The id of the actor that it is.
    pub fn id(&self) -> ActorId {
        self.inbox.id()
    }

    /// A future of its end, which comes when it is dropped.
    pub fn watch(&self) -> Watch {
        self.inbox.watch()
    }
}

impl<M: Message, B: MessageBroker<M>> fmt::Debug for Subscription<M, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("interest", self.interest())
            .field("depth", &self.depth())
            .field("lost", &self.lost())
            .finish()
    }
}
