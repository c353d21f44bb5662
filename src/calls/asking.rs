use std::iter;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::CallError;
use crate::address::{ActorAddress, ActorId};
use crate::broker::{AskError, Context, MessageBroker, ask};
use crate::message::{Deadline, Message, MessageEnvelope, Request};

/// Who asks a group: anybody, or a handler, in whose name and time it is done then.
pub(super) struct Asking<'a, M: Message, B: MessageBroker<M>> {
    pub(super) broker: &'a B,
    handler: Option<&'a Context<M, B>>,
}

impl<'a, M: Message, B: MessageBroker<M>> Asking<'a, M, B> {
    pub(super) fn anybody(broker: &'a B) -> Self {
        Self { broker, handler: None }
    }

    pub(super) fn handler(context: &'a Context<M, B>) -> Self {
        Self { broker: context.broker(), handler: Some(context) }
    }

    /// What is sent: with this deadline or an earlier one that the handler has, or, if it is `None`, with its own.
    pub(super) fn envelope<R: Request<M>>(&self, request: R, deadline: Option<Deadline>) -> MessageEnvelope<M> {
        let mut envelope = MessageEnvelope::new(request.into());
        envelope.set_expiry(deadline.or(envelope.expiry()));
        match self.handler {
            Some(context) => context.prepare(envelope),
            None => envelope,
        }
    }

    /// Asks this member. Nothing is sent before it is polled.
    pub(super) async fn one<A: TryFrom<M, Error = M>>(
        &self,
        member: ActorId,
        envelope: MessageEnvelope<M>,
    ) -> Answer<M, A> {
        (member, ask(self.broker, &ActorAddress::Id(member), envelope).await)
    }

    /// Asks each of these. All clones are made before the first is asked, so if one panics, nobody was.
    pub(super) fn each<R: Request<M> + Clone>(
        &self,
        members: Vec<ActorId>,
        request: R,
        deadline: Deadline,
    ) -> FuturesUnordered<impl Future<Output = Answer<M, R::Reply>> + Send> {
        let requests = iter::repeat_n(request, members.len());
        let asked = members.into_iter().zip(requests);
        asked.map(|(member, request)| self.one(member, self.envelope(request, Some(deadline)))).collect()
    }

    /// Asks whoever the broker finds at the address, as it finds it.
    pub(super) async fn single<A: TryFrom<M, Error = M>>(
        &self,
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
    ) -> Result<A, CallError<M>> {
        ask(self.broker, to, envelope).await.map_err(CallError::Single)
    }
}

/// What a member has said, or why it has not.
pub(super) type Answer<M, A> = (ActorId, Result<A, AskError<M>>);

/// The first good answer; the others are given up with the futures that wait for them.
pub(super) async fn first_of<M, A>(
    mut asked: FuturesUnordered<impl Future<Output = Answer<M, A>>>,
    mut failures: Vec<(ActorId, AskError<M>)>,
) -> Result<A, CallError<M>> {
    while let Some((member, answer)) = asked.next().await {
        match answer {
            Ok(reply) => return Ok(reply),
            Err(error) => failures.push((member, error)),
        }
    }
    Err(CallError::Every(failures))
}
