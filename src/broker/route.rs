use std::fmt;
use std::sync::Arc;

use super::ask::typed;
use super::offer::Target;
use super::{AskError, Hub, RequestError, SendError, SendErrorKind};
use crate::actor::ActorCell;
use crate::address::ActorAddress;
use crate::message::{Message, MessageEnvelope, Request};

/// An address that has been resolved: see [`InMemoryMessageBroker::route`](super::InMemoryMessageBroker::route).
///
/// ```
/// # use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
/// # use switchboard::message::{Message, MessageEnvelope};
/// # #[derive(Debug)]
/// # struct Note;
/// # impl Message for Note {
/// #     const MESSAGE_TYPE: &'static str = "note";
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let broker = InMemoryMessageBroker::<Note>::new();
/// # let desk = "named:desk".parse()?;
/// # let actor = broker.spawn(&desk, |_: MessageEnvelope<Note>| async { Ok::<_, String>(()) }).await?;
/// let route = broker.route(&desk)?;
/// for _ in 0..1_000 {
///     route.send(Note).await?;
/// }
/// # actor.drain().await;
/// # Ok(())
/// # }
/// ```
pub struct Route<M: Message> {
    hub: Arc<Hub<M>>,
    to: To<M>,
}

enum To<M> {
    Actor(Arc<ActorCell<M>>),
    Group(ActorAddress),
}

impl<M: Message> Route<M> {
    pub(super) fn resolve(hub: Arc<Hub<M>>, address: &ActorAddress) -> Result<Self, SendErrorKind> {
        let actor = hub.registry.find(address, |cell| Some(Arc::clone(cell)));
        let to = match actor {
            None => return Err(hub.nobody(&Target::Address(address))),
            Some(_) if address.is_group() => To::Group(address.clone()),
            Some(actor) => To::Actor(actor),
        };
        Ok(Self { hub, to })
    }

    /// The address.
    pub fn address(&self) -> &ActorAddress {
        match &self.to {
            To::Actor(cell) => &cell.address,
            To::Group(address) => address,
        }
    }

    /// Sends a message, as [`MessageBroker::send`](super::MessageBroker::send).
    ///
    /// # Errors, cancel safety
    ///
    /// As there.
    #[inline]
    pub fn send(
        &self,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> impl Future<Output = Result<(), SendError<M>>> + Send {
        // Not an `async fn`, which would be one more future to move the message through.
        self.hub.send(self.target(), message)
    }

    /// Sends a message without waiting, as [`MessageBroker::try_send`](super::MessageBroker::try_send).
    ///
    /// # Errors
    ///
    /// As there.
    #[inline]
    pub fn try_send(&self, message: impl Into<MessageEnvelope<M>>) -> Result<(), SendError<M>> {
        self.hub.try_send(&self.target(), message)
    }

    /// Sends a message and waits for the reply, as [`MessageBroker::request`](super::MessageBroker::request).
    ///
    /// # Errors, cancel safety
    ///
    /// As there.
    pub fn request(
        &self,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> impl Future<Output = Result<M, RequestError<M>>> + Send {
        self.hub.request(self.target(), message)
    }

    /// Sends a typed request and waits for its typed reply, as [`MessageBroker::ask`](super::MessageBroker::ask).
    ///
    /// # Errors, cancel safety
    ///
    /// As there.
    pub async fn ask<R: Request<M>>(&self, request: R) -> Result<R::Reply, AskError<M>> {
        typed(self.request(request.into()).await.map_err(AskError::Request)?)
    }

    fn target(&self) -> Target<'_, M> {
        match &self.to {
            To::Actor(cell) => Target::Actor(cell),
            To::Group(address) => Target::Address(address),
        }
    }
}

impl<M: Message> Clone for Route<M> {
    fn clone(&self) -> Self {
        let to = match &self.to {
            To::Actor(cell) => To::Actor(Arc::clone(cell)),
            To::Group(address) => To::Group(address.clone()),
        };
        Self { hub: Arc::clone(&self.hub), to }
    }
}

impl<M: Message> fmt::Debug for Route<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("to", self.address()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balancing::Strategy;
    use crate::broker::{InMemoryMessageBroker, MessageBroker};
    use crate::mailbox::MailboxOptions;

    #[derive(Debug, PartialEq)]
    struct Note(u32);

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    #[tokio::test]
    async fn a_route_to_a_name_ends_with_its_actor_and_gives_the_message_back() {
        let (broker, desk) = (InMemoryMessageBroker::new(), crate::address!("named:desk"));
        assert_eq!(broker.route(&desk).unwrap_err(), SendErrorKind::NoSuchActor);
        let mut first = broker.register(&desk, MailboxOptions::bounded(1)).await.unwrap();
        let route = broker.route(&desk).unwrap();
        route.clone().send(Note(1)).await.unwrap();
        assert!(route.try_send(Note(2)).unwrap_err().is_full());
        assert_eq!(first.recv().await.map(crate::actor::Delivery::into_message), Some(Note(1)));
        drop(first);

        let _second = broker.register(&desk, MailboxOptions::bounded(1)).await.unwrap();
        let error = route.send(Note(3)).await.unwrap_err();
        assert_eq!(error.kind(), SendErrorKind::ActorStopped);
        assert_eq!(error.address(), &desk);
        assert_eq!(error.into_inner(), Note(3));
    }

    #[tokio::test]
    async fn a_route_to_a_pool_picks_a_member_for_each_message() {
        let in_turns = InMemoryMessageBroker::builder().default_strategy(Strategy::RoundRobin);
        let (broker, pool) = (in_turns.build().unwrap(), crate::address!("pool:desks"));
        let first = broker.register(&pool, MailboxOptions::bounded(8)).await.unwrap();
        let route = broker.route(&pool).unwrap();
        let second = broker.register(&pool, MailboxOptions::bounded(8)).await.unwrap();
        for number in 0..6 {
            route.try_send(Note(number)).unwrap();
        }
        assert_eq!((first.depth(), second.depth()), (3, 3));
        assert_eq!(format!("{route:?}"), format!("Route {{ to: {pool:?} }}"));
        drop((first, second));
        assert_eq!(route.send(Note(6)).await.unwrap_err().kind(), SendErrorKind::NoMembers);
    }
}
