use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::delivery::has_time_for;
use super::group::Sharing;
use super::offer::Target;
use super::settings::Settings;
use super::{
    ActorRegistry, Broadcasted, Caller, Declined, ForwardError, Hub, InMemoryBuilder, JoinError, MessageBroker, Outlet,
    RegisterError, ReplyError, RequestError, Route, SendError, SendErrorKind, ShutdownReport, WatchError,
};
use crate::actor::{self, ActorHandle, ActorMailbox, HandlerFactory, Inbox, Registration, SpawnOptions};
use crate::address::{ActorAddress, ActorId, Name};
use crate::balancing::Strategy;
use crate::dead_letters::DeadLetters;
use crate::limits::{LimitError, Limits, Table};
use crate::mailbox::MailboxOptions;
use crate::message::{Message, MessageEnvelope};
use crate::metrics::{Audit, BrokerMetrics};
use crate::retry::RetryPolicy;
use crate::schedule::{Recurring, Scheduled};
use crate::services::{MemberOptions, Membership, Provider, ServiceChanges};
use crate::topics::{ActorSubscription, Audience, Interest, Published, Recipient, Seat, Subject, Subscription};
use crate::watching::{Ends, Watch};

/// The broker for one process: messages are moved from the sender into the actor's mailbox, and nothing stands between.
///
/// A handle is one pointer; clone it freely. Actors hold one too, so they run on when all others are dropped, until
/// they are stopped or the broker is [shut down](Self::shutdown).
///
/// The deadlines of requests are kept by one task, in the runtime of the first request that has one; if that runtime
/// ends, another request's takes over. A runtime that nobody drives keeps no time, so with several, keep the first
/// running.
///
/// ```
/// use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
/// use switchboard::message::{Message, MessageEnvelope};
///
/// #[derive(Debug)]
/// struct Job(u32);
///
/// impl Message for Job {
///     const MESSAGE_TYPE: &'static str = "job";
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let broker = InMemoryMessageBroker::new();
/// let workers = "pool:workers".parse()?;
/// for _ in 0..4 {
///     broker.spawn(&workers, |job: MessageEnvelope<Job>| async move {
///         println!("working on {}", job.message().0);
///         Ok::<_, std::io::Error>(())
///     }).await?;
/// }
/// for number in 0..8 {
///     broker.send(&workers, Job(number)).await?;
/// }
/// let report = broker.shutdown(std::time::Duration::from_secs(1)).await;
/// assert_eq!(report.aborted, 0);
/// # Ok(())
/// # }
/// ```
pub struct InMemoryMessageBroker<M: Message> {
    hub: Arc<Hub<M>>,
}

impl<M: Message> InMemoryMessageBroker<M> {
    /// A broker with default settings.
    pub fn new() -> Self {
        Self::with_settings(Settings::default())
    }

    /// Settings to change before the broker is made.
    pub fn builder() -> InMemoryBuilder<M> {
        InMemoryBuilder::new()
    }

    pub(super) fn with_settings(settings: Settings) -> Self {
        Self { hub: Arc::new(Hub::new(settings)) }
    }

    /// Resolves an address once, for paths so hot that looking it up for each message is too much.
    ///
    /// A route to an id or a name leads to the actor that is there now, and no further than that actor lives. A route
    /// to a service or pool picks a member for each message, as the address does.
    ///
    /// # Errors
    ///
    /// If nobody is registered there, with the error kind that sending would have.
    pub fn route(&self, to: &ActorAddress) -> Result<Route<M>, SendErrorKind> {
        Route::resolve(Arc::clone(&self.hub), to)
    }

    /// Who is registered where.
    pub fn registry(&self) -> &ActorRegistry<M> {
        &self.hub.registry
    }

    /// Sets the retry policy of messages to this address whose sender has set none, in place of the broker's
    /// [default](InMemoryBuilder::retry); `None` goes back to that.
    ///
    /// It is the address as the sender writes it that counts: a policy for a name is not one for the id of its owner.
    ///
    /// # Errors
    ///
    /// If policies are set for as many addresses as may be.
    pub fn set_retry(&self, address: &ActorAddress, policy: impl Into<Option<RetryPolicy>>) -> Result<(), LimitError> {
        self.hub.retries.set(address, policy.into(), &self.hub.bounds)
    }

    /// Sets how a member of this pool or service is picked for a message that does not say so
    /// [itself](MessageEnvelope::balanced_by), in place of the broker's [default](InMemoryBuilder::default_strategy);
    /// `None` goes back to that. It holds from the next message on, and for as long as the broker lives, whether there
    /// are members or not.
    ///
    /// At an id or a name there is nothing to pick, and nothing is set.
    ///
    /// # Errors
    ///
    /// If there is no such pool or service yet, and as many others as there may be.
    pub fn set_strategy(
        &self,
        address: &ActorAddress,
        strategy: impl Into<Option<Strategy>>,
    ) -> Result<(), LimitError> {
        self.hub.registry.set_sharing(address, strategy.into().map(Sharing::One))
    }

