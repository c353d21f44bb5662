use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::copies::Copies;
use super::offer::Target;
use super::{Hub, SendErrorKind};
use crate::actor::ActorCell;
use crate::address::{ActorAddress, ActorId};
use crate::balancing::RoundRobin;
use crate::broker::RegisterError;
use crate::limits::Table;
use crate::mailbox::MailboxOptions;
use crate::message::{Deadline, Message, MessageEnvelope};
use crate::topics::{ActorSubscription, Audience, Interest, Published, Recipient, Seat, Subscriber};

/// A copy that was not accepted, and whose loss that is.
struct Missed<'a, M> {
    copy: MessageEnvelope<M>,
    by: Option<&'a Subscriber<M>>,
}

impl<M: Message> Hub<M> {
    /// Registers the actor that a subscription is.
    pub(super) fn register_subscriber(&self, mailbox: MailboxOptions) -> Result<Arc<ActorCell<M>>, RegisterError> {
        self.register(&ActorAddress::Id(ActorId::next()), Some(mailbox), false)
    }

    pub(super) fn subscribe_actor(
        self: &Arc<Self>,
        interest: Interest,
        to: &ActorAddress,
    ) -> Result<ActorSubscription<M>, RegisterError> {
        if self.is_shut() {
            return Err(RegisterError::ShutDown);
        }
        let place = self.bounds.take(Table::Subscriptions)?;
        let seat = Seat::take(self, interest, Recipient::Address(to.clone()), place);
        Ok(ActorSubscription::new(seat, to.clone()))
    }

    /// Gives each receiver its copy. Never waits.
    pub(super) fn publish(
        self: &Arc<Self>,
        audience: Audience<'_>,
        mut envelope: MessageEnvelope<M>,
        copy: impl Fn(&MessageEnvelope<M>) -> Option<MessageEnvelope<M>>,
    ) -> Published<M> {
        // Whoever publishes does not wait for anybody.
        envelope.leave_sender();
        let mut published = Published { delivered: 0, refused: 0, sent_on: false, returned: None };
        if envelope.expiry() == Some(Deadline::PASSED) {
            published.returned = Some(envelope);
        } else {
            let handing = AssertUnwindSafe(|| self.hand_out(audience, envelope, copy, &mut published));
            // What was delivered before a clone panicked counts, and the panic is the publisher's.
            if let Err(panic) = catch_unwind(handing) {
                self.subscriptions.count(&published);
                resume_unwind(panic);
            }
        }
        self.subscriptions.count(&published);
        published
    }

    fn hand_out(
        self: &Arc<Self>,
        audience: Audience<'_>,
        envelope: MessageEnvelope<M>,
        copy: impl Fn(&MessageEnvelope<M>) -> Option<MessageEnvelope<M>>,
        published: &mut Published<M>,
    ) {
        let matches = match audience {
            Audience::All(subject) => self.subscriptions.matching(subject),
            Audience::Alone(subject) => self.subscriptions.matching_alone(subject),
            Audience::With(interest) => self.subscriptions.with_interest(interest),
        };
        let mut copies = Copies::of(envelope, matches.receivers().count(), &self.dead_letters.disposal, copy);
        for members in matches.receivers() {
            let Some(copy) = copies.next() else { break };
            match self.give(members, copy) {
                Ok(()) => published.delivered += 1,
                Err(missed) => {
                    copies.put_back(missed.copy);
                    if let Some(subscriber) = missed.by {
                        subscriber.count_refused();
                        published.refused += 1;
                    }
                }
            }
        }
        if published.delivered == 0 {
            published.returned = copies.rest();
        }
    }

    /// Gives a copy to one of the members, in turn, and to one without room only if none has.
    fn give<'a>(
        self: &Arc<Self>,
        members: &'a [Arc<Subscriber<M>>],
        copy: MessageEnvelope<M>,
    ) -> Result<(), Missed<'a, M>> {
        let turn = members.first().and_then(|first| first.turn());
        let first = turn.and_then(|turn| RoundRobin.first(turn, members.len())).unwrap_or(0);
        let (before, from) = members.split_at(first);
        let in_turn = || from.iter().chain(before);
        let mut missed = Missed { copy, by: None };
        if members.len() > 1 {
            match self.give_first(in_turn().filter(|member| !self.is_full(member)), missed) {
                Ok(()) => return Ok(()),
                Err(back) => missed = back,
            }
        }
        self.give_first(in_turn(), missed)
    }

    /// Gives a copy to the first that takes it. If none does, it is the loss of the first that could have.
    fn give_first<'a>(
        self: &Arc<Self>,
        members: impl Iterator<Item = &'a Arc<Subscriber<M>>>,
        mut missed: Missed<'a, M>,
    ) -> Result<(), Missed<'a, M>> {
        for member in members {
            let target = match &member.recipient {
                Recipient::Own(cell) => Target::Actor(cell),
                Recipient::Address(address) => Target::Address(address),
            };
            let Err(error) = self.try_send(&target, missed.copy) else { return Ok(()) };
            let is_over = match error.kind() {
                SendErrorKind::ShutDown => true,
                SendErrorKind::ActorStopped => matches!(target, Target::Actor(_)),
                _ => false,
            };
            let is_nobody = error.kind().is_nobody();
            let mut copy = error.into_envelope();
            if is_nobody && let Recipient::Address(to) = &member.recipient {
                copy = match self.send_share_out(to, copy, member) {
                    Ok(()) => return Ok(()),
                    Err(copy) => copy,
                };
            }
            missed = Missed { copy, by: missed.by.or((!is_over).then_some(member)) };
        }
        Err(missed)
    }

    /// Whether a copy would find no room there, as far as can be told beforehand.
    fn is_full(&self, subscriber: &Subscriber<M>) -> bool {
        let is_full = |cell: &ActorCell<M>| cell.queue.depth() >= cell.queue.options().limit();
        match &subscriber.recipient {
            Recipient::Own(cell) => is_full(cell),
            // Looking would be the turn of one of its members.
            Recipient::Address(group) if group.is_group() => false,
            Recipient::Address(address) => self.registry.find(address, |cell| (!is_full(cell)).then_some(())).is_none(),
        }
    }
}
