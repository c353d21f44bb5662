use std::time::Duration;

use switchboard::actor::{ActorHandle, HandlerFactory, Inbox, Registration, SpawnOptions};
use switchboard::address::{ActorAddress, ActorId, Name};
use switchboard::broker::{
    Broadcasted, Caller, Declined, ForwardError, JoinError, MessageBroker, Ran, RegisterError, ReplyError,
    RequestError, RequestErrorKind, SendError, WatchError,
};
use switchboard::mailbox::MailboxOptions;
use switchboard::message::{Message, MessageEnvelope};
use switchboard::schedule::{Recurring, Scheduled};
use switchboard::services::{MemberOptions, Membership, Provider, ServiceChanges};
use switchboard::topics::{ActorSubscription, Interest, Published, Subject, Subscription};
use switchboard::watching::{Ends, Watch};
use tokio::time::Instant;

use super::handler::FaultyFactory;
use super::log::Place;
use super::way::{Way, unreachable};
use super::{Fault, FaultyBroker};

impl<M: Message + Clone, B: MessageBroker<M>> MessageBroker<M> for FaultyBroker<B> {
    async fn register(&self, address: &ActorAddress, mailbox: MailboxOptions) -> Result<Inbox<M, Self>, RegisterError> {
        let claimed = self.claim(address).await;
        let inbox = self.inner().register(&claimed, self.overfill(address, mailbox)).await?;
        self.shared().settle(inbox.registration());
        Ok(inbox.through(self.clone()))
    }

    async fn spawn_with<F: HandlerFactory<M>>(
        &self,
        address: &ActorAddress,
        options: SpawnOptions,
        factory: F,
    ) -> Result<ActorHandle<M>, RegisterError> {
        let claimed = self.claim(address).await;
        let factory = FaultyFactory::new(factory, self.clone());
        let actor = self.inner().spawn_with(&claimed, self.spoil(address, options), factory).await?;
        self.shared().settle(actor.registration());
        Ok(actor)
    }

    async fn unregister(&self, registration: &Registration) -> bool {
        if self.inner().unregister(registration).await {
            return true;
        }
        let address = &registration.address;
        match self.shared().owner(address).filter(|newer| newer != registration) {
            Some(newer) if self.shared().strike(Fault::EndNewerOwner, "unregister", Place::Address(address)) => {
                self.inner().unregister(&newer).await
            }
            _ => false,
        }
    }

    async fn watch(&self, address: &ActorAddress) -> Result<Watch, WatchError> {
        self.inner().watch(address).await
    }

    fn ends(&self, capacity: usize) -> Ends {
        self.inner().ends(capacity)
    }

    async fn join(
        &self,
        group: &ActorAddress,
        actor: &Registration,
        options: MemberOptions,
    ) -> Result<Membership<M>, JoinError> {
        self.inner().join(group, actor, options).await
    }

    async fn providers(&self, group: &ActorAddress) -> Vec<Provider> {
        self.inner().providers(group).await
    }

    fn follow_service(&self, group: &ActorAddress, capacity: usize) -> ServiceChanges {
        self.inner().follow_service(group, capacity)
    }

    async fn services(&self) -> Vec<Name> {
        self.inner().services().await
    }

    async fn subscribe(
        &self,
        interest: impl Into<Interest> + Send,
        mailbox: MailboxOptions,
    ) -> Result<Subscription<M, Self>, RegisterError> {
        Ok(self.inner().subscribe(interest, mailbox).await?.through(self.clone()))
    }

    async fn subscribe_actor(
        &self,
        interest: impl Into<Interest> + Send,
        to: &ActorAddress,
    ) -> Result<ActorSubscription<M>, RegisterError> {
        self.inner().subscribe_actor(interest, to).await
    }

    async fn publish(&self, subject: &Subject, message: impl Into<MessageEnvelope<M>> + Send) -> Published<M> {
        let envelope = message.into();
        let place = Place::Subject(subject);
        self.delay("publish", place).await;
        if self.shared().strike(Fault::Duplicate, "publish", place) {
            drop(self.inner().publish(subject, envelope.clone()).await);
        }
        self.inner().publish(subject, envelope).await
    }

    async fn broadcast(&self, to: &ActorAddress, message: impl Into<MessageEnvelope<M>> + Send) -> Broadcasted<M> {
        let envelope = message.into();
        let place = Place::Address(to);
        self.delay("broadcast", place).await;
        if self.shared().strike(Fault::Duplicate, "broadcast", place) {
            drop(self.inner().broadcast(to, envelope.clone()).await);
        }
        self.inner().broadcast(to, envelope).await
    }

    async fn members(&self, to: &ActorAddress) -> Vec<ActorId> {
        let members = self.inner().members(to).await;
        if to.is_group() && self.shared().strike(Fault::RememberMembers, "members", Place::Address(to)) {
            return self.shared().remember(to, &members);
        }
        members
    }

    fn pick(
        &self,
        to: &ActorAddress,
        envelope: &MessageEnvelope<M>,
        most: usize,
    ) -> impl Future<Output = Vec<ActorId>> + Send {
        self.inner().pick(to, envelope, most)
    }