    /// Has each message to this pool or service that does not say otherwise [itself](MessageEnvelope::balanced_by) given to
    /// every member, as if it were [for all](MessageEnvelope::to_all), until [`set_strategy`](Self::set_strategy) says
    /// something else. That holds for whatever is sent there: at once or later, or because the address has subscribed.
    /// Requests go to one member, by the broker's [default](InMemoryBuilder::default_strategy).
    ///
    /// # Errors
    ///
    /// As [`set_strategy`](Self::set_strategy).
    pub fn set_broadcast(&self, address: &ActorAddress) -> Result<(), LimitError>
    where
        M: Clone,
    {
        self.hub.registry.set_sharing(address, Some(Sharing::All(M::clone)))
    }

    /// As [`publish`](MessageBroker::publish), to a part of the subscriptions only: for a broker that is built on this one
    /// and gets what is published elsewhere too. Each receiver but the last gets what `copy` makes, and nothing if that is
    /// nothing.
    ///
    /// # Panics
    ///
    /// If `copy` does. Some subscriptions may have it then.
    pub fn publish_to(
        &self,
        audience: Audience<'_>,
        message: impl Into<MessageEnvelope<M>>,
        copy: impl Fn(&MessageEnvelope<M>) -> Option<MessageEnvelope<M>>,
    ) -> Published<M> {
        self.hub.publish(audience, message.into(), copy)
    }

    /// Opens the way out for messages that this broker has accepted for addresses at which nobody is here, in place of
    /// refusing them: for a broker that is built on this one. `None` if it was opened before.
    pub fn outlet(&self) -> Option<Outlet<M>> {
        let (opening, outlet) = Outlet::new();
        self.hub.outlet.set(opening).ok().map(|()| outlet)
    }

    /// Waits until members of groups have come or gone in this broker more often than `known`, and says how often: for a
    /// broker that is built on this one and tells others who is here. The count begins at 0.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, nothing is lost.
    pub async fn members_changed(&self, known: u64) -> u64 {
        self.hub.registry.directory.changed(known).await
    }

    /// Has these be shown as members of a group that other brokers have, in place of those that were: by
    /// [`providers`](MessageBroker::providers), [`services`](MessageBroker::services) and
    /// [`follow_service`](MessageBroker::follow_service), and nowhere else. No message goes to them from here.
    pub fn show_elsewhere(&self, group: &ActorAddress, providers: Vec<Provider>) {
        self.hub.registry.directory.set_elsewhere(group, providers);
    }

    /// How long to wait before a message to this address is offered again, `elapsed` after the first of so many `attempts`
    /// and refused for this reason; `None` if its retry policy says that it is not, or its deadline would have gone by.
    pub fn next_attempt(
        &self,
        to: &ActorAddress,
        envelope: &MessageEnvelope<M>,
        attempts: u32,
        elapsed: Duration,
        refused: SendErrorKind,
    ) -> Option<Duration> {
        let policy = self.hub.retries.policy(envelope, to);
        let delay = self.hub.retries.next_delay(&policy, attempts, elapsed, refused.failure()?)?;
        has_time_for(envelope, delay).then_some(delay)
    }

    /// How much callers can make it keep.
    pub fn limits(&self) -> Limits {
        self.hub.settings.limits
    }

    /// What the broker has counted up to now.
    pub fn metrics(&self) -> BrokerMetrics {
        self.hub.metrics()
    }

    /// Where every message is that was accepted, and whether the accounts balance.
    pub fn audit(&self) -> Audit {
        self.hub.audit()
    }

    /// What was accepted and not handled.
    pub fn dead_letters(&self) -> DeadLetters<M> {
        DeadLetters::new(Arc::clone(&self.hub))
    }

    /// Refuses new actors and messages, lets actors handle what they have accepted for up to `timeout`, messages that wait
    /// to be handled again included, then ends those that are not done. What they had not handled becomes dead letters,
    /// and so does, at once, what is scheduled for later. When it returns, every task that the broker started has ended,
    /// and so have all requests.
    ///
    /// Code that receives by hand is waited for as well, until all that it accepted is done. What its inbox has fetched by
    /// the end of that time becomes dead letters when it next receives, or lets go of the inbox.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, the broker refuses new work and its actors finish theirs without a limit. Call it
    /// again to wait on.
    pub async fn shutdown(&self, timeout: Duration) -> ShutdownReport {
        self.hub.shut_down(timeout).await
    }
}

impl<M: Message> MessageBroker<M> for InMemoryMessageBroker<M> {
    async fn register(&self, address: &ActorAddress, mailbox: MailboxOptions) -> Result<Inbox<M, Self>, RegisterError> {
        let cell = self.hub.register(address, Some(mailbox), false)?;
        Ok(Inbox::new(ActorMailbox::new(Arc::clone(&self.hub), cell), self.clone()))
    }

