//! Messages that go by their routing key: each to the one member for it, in an order that survives changes of the group.
//!
//! A member that has messages of a key keeps it until it has none, whoever joins or leaves; then the key is the new
//! member's. If it has left, and takes no more, senders wait until it is done with that key. So a key is never with two
//! members.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::group::KeyTicket;
use super::offer::{Admission, Offered, Target, standing_in_line};
use super::{Hub, SendErrorKind};
use crate::actor::{ActorCell, Waiting};
use crate::address::ActorAddress;
use crate::mailbox::{BackpressureStrategy, MailboxError, MailboxErrorKind, Pushed, PushedByKey, RouteKey};
use crate::message::{Deadline, Message, MessageEnvelope};

/// How often the member for a key is looked for anew because the group has changed meanwhile.
const LOOKS: usize = 64;

/// A key is another member's by now.
struct Moved;

impl<M: Message> Hub<M> {
    /// Offers a message to the one member for its key, by the hash of that.
    pub(super) fn offer_by_key<A: Admission<M>>(
        &self,
        group: &ActorAddress,
        hash: u64,
        mut envelope: MessageEnvelope<M>,
        admission: &mut A,
    ) -> Offered<M, A::Refusal> {
        for _ in 0..LOOKS {
            let groups = self.registry.groups(group);
            let members = groups.as_ref().and_then(|(groups, name)| groups.get(name));
            let Some(keeper) = members.and_then(|members| members.keeper(hash)) else {
                return Offered::Refused(self.nobody(&Target::Address(group)).into(), envelope);
            };
            let cell = keeper.cell;
            if keeper.has_left() {
                return Offered::Held(Arc::clone(cell), keeper.claim.key, envelope);
            }
            if let Err(refusal) = admission.admit(cell, &mut envelope) {
                return Offered::Refused(refusal, envelope);
            }
            envelope = match cell.queue.push_by_key(envelope, &keeper.claim) {
                PushedByKey::Accepted(evicted) => {
                    self.keep_evicted(cell, evicted);
                    return Offered::Accepted;
                }
                PushedByKey::Full(back) => return self.without_room(cell, back, MailboxErrorKind::Full, admission),
                PushedByKey::Elsewhere(back) => back,
            };
            self.registry.await_change();
        }
        Offered::Refused(SendErrorKind::ActorStopped.into(), envelope)
    }

    /// Waits for room at a member. If the message has a key and that is another's by now, it is as if the mailbox had
    /// closed.
    pub(super) async fn wait_at_member(
        &self,
        group: &ActorAddress,
        cell: &ActorCell<M>,
        envelope: MessageEnvelope<M>,
        waiting: Option<Waiting<M>>,
    ) -> Pushed<M> {
        match self.ticket(group, cell, &envelope) {
            Ok(None) => standing_in_line(pin!(cell.queue.send(envelope)), waiting).await,
            Ok(Some(ticket)) => standing_in_line(pin!(cell.queue.send_by_key(envelope, ticket.claim())), waiting).await,
            Err(Moved) => Err(MailboxError::new(MailboxErrorKind::Closed, envelope)),
        }
    }

    /// The ticket with which a message may wait for room at a member, if it needs one.
    fn ticket(
        &self,
        group: &ActorAddress,
        cell: &ActorCell<M>,
        envelope: &MessageEnvelope<M>,
    ) -> Result<Option<KeyTicket>, Moved> {
        let Some((groups, name)) = self.registry.groups(group) else { return Ok(None) };
        let members = groups.get(&name).ok_or(Moved)?;
        let Some(hash) = self.registry.key(members, envelope) else { return Ok(None) };
        let keeper = members.keeper(hash).filter(|keeper| keeper.cell.epoch == cell.epoch && !keeper.has_left());
        keeper.map(|keeper| Some(keeper.ticket())).ok_or(Moved)
    }

    /// Says that the sender of a message waits until `cell`, which has left, is done with a key. Gives until when it may, or the
    /// reason why it may not.
    #[expect(clippy::type_complexity, reason = "a pair of two options is nothing to name")]
    pub(super) fn may_wait_for_key<A: Admission<M>>(
        cell: &ActorCell<M>,
        envelope: &MessageEnvelope<M>,
        admission: &mut A,
    ) -> Result<(Option<Waiting<M>>, Option<Deadline>), A::Refusal> {
        let options = cell.queue.options();
        // A handler that would wait for itself to be done, or a group in which nobody waits.
        if envelope.sending_handler() == Some(cell.id) || options.on_full() != BackpressureStrategy::Block {
            return Err(SendErrorKind::Full.into());
        }
        let waiting = admission.waits(cell, envelope)?;
        admission.pauses();
        Ok((waiting, Deadline::earlier(options.longest_wait().map(Deadline::after), envelope.expiry())))
    }

    /// Waits until no message of a key is with `cell`, or nothing is sent any more. Gives the reason if it is time to give up.
    pub(super) async fn key_is_gone(
        &self,
        cell: &ActorCell<M>,
        key: RouteKey,
        until: Option<Deadline>,
    ) -> Result<(), SendErrorKind> {
        let mut wait = cell.queue.wait_for_key(key);
        let gone = std::future::poll_fn(|cx| match wait.poll_gone(cx) {
            // Looked at when the shutdown knows whom to wake.
            Poll::Pending if self.is_shut() => Poll::Ready(Ok(())),
            polled => polled,
        });
        let gone = match until.and_then(Deadline::instant) {
            Some(until) => tokio::time::timeout_at(until, gone).await.unwrap_or(Err(MailboxErrorKind::TimedOut)),
            None => gone.await,
        };
        gone.map_err(|kind| self.explain(kind))
    }
}
