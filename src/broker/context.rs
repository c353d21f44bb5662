use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::ask::typed;
use super::caller::Way;
use super::{
    AskError, Broadcasted, Caller, Declined, ForwardError, Hub, MessageBroker, ReplyError, ReplyToken, RequestError,
    SendError, Verdict, WatchError,
};
use crate::actor::{ActorCell, Registration};
use crate::address::{ActorAddress, ActorId};
use crate::message::{Deadline, Message, MessageEnvelope, MessageId, Request};
use crate::schedule::{Recurring, Scheduled};
use crate::sync::Lock;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::topics::{Published, Subject};
use crate::watching::Watch;

mod lent;

pub use lent::LentContext;

/// A handler's way back: to whoever asked, and to the broker.
///
/// What is sent through it names this actor as its sender, and has no more time than the message being handled has.
pub struct Context<M: Message, B: MessageBroker<M>> {
    broker: B,
    hub: Arc<Hub<M>>,
    cell: Arc<ActorCell<M>>,
    current: Option<Current>,
    /// Who waits for an answer to the current message, until it is given or passed on.
    caller: Lock<Option<Caller>>,
    verdict: Lock<Verdict>,
    /// Whether the current message was passed on, so that it is for another to handle it.
    passed_on: AtomicBool,
    /// Whether `broker` wraps the one that the actor is of, and has to see what is answered.
    wrapped: bool,
}

/// What the context knows of the message being handled.
#[derive(Clone, Copy)]
struct Current {
    id: MessageId,
    deadline: Option<Deadline>,
}

impl<M: Message, B: MessageBroker<M>> Context<M, B> {
    pub(crate) fn new(broker: B, hub: Arc<Hub<M>>, cell: Arc<ActorCell<M>>) -> Self {
        Self {
            broker,
            hub,
            cell,
            current: None,
            caller: Lock::new(None),
            verdict: Lock::new(Verdict::None),
            passed_on: AtomicBool::new(false),
            wrapped: false,
        }
    }

    /// This actor's id.
    pub fn id(&self) -> ActorId {
        self.cell.id
    }

    /// The address that this actor was spawned at.
    pub fn address(&self) -> &ActorAddress {
        &self.cell.address
    }

    /// This actor's registration, to unregister it with.
    pub fn registration(&self) -> Registration {
        self.cell.registration()
    }

    /// The broker, to keep a handle of, or for what this context has no shorter way to.
    pub fn broker(&self) -> &B {
        &self.broker
    }

    /// The id of the message being handled; `None` in `started` and after the last message.
    pub fn message_id(&self) -> Option<MessageId> {
        self.current.map(|current| current.id)
    }

    /// When the message being handled stops being worth it. `None` is never.
    pub fn deadline(&self) -> Option<Instant> {
        self.current?.deadline?.instant()
    }

    /// The time left for the message being handled: zero when its deadline has passed, `None` when it has none.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// How many messages wait behind this one.
    pub fn depth(&self) -> usize {
        self.cell.queue.depth()
    }

    /// Whether somebody waits for an answer to the message being handled, and it has not been given or passed on.
    pub fn is_asked(&self) -> bool {
        self.caller.lock().is_some()
    }

    /// Answers the message being handled: the waiting caller of a request, or else the sender's reply address.
    ///
    /// A caller that has gone meanwhile is no error: the answer is counted as late.
    ///
    /// # Errors
    ///
    /// If nobody asked, or the message has been answered, or the reply address does not take the answer. It is in the
    /// error.
    ///
    /// # Cancel safety
    ///
    /// As [`MessageBroker::reply`].
    pub async fn reply(&self, message: M) -> Result<(), ReplyError<M>> {
        match self.take_caller() {
            // Like whatever this handler sends: in its name, with its deadline, and never waiting for itself.
            Some(Caller { asked, way: Way::Address(to) }) => {
                let answer = self.prepare(MessageEnvelope::new(message).with_correlation(asked));
                self.broker.send(&to, answer).await.map_err(ReplyError::not_sent)
            }
            // At once: a future of the broker's would be one more to move the message through.
            Some(Caller { way: Way::Request(key), .. }) if !self.wrapped => {
                self.hub.requests.reply(key, message);
                Ok(())
            }
            Some(caller) => self.broker.reply(caller, message).await,
            None => Err(ReplyError::not_asked(message)),
        }
    }

    /// Takes the right to answer, to be used later: after this message, or from another task.
    ///
    /// The answer may then come from anywhere, so a handler that waits for it no longer counts as waiting for this
    /// actor (see [`request`](Self::request)).
    pub fn reply_token(&self) -> Option<ReplyToken<M, B>> {
        let caller = self.take_caller()?;
        if let Way::Request(key) = caller.way {
            self.hub.requests.detach(key);
        }
        Some(ReplyToken::new(self.broker.clone(), caller))
    }

