use std::time::Duration;

use super::asking::Asking;
use super::{CallError, Gathered};
use crate::address::ActorAddress;
use crate::broker::{Context, MessageBroker, RequestError};
use crate::message::{Message, Request};

/// Asking a group from a handler: in its name, with no more time than the message being handled has. A member that waits
/// for this actor fails at once, as in [`request`](Self::request), and all that are asked count as waited for.
impl<M: Message, B: MessageBroker<M>> Context<M, B> {
    /// Asks every member and gathers what they say, as [`GroupCalls::ask_all`](super::GroupCalls::ask_all).
    ///
    /// # Errors, panics, cancel safety
    ///
    /// As [`GroupCalls::ask_all`](super::GroupCalls::ask_all).
    pub async fn ask_all<R: Request<M> + Clone>(
        &self,
        to: &ActorAddress,
        request: R,
        timeout: Duration,
    ) -> Result<Gathered<M, R::Reply>, RequestError<M>> {
        Asking::handler(self).all(to, request, timeout).await
    }

    /// Asks every member and gives the first good answer, as [`GroupCalls::ask_first`](super::GroupCalls::ask_first).
    ///
    /// # Errors, panics, cancel safety
    ///
    /// As [`GroupCalls::ask_first`](super::GroupCalls::ask_first).
    pub async fn ask_first<R: Request<M> + Clone>(
        &self,
        to: &ActorAddress,
        request: R,
        timeout: Duration,
    ) -> Result<R::Reply, CallError<M>> {
        Asking::handler(self).first(to, request, timeout).await
    }

    /// Asks one member, and a second if that one is slow, as [`GroupCalls::ask_hedged`](super::GroupCalls::ask_hedged).
    ///
    /// # Errors, panics, cancel safety
    ///
    /// As [`GroupCalls::ask_hedged`](super::GroupCalls::ask_hedged).
    pub async fn ask_hedged<R: Request<M> + Clone>(
        &self,
        to: &ActorAddress,
        request: R,
        after: Duration,
    ) -> Result<R::Reply, CallError<M>> {
        Asking::handler(self).hedged(to, request, after).await
    }
}