    async fn spawn_with<F: HandlerFactory<M>>(
        &self,
        address: &ActorAddress,
        options: SpawnOptions,
        factory: F,
    ) -> Result<ActorHandle<M>, RegisterError> {
        actor::spawn(&self.hub, self.clone(), address, options, factory)
    }

    async fn unregister(&self, registration: &Registration) -> bool {
        let actor = self.hub.registry.actor(registration.actor).filter(|cell| cell.epoch == registration.epoch);
        actor.is_some_and(|cell| self.hub.unregister(&cell))
    }

    async fn watch(&self, address: &ActorAddress) -> Result<Watch, WatchError> {
        self.hub.watch(address)
    }

    fn ends(&self, capacity: usize) -> Ends {
        self.hub.endings.follow(self.hub.bounds.take(Table::Followers), capacity)
    }

    async fn join(
        &self,
        group: &ActorAddress,
        actor: &Registration,
        options: MemberOptions,
    ) -> Result<Membership<M>, JoinError> {
        self.hub.join(group, actor, options)
    }

    async fn providers(&self, group: &ActorAddress) -> Vec<Provider> {
        self.hub.registry.providers(group)
    }

    fn follow_service(&self, group: &ActorAddress, capacity: usize) -> ServiceChanges {
        self.hub.follow_service(group, capacity)
    }

    async fn services(&self) -> Vec<Name> {
        self.hub.registry.provided()
    }

    async fn subscribe(
        &self,
        interest: impl Into<Interest> + Send,
        mailbox: MailboxOptions,
    ) -> Result<Subscription<M, Self>, RegisterError> {
        // First, so that what is refused was never there.
        let place = self.hub.bounds.take(Table::Subscriptions)?;
        let cell = self.hub.register_subscriber(mailbox)?;
        let inbox = Inbox::new(ActorMailbox::new(Arc::clone(&self.hub), Arc::clone(&cell)), self.clone());
        Ok(Subscription::new(Seat::take(&self.hub, interest.into(), Recipient::Own(cell), place), inbox))
    }

    async fn subscribe_actor(
        &self,
        interest: impl Into<Interest> + Send,
        to: &ActorAddress,
    ) -> Result<ActorSubscription<M>, RegisterError> {
        self.hub.subscribe_actor(interest.into(), to)
    }

    async fn publish(&self, subject: &Subject, message: impl Into<MessageEnvelope<M>> + Send) -> Published<M>
    where
        M: Clone,
    {
        self.hub.publish(Audience::All(subject), message.into(), |envelope| Some(envelope.clone()))
    }

    async fn broadcast(&self, to: &ActorAddress, message: impl Into<MessageEnvelope<M>> + Send) -> Broadcasted<M>
    where
        M: Clone,
    {
        self.hub.broadcast(to, message.into())
    }

    async fn members(&self, to: &ActorAddress) -> Vec<ActorId> {
        self.hub.registry.resolve(to)
    }

    fn pick(
        &self,
        to: &ActorAddress,
        envelope: &MessageEnvelope<M>,
        most: usize,
    ) -> impl Future<Output = Vec<ActorId>> + Send {
        // At once, so that the future need not hold the message, which is not shared between threads.
        std::future::ready(self.hub.registry.first(to, envelope, most))
    }

    #[inline]
    fn send(
        &self,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> impl Future<Output = Result<(), SendError<M>>> + Send {
        // Not an `async fn`, which would be one more future to move the message through.
        self.hub.send(Target::Address(to), message)
    }

    fn try_send(&self, to: &ActorAddress, message: impl Into<MessageEnvelope<M>>) -> Result<(), SendError<M>> {
        self.hub.try_send(&Target::Address(to), message)
    }

    async fn send_at(
        &self,
        at: Instant,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> Result<Scheduled<M>, SendError<M>> {
        self.hub.send_at(at, to, message.into())
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
        self.hub.send_every(period, to, message.into())
    }

    fn request(
        &self,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> impl Future<Output = Result<M, RequestError<M>>> + Send {
        self.hub.request(Target::Address(to), message)
    }

    fn request_timeout(&self) -> Option<Duration> {
        self.hub.settings.request_timeout
    }

    async fn reply(&self, caller: Caller, message: M) -> Result<(), ReplyError<M>> {
        self.hub.reply(caller, message).await
    }

    fn decline(&self, caller: Caller, why: Declined) {
        self.hub.decline(&caller, why);
    }

    async fn forward(
        &self,
        caller: Caller,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> Result<(), ForwardError<M>> {
        self.hub.forward(caller, to, message.into()).await
    }
}

impl<M: Message> Default for InMemoryMessageBroker<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: Message> Clone for InMemoryMessageBroker<M> {
    fn clone(&self) -> Self {
        Self { hub: Arc::clone(&self.hub) }
    }
}

impl<M: Message> fmt::Debug for InMemoryMessageBroker<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryMessageBroker")
            .field("message", &M::MESSAGE_TYPE)
            .field("registry", &self.hub.registry)
            .finish_non_exhaustive()
    }
}
