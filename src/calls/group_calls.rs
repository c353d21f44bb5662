use std::time::Duration;

use super::asking::Asking;
use super::{CallError, Gathered};
use crate::address::ActorAddress;
use crate::broker::{MessageBroker, RequestError};
use crate::message::{Message, Request};

/// What every broker can ask of a group: see [`calls`](crate::calls). Handlers have the same three on their
/// [`Context`](crate::broker::Context).
pub trait GroupCalls<M: Message>: MessageBroker<M> {
    /// Asks every member at once, each by its id, and gathers what they say within `timeout`. It ends as soon as nobody is
    /// left to wait for. A member that joins meanwhile is not asked.
    ///
    /// # Errors
    ///
    /// If there is no member. The request is in the error. What goes wrong at a member is in the result.
    ///
    /// # Panics
    ///
    /// If cloning the request does. Nobody was asked then.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, members that have not begun never will; what they answer is counted as late.
    fn ask_all<R: Request<M> + Clone>(
        &self,
        to: &ActorAddress,
        request: R,
        timeout: Duration,
    ) -> impl Future<Output = Result<Gathered<M, R::Reply>, RequestError<M>>> + Send {
        Asking::anybody(self).all(to, request, timeout)
    }

    /// Asks every member at once, each by its id, and gives the first good answer that comes within `timeout`. The others
    /// are given up: those that have not begun never will.
    ///
    /// # Errors
    ///
    /// If nobody gave a good answer: with every failure.
    ///
    /// # Panics, cancel safety
    ///
    /// As [`ask_all`](Self::ask_all).
    fn ask_first<R: Request<M> + Clone>(
        &self,
        to: &ActorAddress,
        request: R,
        timeout: Duration,
    ) -> impl Future<Output = Result<R::Reply, CallError<M>>> + Send {
        Asking::anybody(self).first(to, request, timeout)
    }

    /// Asks the member that the group's [strategy](crate::balancing) picks, and a second one if there is no answer after
    /// `after`, or at once if the first fails before. The first good answer wins; the other is given up. One deadline
    /// covers both: the [time to live](Message::time_to_live) of the message's type, or else the broker's default.
    ///
    /// Both may run it, so it has to be safe to run twice. One member, or one to which a key binds the message, is asked as
    /// by [`ask`](MessageBroker::ask).
    ///
    /// # Errors
    ///
    /// If neither gave a good answer: with every failure.
    ///
    /// # Panics
    ///
    /// If cloning the request does, before anybody is asked; and outside a tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// As [`ask_all`](Self::ask_all).
    fn ask_hedged<R: Request<M> + Clone>(
        &self,
        to: &ActorAddress,
        request: R,
        after: Duration,
    ) -> impl Future<Output = Result<R::Reply, CallError<M>>> + Send {
        Asking::anybody(self).hedged(to, request, after)
    }
}

impl<M: Message, B: MessageBroker<M>> GroupCalls<M> for B {}
