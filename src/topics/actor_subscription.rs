use std::fmt;

use tokio::sync::mpsc::UnboundedSender;

use super::seat::Seat;
use super::{Interest, SubjectPattern};
use crate::address::ActorAddress;
use crate::message::Message;

/// What was published on the subjects of a pattern goes to an address for as long as this lives.
#[must_use = "the subscription ends when this is dropped"]
pub struct ActorSubscription<M: Message> {
    seat: Seat<M>,
    address: ActorAddress,
}

impl<M: Message> ActorSubscription<M> {
    pub(crate) fn new(seat: Seat<M>, address: ActorAddress) -> Self {
        Self { seat, address }
    }

    /// Where the messages go.
    pub fn address(&self) -> &ActorAddress {
        &self.address
    }

    /// Has `told` get the interest once when this subscription has ended: for a broker that is built on another and
    /// subscribes elsewhere too.
    pub fn telling_end(mut self, told: UnboundedSender<Interest>) -> Self {
        self.seat.tell_end(told);
        self
    }

    /// How many messages nobody there has taken, because the mailbox was full or nobody was there.
    ///
    /// What the actor's mailbox takes and evicts later is in the actor's account, not here.
    pub fn lost(&self) -> u64 {
        self.seat.lost()
    }

    /// Which subjects are subscribed to.
    pub fn pattern(&self) -> &SubjectPattern {
        self.seat.interest().pattern()
    }

    /// Which subjects are subscribed to, and in which group.
    pub fn interest(&self) -> &Interest {
        self.seat.interest()
    }
}

impl<M: Message> fmt::Debug for ActorSubscription<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorSubscription")
            .field("interest", self.interest())
            .field("address", &self.address)
            .field("lost", &self.lost())
            .finish()
    }
}
