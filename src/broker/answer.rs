use std::sync::Arc;

use super::caller::Way;
use super::offer::{Admission, Refusal, Target, Weight};
use super::{Caller, Declined, ForwardError, Hub, ReplyError, SendError, SendErrorKind};
use crate::actor::{ActorCell, Waiting};
use crate::address::ActorAddress;
use crate::message::{Message, MessageEnvelope, RequestKey};
use crate::requests::{Edge, Ended};
use crate::retry::Failure;

/// A request that has its entry and is passed on to another actor.
struct HandOver<'a, M> {
    hub: &'a Hub<M>,
    key: RequestKey,
    /// Who waits for whom as long as it is not passed on, if a handler waits.
    before: Option<Edge>,
    /// Which of its waits for room is the latest.
    wait: u32,
}

/// Why it was not.
enum Refused {
    NotSent(SendErrorKind),
    /// These would wait each for the next, from the one that asked on.
    WouldDeadlock(Vec<ActorAddress>),
}

impl<M: Message> Admission<M> for HandOver<'_, M> {
    type Refusal = Refused;

    fn admit(&mut self, to: &Arc<ActorCell<M>>, envelope: &mut MessageEnvelope<M>) -> Result<(), Refused> {
        envelope.set_request(Some(self.key));
        // If the caller has gone, the message is sent all the same, and discarded like any other whose caller has.
        let moved = self.hub.requests.hand_over(self.key, to.key());
        self.before = self.before.or(moved);
        self.may_be_waited_for(to, moved)
    }

    fn may_wait(&self, at: &ActorCell<M>, envelope: &MessageEnvelope<M>) -> bool {
        self.hub.may_wait_for_room(at, envelope)
    }

    fn waits(&mut self, at: &ActorCell<M>, envelope: &MessageEnvelope<M>) -> Result<Option<Waiting<M>>, Refused> {
        let (moved, wait) = self.hub.requests.waits_for_room(self.key, at.key());
        self.wait = wait;
        self.may_be_waited_for(at, moved)?;
        Ok(self.hub.wait_for_room(at, envelope)?)
    }

    fn pauses(&mut self) {
        self.hub.requests.pauses(self.key);
    }

    fn got_in(&self, actor: &ActorCell<M>) {
        self.hub.requests.got_in(self.key, self.wait, || actor.is_stopping());
    }
}

impl<M: Message> HandOver<'_, M> {
    /// Refuses `target` if a handler waits that would wait for itself, now that its edge has been moved there.
    fn may_be_waited_for(&self, target: &ActorCell<M>, moved: Option<Edge>) -> Result<(), Refused> {
        let cycle = moved.and_then(|edge| self.hub.cycle(edge.asker, target));
        cycle.map_or(Ok(()), |cycle| Err(Refused::WouldDeadlock(cycle)))
    }

    /// It is back with the one who tried to pass it on, where it has begun.
    fn give_back(&self) {
        let Some(before) = self.before else {
            self.hub.requests.begin(self.key);
            return;
        };
        self.hub.requests.give_back(self.key, before.target);
        let forwarder = self.hub.registry.actor(before.target.id).filter(|cell| cell.key() == before.target);
        if let Some(cycle) = forwarder.and_then(|cell| self.hub.cycle(before.asker, &cell)) {
            self.hub.requests.end(self.key, Ended::WouldDeadlock(cycle));
        }
    }
}

impl From<SendErrorKind> for Refused {
    fn from(kind: SendErrorKind) -> Self {
        Self::NotSent(kind)
    }
}

impl Refusal for Refused {
    fn weight(&self) -> Weight {
        match self {
            Self::NotSent(kind) => kind.weight(),
            Self::WouldDeadlock(_) => Weight::WouldDeadlock,
        }
    }

    fn failure(&self) -> Option<Failure> {
        match self {
            Self::NotSent(kind) => kind.failure(),
            Self::WouldDeadlock(_) => None,
        }
    }
}

/// A caller on its way to another actor. Dropped on the way, it learns that there will be no reply.
struct Passing<'a, M: Message> {
    hub: &'a Hub<M>,
    caller: Option<Caller>,
}

impl<M: Message> Passing<'_, M> {
    fn arrive(mut self) -> Option<Caller> {
        self.caller.take()
    }
}

impl<M: Message> Drop for Passing<'_, M> {
    fn drop(&mut self) {
        if let Some(caller) = self.caller.take() {
            self.hub.decline(&caller, Declined::NoReply);
        }
    }
}

impl<M: Message> Hub<M> {
    pub(super) async fn reply(&self, caller: Caller, message: M) -> Result<(), ReplyError<M>> {
        match caller.way {
            Way::Request(key) => {
                self.requests.reply(key, message);
                Ok(())
            }
            Way::Address(address) => {
                let envelope = MessageEnvelope::new(message).with_correlation(caller.asked);
                // Boxed, since it is rare and would make every handler that answers larger.
                Box::pin(self.send(Target::Address(&address), envelope)).await.map_err(ReplyError::not_sent)
            }
        }
    }

    pub(super) fn decline(&self, caller: &Caller, why: Declined) {
        let Way::Request(key) = caller.way else {
            return;
        };
        let ended = match why {
            Declined::NoReply => Ended::NoReply,
            Declined::Failed(text) => Ended::Failed(text),
            Declined::Panicked(cause) => Ended::Panicked(cause),
            Declined::ActorStopped => Ended::Stopped { begun: true },
        };
        self.requests.end(key, ended);
    }

    pub(super) async fn forward(
        &self,
        caller: Caller,
        to: &ActorAddress,
        mut envelope: MessageEnvelope<M>,
    ) -> Result<(), ForwardError<M>> {
        envelope.stand_in_for(caller.asked);
        let way = caller.way.clone();
        let passing = Passing { hub: self, caller: Some(caller) };
        let sent = match way {
            Way::Request(key) => self.hand_over(key, to, envelope).await,
            Way::Address(address) => Box::pin(self.send(Target::Address(to), envelope.with_reply_to(address))).await,
        };
        let caller = passing.arrive();
        sent.map_err(|error| ForwardError::not_sent(error, caller))
    }

    async fn hand_over(
        &self,
        key: RequestKey,
        to: &ActorAddress,
        mut envelope: MessageEnvelope<M>,
    ) -> Result<(), SendError<M>> {
        let mut admission = HandOver { hub: self, key, before: None, wait: 0 };
        let target = Target::Address(to);
        if envelope.is_at_least_once() {
            envelope.note_sending(to);
        }
        loop {
            let offered = self.offer(&target, envelope, &mut admission);
            let (refused, back) = match self.deliver(&target, offered, &mut admission).await {
                Ok(()) => return Ok(()),
                Err(undelivered) => undelivered,
            };
            match refused {
                Refused::NotSent(kind) => {
                    admission.give_back();
                    return Err(SendError::new(kind, to.clone(), back));
                }
                // Its caller is the one that can do something about it. The message goes on its way without: as
                // nobody waits for it any more, it is refused for this reason no second time.
                Refused::WouldDeadlock(cycle) => self.requests.end(key, Ended::WouldDeadlock(cycle)),
            }
            envelope = back;
        }
    }
}
