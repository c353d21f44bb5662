use std::fmt;
use std::sync::Arc;

use switchboard::actor::{OnPanic, SpawnOptions};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::broker::MessageBroker;
use switchboard::mailbox::MailboxOptions;
use switchboard::message::Message;

use super::log::Place;
use super::shared::Shared;
use super::{Fault, FaultEntry, FaultPlan};

/// A broker around another, that does to messages what its [`FaultPlan`] says: see [`faults`](super).
///
/// A handle is cheap; clone it freely. All clones draw from the same seed and write to the same log, which grows with each
/// message.
#[derive(Clone)]
pub struct FaultyBroker<B> {
    inner: B,
    shared: Arc<Shared>,
}

impl<B> FaultyBroker<B> {
    /// Wraps this broker. Its time begins now.
    pub fn new(inner: B, plan: FaultPlan) -> Self {
        Self { inner, shared: Arc::new(Shared::new(plan)) }
    }

    /// The broker inside, for what is to happen without faults.
    pub fn inner(&self) -> &B {
        &self.inner
    }

    /// All that was done up to now, and what was let pass.
    #[must_use]
    pub fn log(&self) -> Vec<FaultEntry> {
        self.shared.log()
    }

    /// The log as text, a line for each entry.
    #[must_use]
    pub fn log_text(&self) -> String {
        self.log().iter().map(|entry| format!("{entry}\n")).collect()
    }

    /// How often this fault has struck.
    #[must_use]
    pub fn struck(&self, fault: Fault) -> u64 {
        self.shared.struck(fault)
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The options that an actor gets.
    pub(super) fn spoil(&self, address: &ActorAddress, options: SpawnOptions) -> SpawnOptions {
        let mailbox = options.mailbox_options().map(|mailbox| self.overfill(address, mailbox));
        let options = mailbox.map_or(options, |mailbox| options.mailbox(mailbox));
        let is_rebuilt = options.panic_policy() == OnPanic::Rebuild;
        if is_rebuilt && self.shared.strike(Fault::NeverRebuild, "spawn", Place::Address(address)) {
            return options.on_panic(OnPanic::Stop);
        }
        options
    }

    /// The mailbox that is made in place of this one.
    pub(super) fn overfill(&self, address: &ActorAddress, mailbox: MailboxOptions) -> MailboxOptions {
        match mailbox.capacity() {
            Some(capacity) if self.shared.strike(Fault::OverfillMailbox, "register", Place::Address(address)) => {
                let larger = MailboxOptions::bounded((2 * capacity).max(1)).strategy(mailbox.on_full());
                mailbox.longest_wait().map_or(larger, |limit| larger.block_limit(limit))
            }
            _ => mailbox,
        }
    }

    /// Where an actor that wants this address is made.
    pub(super) async fn claim<M: Message>(&self, address: &ActorAddress) -> ActorAddress
    where
        B: MessageBroker<M>,
    {
        let is_taken = !address.is_group() && !self.inner.members(address).await.is_empty();
        if is_taken && self.shared.strike(Fault::SecondOwner, "register", Place::Address(address)) {
            return ActorAddress::Id(ActorId::next());
        }
        address.clone()
    }

    /// Where a message to this address goes.
    pub(super) async fn lead<M: Message>(&self, call: &'static str, to: &ActorAddress) -> ActorAddress
    where
        B: MessageBroker<M>,
    {
        if !to.is_group() || !self.shared.strike(Fault::KeepToOneMember, call, Place::Address(to)) {
            return to.clone();
        }
        let first = self.inner.members(to).await.first().copied();
        self.shared.favourite(to, first).map_or_else(|| to.clone(), ActorAddress::Id)
    }
}

impl<B> fmt::Debug for FaultyBroker<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyBroker").field("plan", self.shared.plan()).finish_non_exhaustive()
    }
}
