use std::sync::Arc;

use super::caller::Way;
use super::offer::{Admission, Target};
use super::{Caller, Declined, ForwardError, Hub, ReplyError, SendError, SendErrorKind};
use crate::actor::ActorCell;
use crate::address::ActorAddress;
use crate::message::{Message, MessageEnvelope, RequestKey};
use crate::requests::{Ended, RequestTable};

/// A request that has its entry and is passed on to another actor.
struct HandOver<'a, M> {
    table: &'a RequestTable<M>,
    key: RequestKey,
}

impl<M: Send> Admission<M> for HandOver<'_, M> {
    type Refusal = SendErrorKind;

    fn admit(&mut self, to: &Arc<ActorCell<M>>, envelope: &mut MessageEnvelope<M>) -> Result<(), SendErrorKind> {
        envelope.set_request(Some(self.key));
        // If the caller has gone, the message is sent all the same, and discarded like any other whose caller has.
        self.table.hand_over(self.key, to.epoch);
        Ok(())
    }

    fn waits(&self) {
        self.table.waits_for_room(self.key);
    }

    fn got_in(&self, actor: &ActorCell<M>) {
        self.table.got_in(self.key, actor.epoch, || actor.is_stopping());
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
                self.send(Target::Address(&address), envelope).await.map_err(ReplyError::not_sent)
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
            Way::Address(address) => self.send(Target::Address(to), envelope.with_reply_to(address)).await,
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
        let mut admission = HandOver { table: &self.requests, key };
        let target = Target::Address(to);
        if envelope.is_at_least_once() {
            envelope.note_sending(to);
        }
        let offered = self.offer(&target, envelope, &mut admission);
        let delivered = self.deliver(&target, offered, &mut admission).await;
        delivered.map_err(|(kind, envelope)| {
            // It is back with the one who tried to pass it on, where it has begun.
            self.requests.begin(key);
            SendError::new(kind, to.clone(), envelope)
        })
    }
}
