use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::actor::{ActorHandle, HandlerFactory, Inbox, Registration, SpawnOptions};
use switchboard::address::{ActorAddress, ActorId, Name};
use switchboard::broker::{
    Broadcasted, Caller, Declined, ForwardError, JoinError, MessageBroker, Ran, RegisterError, ReplyError,
    RequestError, RequestErrorKind, SendError, SendErrorKind, WatchError,
};
use switchboard::mailbox::MailboxOptions;
use switchboard::message::{Message, MessageEnvelope};
use switchboard::schedule::{Recurring, Scheduled};
use switchboard::services::{MemberOptions, Membership, Provider, ServiceChanges};
use switchboard::topics::{ActorSubscription, Interest, Published, Subject, Subscription};
use switchboard::watching::{Ends, Watch};
use tokio::time::Instant;

use crate::NatsMessageBroker;
use crate::handler::NodeFactory;
use crate::node::Node;
use crate::sending::Way;

impl<M: Message + Serialize + DeserializeOwned> MessageBroker<M> for NatsMessageBroker<M> {
    async fn register(&self, address: &ActorAddress, mailbox: MailboxOptions) -> Result<Inbox<M, Self>, RegisterError> {
        let make = self.node.local.register(address, mailbox);
        let inbox = self.claimed(address, make, |inbox| (inbox.registration(), inbox.watch())).await?;
        self.announced(address).await;
        Ok(inbox.through(self.clone()))
    }

    async fn spawn_with<F: HandlerFactory<M>>(
        &self,
        address: &ActorAddress,
        options: SpawnOptions,
        factory: F,
    ) -> Result<ActorHandle<M>, RegisterError> {
        let factory = NodeFactory::new(factory, self.clone());
        let make = self.node.local.spawn_with(address, options, factory);
        let actor = self.claimed(address, make, |actor| (actor.registration(), actor.watch())).await?;
        self.announced(address).await;
        Ok(actor)
    }

    async fn unregister(&self, registration: &Registration) -> bool {
        let first = self.node.local.unregister(registration).await;
        if let ActorAddress::Named(name) = &registration.address
            && let Some(epoch) = self.node.names.epoch_of(name, registration)
        {
            self.node.names.release(name, epoch).await;
        }
        first
    }

    async fn watch(&self, address: &ActorAddress) -> Result<Watch, WatchError> {
        self.node.local.watch(address).await
    }

    fn ends(&self, capacity: usize) -> Ends {
        self.node.local.ends(capacity)
    }

    async fn join(
        &self,
        group: &ActorAddress,
        actor: &Registration,
        options: MemberOptions,
    ) -> Result<Membership<M>, JoinError> {
        let membership = self.node.local.join(group, actor, options).await?;
        self.announced(group).await;
        Ok(membership)
    }

    async fn providers(&self, group: &ActorAddress) -> Vec<Provider> {
        self.node.local.providers(group).await
    }

    fn follow_service(&self, group: &ActorAddress, capacity: usize) -> ServiceChanges {
        self.node.local.follow_service(group, capacity)
    }

    async fn services(&self) -> Vec<Name> {
        self.node.local.services().await
    }

    async fn subscribe(
        &self,
        interest: impl Into<Interest> + Send,
        mailbox: MailboxOptions,
    ) -> Result<Subscription<M, Self>, RegisterError> {
        let interest = interest.into();
        let make = self.node.local.subscribe(interest.clone(), mailbox);
        let subscription = self.node.subscribe(interest, make).await?;
        Ok(subscription.telling_end(self.node.topics.ended.clone()).through(self.clone()))
    }

    async fn subscribe_actor(
        &self,
        interest: impl Into<Interest> + Send,
        to: &ActorAddress,
    ) -> Result<ActorSubscription<M>, RegisterError> {
        let interest = interest.into();
        let make = self.node.local.subscribe_actor(interest.clone(), to);
        let subscription = self.node.subscribe(interest, make).await?;
        Ok(subscription.telling_end(self.node.topics.ended.clone()))
    }

