//! Names, ids, services and pools: who comes, who goes, and whom a message reaches.

mod model;

use std::collections::BTreeSet;

use switchboard::actor::{Inbox, Registration};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::metrics::Outcome;
use switchboard::services::{MemberOptions, Membership, Provider, ServiceChanges, Version};
use switchboard::{BackpressureStrategy, MailboxOptions, MessageBroker};

use self::model::{Member, Model, ROOM};
use super::support::{Broker, Note, at_once, letter, number};

/// One name under all kinds, and a second one.
const PLACES: [&str; 5] = ["named:a", "named:b", "service:a", "pool:a", "service:b"];

/// Those of them that are groups.
const GROUPS: [usize; 3] = [2, 3, 4];

/// Letters of the steps, those that are to be frequent more than once.
const LETTERS: &[u8] = b"rrrricuddjjjlkssssstvvvvvvf";

/// What can be done. Actors and memberships are meant by their places in the order in which they came.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Register {
        place: usize,
    },
    /// Under the id that an actor has or had.
    RegisterAtId {
        of: usize,
    },
    Close {
        actor: usize,
    },
    /// By its registration, which may have ended long ago.
    Unregister {
        actor: usize,
    },
    DropInbox {
        actor: usize,
    },
    Join {
        actor: usize,
        group: usize,
    },
    Leave {
        membership: usize,
    },
    /// Lets go of the membership, so that only the actor's end ends it.
    Keep {
        membership: usize,
    },
    Send {
        place: usize,
    },
    SendToId {
        of: usize,
    },
    Receive {
        actor: usize,
    },
    /// Reads what a follower of the group was told.
    Follow {
        group: usize,
    },
}

impl From<[u8; 3]> for Step {
    fn from([what, one, other]: [u8; 3]) -> Self {
        let (one, other) = (number(one), number(other));
        match letter(LETTERS, what) {
            b'r' => Self::Register { place: one % PLACES.len() },
            b'i' => Self::RegisterAtId { of: one },
            b'c' => Self::Close { actor: one },
            b'u' => Self::Unregister { actor: one },
            b'd' => Self::DropInbox { actor: one },
            b'j' => Self::Join { actor: one, group: GROUPS[other % GROUPS.len()] },
            b'l' => Self::Leave { membership: one },
            b'k' => Self::Keep { membership: one },
            b's' => Self::Send { place: one % PLACES.len() },
            b't' => Self::SendToId { of: one },
            b'v' => Self::Receive { actor: one },
            _ => Self::Follow { group: one % GROUPS.len() },
        }
    }
}

/// Takes the steps with the registry and with its model, and panics where they differ.
pub(crate) fn run(steps: impl IntoIterator<Item = Step>) {
    let mut both = Both::new();
    for step in steps {
        both.take(step);
        both.compare();
    }
    both.end();
}

/// The registry beside its model.
struct Both {
    model: Model,
    broker: Broker,
    places: Vec<ActorAddress>,
    inboxes: Vec<Option<Inbox<Note, Broker>>>,
    registrations: Vec<Registration>,
    memberships: Vec<(Membership<Note>, usize)>,
    followers: Vec<(ServiceChanges, Vec<Provider>)>,
    sent: u64,
    received: u64,
    abandoned: u64,
}

impl Both {
    fn new() -> Self {
        let broker = Broker::new();
        let places: Vec<ActorAddress> = PLACES.iter().map(|place| place.parse().unwrap()).collect();
        // With room for two changes, so that some are missed.
        let followers = GROUPS.map(|group| (broker.follow_service(&places[group], 2), Vec::new())).into();
        Self {
            model: Model::default(),
            broker,
            places,
            inboxes: Vec::new(),
            registrations: Vec::new(),
            memberships: Vec::new(),
            followers,
            sent: 0,
            received: 0,
            abandoned: 0,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Register { place } => self.register(&self.places[place].clone()),
            Step::RegisterAtId { of } => self.register(&self.id_of(of).into()),
            Step::Close { actor } => self.close(actor),
            Step::Unregister { actor } => self.unregister(actor),
            Step::DropInbox { actor } => self.drop_inbox(actor),
            Step::Join { actor, group } => self.join(actor, &self.places[group].clone()),
            Step::Leave { membership } => self.leave(membership),
            Step::Keep { membership } => {
                if let Some(place) = membership.checked_rem(self.memberships.len()) {
                    self.memberships.remove(place).0.keep();
                }
            }
            Step::Send { place } => self.send(&self.places[place].clone()),
            Step::SendToId { of } => self.send(&self.id_of(of).into()),
            Step::Receive { actor } => self.receive(actor),
            Step::Follow { group } => self.follow(group),
        }
    }

    /// The id of that actor, or of none if there was none.
    fn id_of(&self, actor: usize) -> ActorId {
        self.any(actor).map_or_else(ActorId::next, |actor| self.registrations[actor].actor)
    }

    fn any(&self, actor: usize) -> Option<usize> {
        actor.checked_rem(self.inboxes.len())
    }

    fn register(&mut self, address: &ActorAddress) {
        let mailbox = MailboxOptions::bounded(ROOM).strategy(BackpressureStrategy::Error);
        let expected = self.model.is_free(address);
        match at_once(self.broker.register(address, mailbox)) {
            Ok(inbox) => {
                assert_eq!(expected, Ok(()));
                self.model.register(inbox.id(), address);
                self.registrations.push(inbox.registration());
                self.inboxes.push(Some(inbox));
            }
            Err(error) => assert_eq!(expected, Err(error)),
        }
    }

