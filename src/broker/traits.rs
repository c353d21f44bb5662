use std::time::Duration;

use tokio::time::Instant;

use super::{
    AskError, Broadcasted, Caller, Declined, ForwardError, JoinError, MessageHandler, RegisterError, ReplyError,
    RequestError, SendError, WatchError, ask,
};
use crate::actor::{ActorHandle, HandlerFactory, Inbox, Registration, SpawnOptions, once};
use crate::address::{ActorAddress, ActorId, Name};
use crate::mailbox::MailboxOptions;
use crate::message::{Message, MessageEnvelope, Request};
use crate::schedule::{Recurring, Scheduled};
use crate::services::{MemberOptions, Membership, Provider, ServiceChanges, choose};
use crate::topics::{ActorSubscription, Interest, Published, Subject, Subscription};
use crate::watching::{Ends, Watch};

/// What gets messages of one type from senders to actors.
///
/// Write programs against `B: MessageBroker<M>`, and the line that makes the broker is the only one that says which
/// it is. A broker is a cheap handle: clone it wherever it is needed.
///
/// Registering and sending may wait, and may fail, because a broker may have a server behind it; how each call
/// ends is the same for every broker, and so are the errors.
///
/// ```
/// use switchboard::address::ActorAddress;
/// use switchboard::broker::{InMemoryMessageBroker, MessageBroker, SendError};
/// use switchboard::message::{Message, MessageEnvelope};
///
/// #[derive(Debug)]
/// struct Greeting(String);
///
/// impl Message for Greeting {
///     const MESSAGE_TYPE: &'static str = "greeting";
/// }
///
/// async fn greet<B: MessageBroker<Greeting>>(broker: &B, whom: &ActorAddress) -> Result<(), SendError<Greeting>> {
///     broker.send(whom, Greeting("hello".into())).await
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let broker = InMemoryMessageBroker::new();
/// let porter = ActorAddress::named("porter")?;
/// let printer = |envelope: MessageEnvelope<Greeting>| async move {
///     println!("{}", envelope.message().0);
///     Ok::<_, std::io::Error>(())
/// };
/// let actor = broker.spawn(&porter, printer).await?;
///
/// greet(&broker, &porter).await?;
/// actor.drain().await;
///
/// let error = greet(&broker, &porter).await.unwrap_err();
/// assert_eq!(error.into_inner().0, "hello");
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(message = "`{Self}` is not a broker of `{M}`")]
pub trait MessageBroker<M: Message>: Clone + Send + Sync + 'static {
    /// Registers an actor that receives by hand.
    ///
    /// At [`ActorAddress::Id`] it gets that id, at any other address a new one. A name has one owner; services and
    /// pools take any number.
    ///
    /// # Errors
    ///
    /// If the name or id is taken, the mailbox has a capacity of zero, there are as many actors, names, groups or members as
    /// there may be, or the broker is shut down.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, nothing stays registered.
    fn register(
        &self,
        address: &ActorAddress,
        mailbox: MailboxOptions,
    ) -> impl Future<Output = Result<Inbox<M, Self>, RegisterError>> + Send;

    /// Starts an actor in a task of its own, with `options`, and handlers from `factory`.
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register).
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, no actor is started.
    fn spawn_with<F: HandlerFactory<M>>(
        &self,
        address: &ActorAddress,
        options: SpawnOptions,
        factory: F,
    ) -> impl Future<Output = Result<ActorHandle<M>, RegisterError>> + Send;

    /// Starts an actor with this one handler and default options: it stops when the handler panics.
    ///
    /// # Errors, panics, cancel safety
    ///
    /// As [`spawn_with`](Self::spawn_with).
    fn spawn<H: MessageHandler<M>>(
        &self,
        address: &ActorAddress,
        handler: H,
    ) -> impl Future<Output = Result<ActorHandle<M>, RegisterError>> + Send {
        self.spawn_with(address, SpawnOptions::new(), once(handler))
    }

    /// Ends a registration: the address is free at once, the actor gets no more messages, handles what it has, and
    /// ends. `false` if it had ended before; a later owner of the same name is never touched.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, the registration may have ended or not.
    fn unregister(&self, registration: &Registration) -> impl Future<Output = bool> + Send;

    /// Gives a future of the end of the one actor that is at `address` now, an id or a name: see
    /// [`watching`](crate::watching). If nobody is there, of the last whose end is remembered.
    ///
    /// # Errors
    ///
    /// If nobody is there and no end is remembered, or the address is a service or a pool, which has no end, or there are
    /// as many watches as there may be.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, nothing is watched.
    fn watch(&self, address: &ActorAddress) -> impl Future<Output = Result<Watch, WatchError>> + Send;

    /// Follows the ends of all actors that this broker has in this process, from now on. Up to `capacity` ends, at
    /// least one, wait to be read; when there are more, the oldest of them are lost and counted. With as many followers as
    /// there may be, it is over at once: [`Ends::refusal`].
    fn ends(&self, capacity: usize) -> Ends;

    /// Makes an actor a member of a service or pool, besides the address that it is registered at: see
    /// [`services`](crate::services). It is one until the membership is dropped or the actor ends.
    ///
    /// # Errors
    ///
    /// If the address is that of one actor, the actor is a member of it or has ended, there are as many groups or members as
    /// there may be, or the broker is shut down.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, the actor does not stay a member.
    fn join(
        &self,
        group: &ActorAddress,
        actor: &Registration,
        options: MemberOptions,
    ) -> impl Future<Output = Result<Membership<M>, JoinError>> + Send;

    /// The members of a service or pool, those that have been there longest first. An id or a name has none.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, nothing is lost.
    fn providers(&self, group: &ActorAddress) -> impl Future<Output = Vec<Provider>> + Send;

    /// One of the members of a service or pool for which `predicate` is true, by chance in proportion to their
    /// weights. `None` if it is true for none.
    ///
    /// # Panics
    ///
    /// If the predicate does.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, nothing is lost.
    fn find_provider(
        &self,
        group: &ActorAddress,
        predicate: impl FnMut(&Provider) -> bool + Send,
    ) -> impl Future<Output = Option<Provider>> + Send {
        async move { choose(self.providers(group).await, predicate, fastrand::u64(..)) }
    }

    /// Follows who is in a service or pool: first those that are there now, then each change. Up to `capacity` changes, at
    /// least one, wait to be read; when there are more, they are replaced by who is there then. An id or a name never
    /// changes. With as many followers as there may be, it is over at once: [`ServiceChanges::refusal`].
    fn follow_service(&self, group: &ActorAddress, capacity: usize) -> ServiceChanges;

    /// The services that have members, in no order. Pools are not among them.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, nothing is lost.
    fn services(&self) -> impl Future<Output = Vec<Name>> + Send;

    /// Subscribes with a mailbox of its own, to receive by hand what is published on the subjects of a pattern, or as
    /// one of a [group](crate::topics::SubjectPattern::in_group): see [`topics`](crate::topics).
    ///
    /// # Errors
    ///
    /// If the mailbox has a capacity of zero, or there are as many subscriptions or actors as there may be, or the broker is
    /// shut down.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, there is no subscription.
    fn subscribe(
        &self,
        interest: impl Into<Interest> + Send,
        mailbox: MailboxOptions,
    ) -> impl Future<Output = Result<Subscription<M, Self>, RegisterError>> + Send;

    /// As [`subscribe`](Self::subscribe), with what is published sent to an address: an actor, or a service or pool, of
    /// which one member gets each message. Nobody need be there yet.
    ///
    /// # Errors
    ///
    /// If there are as many subscriptions as there may be, or the broker is shut down.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, there is no subscription.
    fn subscribe_actor(
        &self,
        interest: impl Into<Interest> + Send,
        to: &ActorAddress,
    ) -> impl Future<Output = Result<ActorSubscription<M>, RegisterError>> + Send;

    /// Gives a copy of a message to each subscription whose pattern matches the subject, and to one member of each
    /// [group](crate::topics::SubjectPattern::in_group). Waits for none of them: one without room loses it, and counts it.
    ///
    /// That nobody took it is no error, but it is in the result then.
    ///
    /// # Panics
    ///
    /// If cloning the message does. Some subscriptions may have it then.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, some subscriptions may get it.
    fn publish(
        &self,
        subject: &Subject,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> impl Future<Output = Published<M>> + Send
    where
        M: Clone;

    /// Gives a message to every member of a service or pool, whatever its strategy, or to the one actor at an id or a name,
    /// and says who took it: see [`balancing`](crate::balancing#all-members). Waits for none of them.
    ///
    /// # Panics
    ///
    /// If cloning the message does. Some members may have it then.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, some members may get it.
    fn broadcast(
        &self,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> impl Future<Output = Broadcasted<M>> + Send
    where
        M: Clone;

    /// The actors that take messages behind an address now: all of a service or pool, or the one at an id or a name.
    ///
    /// # Cancel safety
    ///
    /// Nothing changes by it.
    fn members(&self, to: &ActorAddress) -> impl Future<Output = Vec<ActorId>> + Send;

    /// Up to `most` different members, in the order in which this message would be offered to them if it were sent to
    /// `to` now. One alone if a key binds the message to it.
    ///
    /// It is a pick like any other: where members have turns, one is taken, and where chance decides, the message itself
    /// may get another answer.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, a turn may have been taken.
    fn pick(
        &self,
        to: &ActorAddress,
        envelope: &MessageEnvelope<M>,
        most: usize,
    ) -> impl Future<Output = Vec<ActorId>> + Send;

    /// Sends a message, waiting for room where the mailbox's strategy is to wait, and trying again where its
    /// [retry policy](crate::retry) says so. The wait between two attempts is this future's own: it takes no task, and
    /// holds up nobody else.
    ///
    /// # Errors
    ///
    /// If the message was not accepted, in which case no handler ever sees it and it is in the error.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits for room or its next attempt, the message has not been accepted and is dropped with it.
    fn send(
        &self,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> impl Future<Output = Result<(), SendError<M>>> + Send;

    /// Sends a message without waiting, and therefore without a second attempt.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), where a full mailbox that would make the sender wait refuses instead.
    fn try_send(&self, to: &ActorAddress, message: impl Into<MessageEnvelope<M>>) -> Result<(), SendError<M>>;

    /// Accepts a message that is to be delivered at `at`, on tokio's clock; at once if that has gone by.
    ///
    /// It counts as waiting until then. When it is due, it goes into its mailbox, standing in line for room where a
    /// sender would wait; nothing else waits for that. Where it is refused, its retry policy says whether it is tried
    /// again, and in the end it is a [dead letter](crate::dead_letters). A deadline holds as it is; the time to live of the
    /// message's type counts from `at`. See [`crate::schedule`].
    ///
    /// # Errors
    ///
    /// If the message's deadline is no later than `at`, or as many messages are scheduled as may be, or the broker is shut
    /// down. It is in the error.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, the message may have been scheduled or not.
    fn send_at(
        &self,
        at: Instant,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> impl Future<Output = Result<Scheduled<M>, SendError<M>>> + Send;

    /// As [`send_at`](Self::send_at), `delay` from now.
    ///
    /// # Errors, panics, cancel safety
    ///
    /// As [`send_at`](Self::send_at).
    fn send_after(
        &self,
        delay: Duration,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> impl Future<Output = Result<Scheduled<M>, SendError<M>>> + Send {
        self.send_at(after(delay), to, message)
    }

    /// Sends a clone of a message every `period`, the first one period from now, each in an envelope of its own with the
    /// header that this one has. A period of less than a millisecond counts as one.
    ///
    /// A time at which nobody is there, or no room, is missed, and so is one that goes by unseen; none is made up for.
    /// It goes on until it is [cancelled](Recurring::cancel) or the broker shut down.
    ///
    /// # Errors
    ///
    /// If as many messages are scheduled as may be, or the broker is shut down. The message is in the error.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, the message may be sent or not.
    fn send_every(
        &self,
        period: Duration,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> impl Future<Output = Result<Recurring<M>, SendError<M>>> + Send
    where
        M: Clone;

    /// Sends a message and waits for the reply.
    ///
    /// A request that is not accepted is tried again where its [retry policy](crate::retry) says so. Sent [at least
    /// once](MessageEnvelope::at_least_once), one whose handler fails is handled again while its caller waits, unless the
    /// handler has answered or passed it on.
    ///
    /// The wait ends at the envelope's deadline ([`Message::within`]), or else after the broker's default.
    ///
    /// # Errors
    ///
    /// If there is no reply. The error says why, whether a handler may have run, and has the message in it if it was
    /// not accepted.
    ///
    /// A handler asks through its context: see [`Context::request`](super::Context::request). If it asks through this,
    /// and the one that it asks waits for it, nobody can tell, and the request ends at its deadline.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, a message that was not begun never will be; a reply is counted as late.
    fn request(
        &self,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> impl Future<Output = Result<M, RequestError<M>>> + Send;

    /// How long a request waits that has no deadline of its own. `None` is for ever.
    fn request_timeout(&self) -> Option<Duration>;

    /// Sends a typed request and waits for its typed reply.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request), and if the reply is of another kind, which is then in the error.
    ///
    /// # Cancel safety
    ///
    /// As [`request`](Self::request).
    fn ask<R: Request<M>>(
        &self,
        to: &ActorAddress,
        request: R,
    ) -> impl Future<Output = Result<R::Reply, AskError<M>>> + Send {
        ask::ask(self, to, MessageEnvelope::new(request.into()))
    }

    /// As [`ask`](Self::ask), waiting no longer than `timeout`.
    ///
    /// # Errors, cancel safety
    ///
    /// As [`ask`](Self::ask).
    fn ask_within<R: Request<M>>(
        &self,
        to: &ActorAddress,
        request: R,
        timeout: Duration,
    ) -> impl Future<Output = Result<R::Reply, AskError<M>>> + Send {
        ask::ask(self, to, MessageEnvelope::new(request.into()).within(timeout))
    }

    /// Answers a caller. Handlers use [`Context::reply`](super::Context::reply).
    ///
    /// A caller that has gone meanwhile is no error: the answer is counted as late, and dropped.
    ///
    /// # Errors
    ///
    /// If the caller named a reply address that does not take the answer, which is in the error.
    ///
    /// # Cancel safety
    ///
    /// A caller that waits has its answer without any waiting here. Dropped while it waits for room at a reply
    /// address, the answer is not sent.
    fn reply(&self, caller: Caller, message: M) -> impl Future<Output = Result<(), ReplyError<M>>> + Send;

    /// Tells a caller at once that there will be no answer. Whoever holds a [`Caller`] calls this or
    /// [`reply`](Self::reply); [`ReplyToken`](super::ReplyToken) and [`Context`](super::Context) see to it.
    fn decline(&self, caller: Caller, why: Declined);

    /// Sends `message` to another actor, which answers `caller` in place of this one. Handlers use
    /// [`Context::forward`](super::Context::forward).
    ///
    /// # Errors
    ///
    /// If the message was not accepted. It is in the error, and so is the caller.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits for room, the message is not sent, and the caller learns that there is no reply.
    fn forward(
        &self,
        caller: Caller,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> impl Future<Output = Result<(), ForwardError<M>>> + Send;
}

/// `delay` from now, or as late as the clock can say.
pub(super) fn after(delay: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(delay).unwrap_or_else(|| now + Duration::from_secs(30 * 365 * 86_400))
}