    async fn publish(&self, subject: &Subject, message: impl Into<MessageEnvelope<M>> + Send) -> Published<M>
    where
        M: Clone,
    {
        self.node.publish(subject, message.into()).await
    }

    async fn broadcast(&self, to: &ActorAddress, message: impl Into<MessageEnvelope<M>> + Send) -> Broadcasted<M>
    where
        M: Clone,
    {
        self.node.broadcast(to, message.into()).await
    }

    async fn members(&self, to: &ActorAddress) -> Vec<ActorId> {
        self.node.all_among(to).await
    }

    fn pick(
        &self,
        to: &ActorAddress,
        envelope: &MessageEnvelope<M>,
        most: usize,
    ) -> impl Future<Output = Vec<ActorId>> + Send {
        // Now, so that the envelope need not be shared with the future.
        let (among, here) = (self.node.first_among(to, envelope, most), self.node.local.pick(to, envelope, most));
        async move {
            match among {
                Some(members) => members,
                None => here.await,
            }
        }
    }

    async fn send(&self, to: &ActorAddress, message: impl Into<MessageEnvelope<M>> + Send) -> Result<(), SendError<M>> {
        let mut envelope = message.into();
        let (began, mut attempts) = (Instant::now(), 0);
        loop {
            let refused = if self.node.is_stored(to, &envelope) {
                Box::pin(self.node.store(to, envelope)).await
            } else {
                match self.node.way(to).await {
                    Ok(Way::Here) => match self.node.local.send(to, envelope).await {
                        Err(error) if error.kind().is_nobody() => {
                            return Box::pin(self.node.tell_outside(error)).await;
                        }
                        sent => return sent,
                    },
                    Ok(Way::There(node, epoch)) => Box::pin(self.node.tell((node, epoch), to, envelope)).await,
                    Ok(Way::Among) => Box::pin(self.node.tell_among(to, envelope)).await,
                    Ok(Way::Lapsed) => Err(SendError::new(SendErrorKind::Disconnected, to.clone(), envelope)),
                    Err(kind) => Err(SendError::new(kind, to.clone(), envelope)),
                }
            };
            let Err(error) = refused else { return Ok(()) };
            let kind = error.kind();
            envelope = error.into_envelope();
            attempts += 1;
            // What may have run is among those that are never tried again.
            match self.node.local.next_attempt(to, &envelope, attempts, began.elapsed(), kind) {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return Err(SendError::new(kind, to.clone(), envelope)),
            }
        }
    }

    fn try_send(&self, to: &ActorAddress, message: impl Into<MessageEnvelope<M>>) -> Result<(), SendError<M>> {
        let is_name = matches!(to, ActorAddress::Named(_));
        if is_name && self.node.local.registry().contains(to) && !self.node.lease.holds() {
            return Err(SendError::new(SendErrorKind::Disconnected, to.clone(), message.into()));
        }
        self.node.local.try_send(to, message)
    }