    /// Sends `message` to another actor, which answers the waiting caller in place of this one.
    ///
    /// If that one waits for the caller, directly or through others, the caller's request ends with
    /// [`WouldDeadlock`](crate::broker::RequestErrorKind::WouldDeadlock), and the message is discarded like any whose
    /// caller has gone.
    ///
    /// # Errors
    ///
    /// If nobody asked, or the message was not accepted. It is in the error, and this actor may still answer.
    ///
    /// # Cancel safety
    ///
    /// As [`MessageBroker::forward`].
    pub async fn forward(
        &self,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> Result<(), ForwardError<M>> {
        let envelope = self.prepare(message);
        let Some(caller) = self.take_caller() else {
            return Err(ForwardError::not_asked(envelope));
        };
        let forwarded = self.broker.forward(caller, to, envelope).await;
        forwarded.map_err(|mut error| {
            *self.caller.lock() = error.take_caller();
            error
        })?;
        // Relaxed: the same task reads it.
        self.passed_on.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Sends a message, as [`MessageBroker::send`].
    ///
    /// # Errors
    ///
    /// As [`MessageBroker::send`]. Where waiting for room could never end, because the mailbox is that of this actor or
    /// of one that waits for it, directly or through others, it is refused as full.
    ///
    /// # Cancel safety
    ///
    /// As [`MessageBroker::send`].
    pub async fn send(
        &self,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> Result<(), SendError<M>> {
        self.broker.send(to, self.prepare(message)).await
    }

    /// Sends a message without waiting, as [`MessageBroker::try_send`].
    ///
    /// # Errors
    ///
    /// As [`MessageBroker::try_send`].
    pub fn try_send(&self, to: &ActorAddress, message: impl Into<MessageEnvelope<M>>) -> Result<(), SendError<M>> {
        self.broker.try_send(to, self.prepare(message))
    }

    /// Publishes a message, as [`MessageBroker::publish`].
    ///
    /// # Panics, cancel safety
    ///
    /// As [`MessageBroker::publish`].
    pub async fn publish(&self, subject: &Subject, message: impl Into<MessageEnvelope<M>> + Send) -> Published<M>
    where
        M: Clone,
    {
        self.broker.publish(subject, self.prepare(message)).await
    }

    /// Gives a message to all members of a group, as [`MessageBroker::broadcast`].
    ///
    /// # Panics, cancel safety
    ///
    /// As [`MessageBroker::broadcast`].
    pub async fn broadcast(&self, to: &ActorAddress, message: impl Into<MessageEnvelope<M>> + Send) -> Broadcasted<M>
    where
        M: Clone,
    {
        self.broker.broadcast(to, self.prepare(message)).await
    }

    /// Sends a message and waits for the reply, as [`MessageBroker::request`].
    ///
    /// # Errors
    ///
    /// As [`MessageBroker::request`]. A request that could never be answered, because the actor that is asked is this
    /// one or waits for it, directly or through others, is refused at once with
    /// [`WouldDeadlock`](crate::broker::RequestErrorKind::WouldDeadlock). One that is passed on to such an actor ends
    /// so too. Of two actors that ask each other at the same moment, both may be refused.
    ///
    /// A request in flight counts as waited for, whatever else the handler does meanwhile. Only what is sent through a
    /// context is looked at: of a request made through [`broker`](Self::broker), a route or another task, nobody can
    /// tell whose handler waits for it; and of one whose [`reply_token`](Self::reply_token) was taken, who answers.
    /// A circle with such a request in it ends at a deadline.
    ///
    /// # Cancel safety
    ///
    /// As [`MessageBroker::request`].
    pub async fn request(
        &self,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> Result<M, RequestError<M>> {
        self.broker.request(to, self.prepare(message)).await
    }

    /// Sends a typed request and waits for its typed reply, as [`MessageBroker::ask`].
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request), and if the reply is of another kind.
    ///
    /// # Cancel safety
    ///
    /// As [`MessageBroker::ask`].
    pub async fn ask<R: Request<M>>(&self, to: &ActorAddress, request: R) -> Result<R::Reply, AskError<M>> {
        typed(self.request(to, request.into()).await.map_err(AskError::Request)?)
    }

    /// Sends a message at a later time, as [`MessageBroker::send_at`]. It names this actor as its sender; the deadline of
    /// the message being handled does not hold for it.
    ///
    /// # Errors, panics, cancel safety
    ///
    /// As [`MessageBroker::send_at`].
    pub async fn send_at(
        &self,
        at: Instant,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> Result<Scheduled<M>, SendError<M>> {
        self.broker.send_at(at, to, message.into().with_sender(self.id())).await
    }

    /// As [`send_at`](Self::send_at), `delay` from now.
    ///
    /// # Errors, panics, cancel safety
    ///
    /// As [`MessageBroker::send_at`].
    pub async fn send_after(
        &self,
        delay: Duration,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> Result<Scheduled<M>, SendError<M>> {
        self.broker.send_after(delay, to, message.into().with_sender(self.id())).await
    }

    /// Sends a clone of a message at an interval, as [`MessageBroker::send_every`], with this actor named as its sender.
    /// It goes on when this actor has ended.
    ///
    /// # Errors, panics, cancel safety
    ///
    /// As [`MessageBroker::send_every`].
    pub async fn send_every(
        &self,
        period: Duration,
        to: &ActorAddress,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> Result<Recurring<M>, SendError<M>>
    where
        M: Clone,
    {
        self.broker.send_every(period, to, message.into().with_sender(self.id())).await
    }

    /// Watches an actor, as [`MessageBroker::watch`].
    ///
    /// # Errors, cancel safety
    ///
    /// As [`MessageBroker::watch`].
    pub async fn watch(&self, address: &ActorAddress) -> Result<Watch, WatchError> {
        self.broker.watch(address).await
    }

    /// Stops this actor when it is done with the message in hand.
    pub fn stop(&self) {
        self.hub.stop(&self.cell);
    }

    /// Says that the message being handled is not to be handled again, whatever its retry policy. To be returned with
    /// the error that says why: `return Err(context.reject(error))`.
    ///
    /// It becomes a dead letter if it was sent [at least once](MessageEnvelope::at_least_once). Of any other message no
    /// copy was made. Either way it does not count against this actor's [health](crate::health).
    pub fn reject<E>(&self, error: E) -> E {
        *self.verdict.lock() = Verdict::Reject;
        error
    }

    /// Says that the message being handled is to be handled again after `delay`, in place of the delay that its retry
    /// policy comes to; how often and how long in all, the policy still says. To be returned with the error that says
    /// why: `return Err(context.retry_after(delay, error))`.
    ///
    /// For messages that were sent [at least once](MessageEnvelope::at_least_once); of any other no copy was made, and this
    /// changes nothing.
    pub fn retry_after<E>(&self, delay: Duration, error: E) -> E {
        *self.verdict.lock() = Verdict::RetryAfter(delay);
        error
    }

    /// What the handler has said should become of the message, if it fails.
    pub(crate) fn take_verdict(&mut self) -> Verdict {
        std::mem::take(self.verdict.get_mut())
    }

    /// Forgets the message, without a word to whoever waits for an answer: it is to be handled again.
    pub(crate) fn let_go(&mut self) {
        self.current = None;
        *self.caller.get_mut() = None;
    }

    /// A handler begins with `envelope`.
    #[inline(always)]
    pub(crate) fn begin(&mut self, envelope: &MessageEnvelope<M>) {
        self.current = Some(Current { id: envelope.id(), deadline: envelope.expiry() });
        *self.caller.get_mut() = Caller::of(envelope);
        *self.verdict.get_mut() = Verdict::None;
        *self.passed_on.get_mut() = false;
    }

    /// The id of the message being handled, unless it was passed on: it may come back under that id, and has not been
    /// handled then.
    pub(crate) fn handled_id(&self) -> Option<MessageId> {
        if self.passed_on.load(Ordering::Relaxed) { None } else { self.message_id() }
    }

    /// The handler is done with it.
    #[inline(always)]
    pub(crate) fn finish(&mut self, why: Declined) {
        self.current = None;
        if let Some(caller) = self.caller.get_mut().take() {
            self.broker.decline(caller, why);
        }
    }

    fn take_caller(&self) -> Option<Caller> {
        self.caller.lock().take()
    }

    /// Puts this actor's name and the current deadline on what it sends.
    pub(crate) fn prepare(&self, message: impl Into<MessageEnvelope<M>>) -> MessageEnvelope<M> {
        let mut envelope = message.into();
        envelope.set_sending_handler(self.cell.id);
        let inherited = self.current.and_then(|current| current.deadline);
        envelope.set_expiry(Deadline::earlier(envelope.expiry(), inherited));
        envelope
    }
}

impl<M: Message, B: MessageBroker<M>> Drop for Context<M, B> {
    fn drop(&mut self) {
        // Only a task that is ended in the middle of a message leaves somebody waiting here.
        self.finish(Declined::ActorStopped);
    }
}

impl<M: Message, B: MessageBroker<M>> fmt::Debug for Context<M, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("id", &self.id()).field("address", self.address()).finish_non_exhaustive()
    }
}