    fn close(&mut self, actor: usize) {
        let Some(actor) = self.any(actor) else { return };
        if let Some(inbox) = &mut self.inboxes[actor] {
            inbox.close();
            self.model.close(actor);
        }
    }

    fn unregister(&mut self, actor: usize) {
        let Some(actor) = self.any(actor) else { return };
        let ended = at_once(self.broker.unregister(&self.registrations[actor]));
        assert_eq!(ended, self.model.close(actor));
    }

    fn drop_inbox(&mut self, actor: usize) {
        let Some(actor) = self.any(actor) else { return };
        drop(self.inboxes[actor].take());
        self.abandoned += self.model.end(actor) as u64;
    }

    fn join(&mut self, actor: usize, group: &ActorAddress) {
        let Some(actor) = self.any(actor) else { return };
        let version = (actor % 2 == 0).then_some(actor as u64);
        let options = MemberOptions::new();
        let options = version.into_iter().fold(options, |options, major| options.version(Version::new(major, 0, 0)));
        let joined = at_once(self.broker.join(group, &self.registrations[actor], options));
        let expected = self.model.join(group, Member { actor, version });
        assert_eq!(joined.as_ref().err(), expected.as_ref().err());
        self.memberships.extend(joined.ok().map(|membership| (membership, actor)));
    }

    fn leave(&mut self, membership: usize) {
        let Some(place) = membership.checked_rem(self.memberships.len()) else { return };
        let (membership, actor) = self.memberships.remove(place);
        self.model.leave(membership.group(), actor);
        membership.leave();
    }

    fn send(&mut self, to: &ActorAddress) {
        let before = self.depths();
        let sent = self.broker.try_send(to, Note(self.sent));
        match self.model.takers(to) {
            Err(kind) => assert_eq!(sent.map_err(|error| error.kind()), Err(kind), "{to}"),
            Ok(takers) => {
                assert!(sent.is_ok(), "{to}: {sent:?}");
                let taker = takers.into_iter().find(|actor| self.depths()[*actor] > before[*actor]);
                let taker = taker.expect("somebody who could take it has got it");
                self.model.actors[taker].queue.push_back(self.sent);
                self.sent += 1;
            }
        }
    }

    fn receive(&mut self, actor: usize) {
        let Some(actor) = self.any(actor) else { return };
        let Some(inbox) = &mut self.inboxes[actor] else { return };
        let received = inbox.try_recv().map(|delivery| delivery.into_message().0);
        assert_eq!(received, self.model.actors[actor].queue.pop_front());
        self.received += u64::from(received.is_some());
    }

    fn follow(&mut self, group: usize) {
        let (changes, providers) = &mut self.followers[group];
        while let Some(change) = changes.try_next() {
            change.apply(providers);
        }
        assert_eq!(*providers, at_once(self.broker.providers(&self.places[GROUPS[group]])));
    }

    fn depths(&self) -> Vec<usize> {
        self.inboxes.iter().map(|inbox| inbox.as_ref().map_or(0, Inbox::depth)).collect()
    }

    /// What must hold after every step.
    fn compare(&self) {
        let ids = self.registrations.iter().map(|registration| registration.actor.into());
        for address in self.places.iter().cloned().chain(ids) {
            let expected = self.model.members(&address);
            let members: Vec<_> = expected.iter().map(|member| self.registrations[member.actor].actor).collect();
            assert_eq!(at_once(self.broker.members(&address)), members, "{address}");
            assert_eq!(self.broker.registry().contains(&address), !members.is_empty());
            if address.is_group() {
                self.compare_providers(&address, &expected);
            }
        }
        let depths: Vec<_> = self.model.actors.iter().map(|actor| actor.queue.len()).collect();
        assert_eq!(self.depths(), depths);
        assert_eq!(self.broker.registry().len(), self.model.ids.len());
        assert_eq!(at_once(self.broker.services()).into_iter().collect::<BTreeSet<_>>(), self.model.services());
    }

    fn compare_providers(&self, group: &ActorAddress, members: &[Member]) {
        let providers = at_once(self.broker.providers(group));
        assert_eq!(providers.len(), members.len());
        for (provider, member) in providers.iter().zip(members) {
            assert_eq!(provider.actor(), self.registrations[member.actor].actor);
            assert_eq!(provider.version(), member.version.map(|major| Version::new(major, 0, 0)).as_ref());
        }
        let newest = members.iter().filter_map(|member| member.version).max();
        let is_newest = |provider: &Provider| provider.version().map(|version| version.major) == newest;
        let found = at_once(self.broker.find_provider(group, is_newest));
        assert_eq!(found.is_some(), !members.is_empty());
    }

    /// All go, those that came last first; then nobody is left, and no message is missing.
    fn end(mut self) {
        for actor in (0..self.inboxes.len()).rev() {
            self.drop_inbox(actor);
            self.compare();
        }
        (0..GROUPS.len()).for_each(|group| self.follow(group));
        assert!(self.broker.registry().is_empty());
        let audit = self.broker.audit();
        assert!(audit.is_balanced() && audit.is_at_rest(), "{audit}");
        let counted = [Outcome::Handled, Outcome::Abandoned].map(|outcome| audit.outcomes[outcome]);
        assert_eq!((audit.accepted, counted), (self.sent, [self.received, self.abandoned]));
    }
}
