use super::ActorRegistry;
use crate::address::{ActorAddress, Name};
use crate::balancing::Strategy;
use crate::mailbox::BackpressureStrategy;
use crate::message::{Message, MessageEnvelope};
use crate::services::Provider;

/// A member of a group in this broker at one moment, as a broker that is built on it and has members elsewhere sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outlook {
    /// Who it is, and as what it has joined.
    pub provider: Provider,
    /// Messages before it: in its mailbox, and in its handler.
    pub load: usize,
    /// Whether a message for it would be refused or have to wait for room.
    pub is_full: bool,
    /// Whether it is passed over for now, because it keeps failing.
    pub is_aside: bool,
}

impl<M: Message> ActorRegistry<M> {
    /// The members of a group that take messages, those that have been there longest first.
    pub fn outlook(&self, group: &ActorAddress) -> Vec<Outlook> {
        let Some((groups, name)) = self.groups(group) else { return Vec::new() };
        let Some(group) = groups.get(&name) else { return Vec::new() };
        let members = group.open().map(|member| {
            let (queue, health) = (&member.cell.queue, &member.cell.health);
            // Under the other strategies there is always room for one more.
            let may_refuse =
                matches!(queue.options().on_full(), BackpressureStrategy::Block | BackpressureStrategy::Error);
            Outlook {
                provider: member.seat.provider.clone(),
                load: member.cell.load(),
                is_full: may_refuse && queue.depth() >= queue.options().limit(),
                is_aside: !health.is_open(),
            }
        });
        members.collect()
    }

    /// All groups that have members, and these.
    pub fn all_providers(&self) -> Vec<(ActorAddress, Vec<Provider>)> {
        let (services, pools) = (self.services.pin(), self.pools.pin());
        let services = services.iter().map(|(name, group)| (ActorAddress::Service(name.0.clone()), group));
        let pools = pools.iter().map(|(name, group)| (ActorAddress::Pool(name.0.clone()), group));
        let providers = services.chain(pools).map(|(address, group)| {
            (address, group.open().map(|member| member.seat.provider.clone()).collect::<Vec<_>>())
        });
        providers.filter(|(_, providers)| !providers.is_empty()).collect()
    }

    /// How the member for this message would be picked; `None` if it is for all of them.
    pub fn strategy_for(&self, group: &ActorAddress, envelope: &MessageEnvelope<M>) -> Option<Strategy> {
        let none = super::Group::default();
        let groups = self.groups(group);
        let group = groups.as_ref().and_then(|(groups, name)| groups.get(name)).unwrap_or(&none);
        self.clone_for_all(group, envelope).is_none().then(|| self.strategy(group, envelope))
    }

    /// The members of a group, those of other brokers after those that are here.
    pub(in crate::broker) fn providers(&self, group: &ActorAddress) -> Vec<Provider> {
        let mut providers = self.providers_here(group);
        providers.extend(self.directory.elsewhere(group));
        providers
    }

    /// The services that have members.
    pub(in crate::broker) fn provided(&self) -> Vec<Name> {
        let mut names = self.provided_here();
        let elsewhere = self.directory.all_elsewhere().into_iter().filter_map(|group| match group {
            ActorAddress::Service(name) => Some(name),
            _ => None,
        });
        for name in elsewhere {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}
