use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::delivery::Refusal;
use super::offer::{Admission, Offered, Target};
use super::{Hub, RequestError, RequestErrorKind};
use crate::actor::ActorCell;
use crate::message::{Deadline, Message, MessageEnvelope};
use crate::requests::{Ended, Pending, RequestTable};
use crate::retry::Failure;

/// A request, whose entry is made just before its message goes into the first mailbox.
struct Ask<'a, M> {
    table: &'a RequestTable<M>,
    deadline: Option<Deadline>,
    /// Of the caller's task, for the entry.
    waker: Option<Waker>,
    pending: Option<Pending<'a, M>>,
    /// What is timed, if it is.
    trip: Option<RoundTrip<M>>,
}

/// The way of a request to its first actor and of its reply back.
struct RoundTrip<M> {
    actor: Arc<ActorCell<M>>,
    began: Deadline,
}

impl<M> RoundTrip<M> {
    #[cold]
    fn begin(actor: &Arc<ActorCell<M>>) -> Self {
        Self { actor: Arc::clone(actor), began: Deadline::now() }
    }
}

impl Refusal for RequestErrorKind {
    fn failure(&self) -> Option<Failure> {
        match self {
            Self::NotSent(kind) => kind.failure(),
            Self::TooMany => Some(Failure::Full),
            _ => None,
        }
    }
}

impl<M: Send> Admission<M> for Ask<'_, M> {
    type Refusal = RequestErrorKind;

    #[inline]
    fn admit(&mut self, to: &Arc<ActorCell<M>>, envelope: &mut MessageEnvelope<M>) -> Result<(), RequestErrorKind> {
        if envelope.is_from_handler_of(to.id) {
            return Err(RequestErrorKind::WouldDeadlock);
        }
        match &self.pending {
            Some(pending) => {
                self.table.hand_over(pending.key(), to.epoch);
            }
            None => {
                let waker = self.waker.take().unwrap_or_else(|| Waker::noop().clone());
                let pending = self.table.open(to.epoch, self.deadline, waker).ok_or(RequestErrorKind::TooMany)?;
                envelope.set_request(Some(pending.key()));
                self.pending = Some(pending);
                if envelope.id().is_sampled() {
                    self.trip = Some(RoundTrip::begin(to));
                }
            }
        }
        Ok(())
    }

    fn waits(&self) {
        if let Some(pending) = &self.pending {
            self.table.waits_for_room(pending.key());
        }
    }

    fn got_in(&self, actor: &ActorCell<M>) {
        if let Some(pending) = &self.pending {
            self.table.got_in(pending.key(), actor.epoch, || actor.is_stopping());
        }
    }
}

impl<M: Message> Hub<M> {
    #[expect(clippy::manual_async_fn, reason = "an `async fn` moves its arguments once more")]
    pub(super) fn request(
        self: &Arc<Self>,
        target: Target<'_, M>,
        message: impl Into<MessageEnvelope<M>> + Send,
    ) -> impl Future<Output = Result<M, RequestError<M>>> + Send {
        async move {
            let mut envelope = message.into();
            let deadline = envelope.expiry().or_else(|| self.settings.request_timeout.map(Deadline::after));
            envelope.set_expiry(deadline);
            if envelope.is_at_least_once() {
                envelope.note_sending(&target.address());
            }
            let waker = std::future::poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
            let mut ask = Ask { table: &self.requests, deadline, waker: Some(waker), pending: None, trip: None };
            match self.offer(&target, envelope, &mut ask) {
                Offered::Accepted => ask.pending = ask.pending.map(Pending::polled_at_once),
                offered => self.ask_on(&target, offered, &mut ask).await?,
            }
            let reply = match ask.pending {
                Some(pending) => self.wait_for_reply(pending, deadline.is_some()).await,
                // Nothing is accepted without an entry.
                None => Err(Ended::NoReply),
            };
            if let (Some(trip), Ok(_)) = (ask.trip, &reply) {
                self.end_trip(&trip);
            }
            reply.map_err(|ended| RequestError::ended(ended, target.address()))
        }
    }

    #[cold]
    async fn ask_on(
        &self,
        target: &Target<'_, M>,
        offered: Offered<M, RequestErrorKind>,
        ask: &mut Ask<'_, M>,
    ) -> Result<(), RequestError<M>> {
        let delivered = self.deliver(target, offered, ask).await;
        delivered.map_err(|(kind, envelope)| RequestError::refused(kind, target.address(), envelope))
    }

    async fn wait_for_reply(self: &Arc<Self>, pending: Pending<'_, M>, has_deadline: bool) -> Result<M, Ended> {
        let mut pending = pin!(pending);
        std::future::poll_fn(|cx| {
            let polled = pending.as_mut().poll(cx);
            if polled.is_pending() && has_deadline {
                self.keep_time();
            }
            polled
        })
        .await
    }

    #[cold]
    fn end_trip(&self, trip: &RoundTrip<M>) {
        self.record_round_trip(&trip.actor, Deadline::now().nanos_since(trip.began));
    }
}