    async fn send(&self, to: &ActorAddress, message: impl Into<MessageEnvelope<M>> + Send) -> Result<(), SendError<M>> {
        let envelope = self.alter("send", to, message.into());
        self.delay("send", Place::Address(to)).await;
        let to = &self.lead("send", to).await;
        match self.way("send", to, &envelope) {
            Way::Lost => return Ok(()),
            Way::CutOff => return Err(SendError::new(unreachable(to), to.clone(), envelope)),
            Way::Held => {
                self.hold_back(to, envelope);
                return Ok(());
            }
            Way::Twice => self.send_copy(to, &envelope),
            Way::Straight => {}
        }
        let sent = self.inner().send(to, envelope).await;
        self.shared().let_go(to);
        sent
    }

    fn try_send(&self, to: &ActorAddress, message: impl Into<MessageEnvelope<M>>) -> Result<(), SendError<M>> {
        let envelope = self.alter("try_send", to, message.into());
        match self.way("try_send", to, &envelope) {
            Way::Lost => return Ok(()),
            Way::CutOff => return Err(SendError::new(unreachable(to), to.clone(), envelope)),
            Way::Held => {
                self.hold_back(to, envelope);
                return Ok(());
            }
            Way::Twice => self.send_copy(to, &envelope),
            Way::Straight => {}
        }
        let sent = self.inner().try_send(to, envelope);
        self.shared().let_go(to);
        sent
    }

    async fn send_at(
        &self,
        at: Instant,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> Result<Scheduled<M>, SendError<M>> {
        let scheduled = self.inner().send_at(at, to, message).await?;
        if self.shared().strike(Fault::Drop, "send_at", Place::Address(to)) {
            drop(scheduled.cancel());
        }
        Ok(scheduled)
    }

    async fn send_every(
        &self,
        period: Duration,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> Result<Recurring<M>, SendError<M>> {
        self.inner().send_every(period, to, message).await
    }

    async fn request(
        &self,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> Result<M, RequestError<M>> {
        let envelope = self.alter("request", to, message.into());
        self.delay("request", Place::Address(to)).await;
        let to = &self.lead("request", to).await;
        match self.way("request", to, &envelope) {
            Way::Lost => return Err(self.lose_request(to, envelope).await),
            Way::CutOff => {
                let kind = RequestErrorKind::NotSent(unreachable(to));
                return Err(RequestError::refused(kind, to.clone(), envelope));
            }
            Way::Held => self.turn(to).await,
            Way::Twice => self.send_copy(to, &envelope),
            Way::Straight => {}
        }
        self.shared().let_go(to);
        self.ask(to, envelope).await
    }

    fn request_timeout(&self) -> Option<Duration> {
        self.inner().request_timeout()
    }

    async fn reply(&self, caller: Caller, message: M) -> Result<(), ReplyError<M>> {
        self.delay("reply", Place::Caller).await;
        if self.shared().strike(Fault::LoseReply, "reply", Place::Caller) {
            return Ok(());
        }
        self.inner().reply(caller, message).await
    }

    fn decline(&self, caller: Caller, why: Declined) {
        if !self.shared().strike(Fault::LoseReply, "decline", Place::Caller) {
            self.inner().decline(caller, why);
        }
    }

    async fn forward(
        &self,
        caller: Caller,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> Result<(), ForwardError<M>> {
        let envelope = self.alter("forward", to, message.into());
        self.delay("forward", Place::Address(to)).await;
        match self.way("forward", to, &envelope) {
            Way::Lost => return Ok(()),
            Way::CutOff => {
                let refused = SendError::new(unreachable(to), to.clone(), envelope);
                return Err(ForwardError::not_sent(refused, Some(caller)));
            }
            Way::Held => self.turn(to).await,
            Way::Twice => self.send_copy(to, &envelope),
            Way::Straight => {}
        }
        self.inner().forward(caller, to, envelope).await
    }
}

impl<B> FaultyBroker<B> {
    /// Sends a copy before the message itself, if there is room for it.
    fn send_copy<M: Message + Clone>(&self, to: &ActorAddress, envelope: &MessageEnvelope<M>)
    where
        B: MessageBroker<M>,
    {
        drop(self.inner().try_send(to, envelope.clone()));
    }

    /// Makes a request, and does to its error what strikes.
    async fn ask<M: Message + Clone>(
        &self,
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
    ) -> Result<M, RequestError<M>>
    where
        B: MessageBroker<M>,
    {
        let lies = [Fault::RunTwice, Fault::DenyRun].iter().any(|lie| self.shared().plan().rate_of(*lie) > 0.0);
        let copy = lies.then(|| envelope.clone());
        let asked = self.inner().request(to, envelope).await;
        match (asked, copy) {
            (Err(error), Some(copy)) if error.ran() == Ran::Maybe => {
                if self.shared().strike(Fault::RunTwice, "request", Place::Address(to)) {
                    return self.inner().request(to, copy).await;
                }
                if self.shared().strike(Fault::DenyRun, "request", Place::Address(to)) {
                    return Err(RequestError::refused(error.kind().clone(), to.clone(), copy));
                }
                Err(error)
            }
            (asked, _) => asked,
        }
    }
}