    async fn send_at(
        &self,
        at: Instant,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> Result<Scheduled<M>, SendError<M>> {
        self.node.local.send_at(at, to, message).await
    }

    async fn send_every(
        &self,
        period: Duration,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> Result<Recurring<M>, SendError<M>>
    where
        M: Clone,
    {
        self.node.local.send_every(period, to, message).await
    }

    async fn request(
        &self,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> Result<M, RequestError<M>> {
        let mut envelope = message.into();
        let (began, mut attempts) = (Instant::now(), 0);
        loop {
            let refused = match self.node.way(to).await {
                Ok(Way::Here) => return self.request_here(to, envelope).await,
                Ok(way @ (Way::There(..) | Way::Among)) => {
                    // One deadline for all attempts.
                    if let (None, Some(timeout)) = (envelope.deadline(), self.request_timeout()) {
                        envelope = envelope.within(timeout);
                    }
                    Box::pin(self.node.ask_on(way, to, envelope)).await
                }
                Ok(Way::Lapsed) => refused_by(SendErrorKind::Disconnected, to, envelope),
                Err(kind) => refused_by(kind, to, envelope),
            };
            let error = match refused {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let (kind, ran) = (error.kind().clone(), error.ran());
            let (RequestErrorKind::NotSent(why), Ran::Never) = (&kind, ran) else { return Err(error) };
            let Some(back) = error.into_envelope() else {
                return Err(RequestError::unanswered(kind, ran, to.clone()));
            };
            attempts += 1;
            match self.node.local.next_attempt(to, &back, attempts, began.elapsed(), *why) {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return Err(RequestError::refused(kind, to.clone(), back)),
            }
            envelope = back;
        }
    }

    fn request_timeout(&self) -> Option<Duration> {
        self.node.local.request_timeout()
    }

    async fn reply(&self, caller: Caller, message: M) -> Result<(), ReplyError<M>> {
        let Some(to) = caller.reply_address().cloned() else {
            return self.node.local.reply(caller, message).await;
        };
        let answer = MessageEnvelope::new(message).with_correlation(caller.asked());
        self.send(&to, answer).await.map_err(ReplyError::not_sent)
    }

    fn decline(&self, caller: Caller, why: Declined) {
        self.node.local.decline(caller, why);
    }

    async fn forward(
        &self,
        caller: Caller,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> Result<(), ForwardError<M>> {
        let envelope = message.into();
        let refused = |kind, envelope, caller| {
            Err(ForwardError::not_sent(SendError::new(kind, to.clone(), envelope), Some(caller)))
        };
        match self.node.way(to).await {
            Ok(Way::Here) => self.node.local.forward(caller, to, envelope).await,
            Ok(way @ (Way::There(..) | Way::Among)) => {
                let passing = pass_on(Arc::clone(&self.node), caller, way, to.clone(), envelope);
                tokio::spawn(passing);
                Ok(())
            }
            Ok(Way::Lapsed) => refused(SendErrorKind::Disconnected, envelope, caller),
            Err(kind) => refused(kind, envelope, caller),
        }
    }
}

impl<M: Message + Serialize + DeserializeOwned> NatsMessageBroker<M> {
    /// Has other nodes told of a new member, if that is what somebody here has become.
    async fn announced(&self, group: &ActorAddress) {
        if group.is_group() {
            Box::pin(self.node.announce()).await;
        }
    }

    /// Asks an actor here, or else another program.
    async fn request_here(&self, to: &ActorAddress, envelope: MessageEnvelope<M>) -> Result<M, RequestError<M>> {
        let error = match self.node.local.request(to, envelope).await {
            Err(error) => error,
            answered => return answered,
        };
        let &RequestErrorKind::NotSent(kind) = error.kind() else { return Err(error) };
        if !kind.is_nobody() {
            return Err(error);
        }
        match error.into_envelope() {
            Some(envelope) => Box::pin(self.node.ask_outside(to, kind, envelope, self.request_timeout())).await,
            // It has none only if it may have run.
            None => Err(RequestError::unanswered(kind.into(), Ran::Maybe, to.clone())),
        }
    }
}

fn refused_by<M: Message>(
    kind: SendErrorKind,
    to: &ActorAddress,
    envelope: MessageEnvelope<M>,
) -> Result<M, RequestError<M>> {
    Err(RequestError::refused(kind.into(), to.clone(), envelope))
}

/// Asks another node in place of a caller that waits here, and tells it what comes of that.
async fn pass_on<M: Message + Serialize + DeserializeOwned>(
    node: Arc<Node<M>>,
    caller: Caller,
    way: Way,
    to: ActorAddress,
    envelope: MessageEnvelope<M>,
) {
    match node.ask_on(way, &to, envelope).await {
        // A caller that has gone meanwhile counts as a late reply.
        Ok(answer) => drop(node.local.reply(caller, answer).await),
        Err(error) => {
            let why = match error.kind() {
                RequestErrorKind::NoReply => Declined::NoReply,
                RequestErrorKind::HandlerPanicked(cause) => Declined::Panicked(cause.clone()),
                RequestErrorKind::ActorStopped => Declined::ActorStopped,
                kind => Declined::Failed(kind.to_string()),
            };
            node.local.decline(caller, why);
        }
    }
}
