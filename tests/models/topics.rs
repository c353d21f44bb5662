//! Subscriptions with and without groups, whose mailboxes fill up, and what is published meanwhile.

use std::collections::VecDeque;

use switchboard::address::{ActorAddress, Name};
use switchboard::metrics::Outcome;
use switchboard::topics::{ActorSubscription, Interest, Subject, SubjectPattern, Subscription};
use switchboard::{BackpressureStrategy, MailboxOptions, MessageBroker};

use super::support::{Broker, Note, at_once, letter, number};

const PATTERNS: [&str; 10] = ["a", "a.b", "a.*", "*.b", ">", "a.>", "*.*", "*", "b.*.c", "a.b.c"];
const SUBJECTS: [&str; 8] = ["a", "b", "a.b", "a.c", "b.b", "a.b.c", "b.a.c", "c.c.c.c"];

/// Letters of the steps, those that are to be frequent more than once.
const LETTERS: &[u8] = b"ssssgggacdxppppppppvvvvvvvv";

/// Messages that a mailbox has room for.
const ROOM: usize = 2;

/// What can be done. Subscriptions are meant by their places in the order in which they came.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Subscribe {
        pattern: usize,
        strategy: BackpressureStrategy,
    },
    /// As a member of one of two groups.
    Share {
        pattern: usize,
        group: usize,
        strategy: BackpressureStrategy,
    },
    /// For one of the subscriptions, whose actor gets those messages as well.
    SubscribeActor {
        pattern: usize,
        actor: usize,
    },
    Close {
        subscription: usize,
    },
    Drop {
        subscription: usize,
    },
    /// Ends what an actor was subscribed to.
    DropActor {
        subscription: usize,
    },
    Publish {
        subject: usize,
    },
    Receive {
        subscription: usize,
    },
}

impl From<[u8; 3]> for Step {
    fn from([what, one, other]: [u8; 3]) -> Self {
        use BackpressureStrategy::{Block, DropNewest, DropOldest, Error};
        let (one, other) = (number(one), number(other));
        let (pattern, strategy) = (one % PATTERNS.len(), [Error, DropOldest, DropNewest, Block][other % 4]);
        match letter(LETTERS, what) {
            b's' => Self::Subscribe { pattern, strategy },
            b'g' => Self::Share { pattern, group: other / 4 % 2, strategy },
            b'a' => Self::SubscribeActor { pattern, actor: other },
            b'c' => Self::Close { subscription: one },
            b'd' => Self::Drop { subscription: one },
            b'x' => Self::DropActor { subscription: one },
            b'p' => Self::Publish { subject: one % SUBJECTS.len() },
            _ => Self::Receive { subscription: one },
        }
    }
}

/// Takes the steps with the topics and with a plain list, and panics where they differ.
pub(crate) fn run(steps: impl IntoIterator<Item = Step>) {
    let mut both = Both::default();
    for step in steps {
        both.take(step);
        both.compare();
    }
    both.end();
}

/// A subscription with a mailbox of its own, as simple as can be, and what it stands for.
struct Own {
    real: Option<Subscription<Note, Broker>>,
    pattern: &'static str,
    group: Option<usize>,
    strategy: BackpressureStrategy,
    is_open: bool,
    queue: VecDeque<u64>,
    /// What this and all whose messages go to its actor have lost together.
    lost: u64,
}

/// A subscription whose messages go to the actor behind another.
struct ForActor {
    real: ActorSubscription<Note>,
    pattern: &'static str,
    actor: usize,
}

#[derive(Default)]
struct Both {
    broker: Broker,
    owns: Vec<Own>,
    for_actors: Vec<ForActor>,
    published: u64,
    unheard: u64,
    delivered: u64,
    refused: u64,
    evicted: u64,
    received: u64,
    abandoned: u64,
}

/// What became of a copy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Given {
    Taken,
    Refused,
}

impl Own {
    fn has_room(&self) -> bool {
        self.is_open && self.queue.len() < ROOM
    }

    /// Whether it gives back what it has no room for.
    fn refuses(&self) -> bool {
        !self.is_open || matches!(self.strategy, BackpressureStrategy::Block | BackpressureStrategy::Error)
    }

    fn matches(&self, subject: &str) -> bool {
        // Once it is closed it has no interest, though its actor is still there.
        self.is_open && matches(self.pattern, subject)
    }

    /// Gives it a copy. How many are evicted comes with what became of it.
    fn give(&mut self, number: u64) -> (Given, u64) {
        if self.has_room() {
            self.queue.push_back(number);
            return (Given::Taken, 0);
        }
        self.lost += 1;
        if self.refuses() {
            return (Given::Refused, 0);
        }
        if self.strategy == BackpressureStrategy::DropOldest {
            self.queue.pop_front();
            self.queue.push_back(number);
        }
        (Given::Taken, 1)
    }
}

impl Both {
    fn take(&mut self, step: Step) {
        match step {
            Step::Subscribe { pattern, strategy } => self.subscribe(PATTERNS[pattern], None, strategy),
            Step::Share { pattern, group, strategy } => self.subscribe(PATTERNS[pattern], Some(group), strategy),
            Step::SubscribeActor { pattern, actor } => self.subscribe_actor(PATTERNS[pattern], actor),
            Step::Close { subscription } => {
                if let Some(own) = self.own(subscription) {
                    own.real.iter_mut().for_each(Subscription::close);
                    own.is_open = false;
                }
            }
            Step::Drop { subscription } => self.drop_own(subscription),
            Step::DropActor { subscription } => self.drop_for_actor(subscription),
            Step::Publish { subject } => self.publish(SUBJECTS[subject]),
            Step::Receive { subscription } => self.receive(subscription),
        }
    }

    fn own(&mut self, subscription: usize) -> Option<&mut Own> {
        let place = subscription.checked_rem(self.owns.len())?;
        Some(&mut self.owns[place])
    }

    fn subscribe(&mut self, pattern: &'static str, group: Option<usize>, strategy: BackpressureStrategy) {
        let mailbox = MailboxOptions::bounded(ROOM).strategy(strategy);
        let wanted = SubjectPattern::new(pattern).unwrap();
        let interest = match group {
            Some(group) => wanted.in_group(Name::new(["g", "h"][group]).unwrap()),
            None => Interest::from(wanted),
        };
        let real = Some(at_once(self.broker.subscribe(interest, mailbox)).unwrap());
        let queue = VecDeque::new();
        self.owns.push(Own { real, pattern, group, strategy, is_open: true, queue, lost: 0 });
    }

    fn subscribe_actor(&mut self, pattern: &'static str, actor: usize) {
        let Some(actor) = actor.checked_rem(self.owns.len()) else { return };
        let Some(own) = &self.owns[actor].real else { return };
        let (wanted, to) = (SubjectPattern::new(pattern).unwrap(), ActorAddress::from(own.id()));
        let real = at_once(self.broker.subscribe_actor(wanted, &to)).unwrap();
        self.for_actors.push(ForActor { real, pattern, actor });
    }

    fn drop_for_actor(&mut self, subscription: usize) {
        let Some(place) = subscription.checked_rem(self.for_actors.len()) else { return };
        let ForActor { real, actor, .. } = self.for_actors.remove(place);
        self.owns[actor].lost -= real.lost();
    }

    fn drop_own(&mut self, subscription: usize) {
        let Some(own) = self.own(subscription) else { return };
        own.lost -= own.real.take().map_or(0, |real| real.lost());
        own.is_open = false;
        let left = std::mem::take(&mut own.queue).len() as u64;
        self.abandoned += left;
    }

    fn publish(&mut self, text: &'static str) {
        let number = self.published;
        self.published += 1;
        let published = at_once(self.broker.publish(&Subject::new(text).unwrap(), Note(number)));
        let mut given = self.give_to_each(text, number);
        given.extend([0, 1].into_iter().filter_map(|group| self.give_to_group(group, text, number)));
        let count = |wanted: Given| given.iter().filter(|given| **given == wanted).count();
        let (delivered, refused) = (count(Given::Taken), count(Given::Refused));
        assert_eq!((published.delivered, published.refused), (delivered, refused), "on {text}");
        let returned = published.returned.map(|envelope| envelope.into_message().0);
        assert_eq!(returned, (delivered == 0).then_some(number));
        self.delivered += delivered as u64;
        self.refused += refused as u64;
        self.unheard += u64::from(delivered == 0);
    }

    /// A copy for each subscription that is in no group and matches, and each of an actor's.
    fn give_to_each(&mut self, subject: &str, number: u64) -> Vec<Given> {
        let mut given = Vec::new();
        for own in self.owns.iter_mut().filter(|own| own.group.is_none() && own.matches(subject)) {
            let (result, evicted) = own.give(number);
            self.evicted += evicted;
            given.push(result);
        }
        for subscription in self.for_actors.iter().filter(|subscription| matches(subscription.pattern, subject)) {
            let (result, evicted) = self.owns[subscription.actor].give(number);
            self.evicted += evicted;
            given.push(result);
        }
        given
    }

    /// One copy for the members that match: whose turn it is the model does not say, but it must be one with room, if
    /// there is one.
    fn give_to_group(&mut self, group: usize, subject: &str, number: u64) -> Option<Given> {
        let is_member = |own: &Own| own.group == Some(group) && own.matches(subject);
        let members: Vec<_> = (0..self.owns.len()).filter(|place| is_member(&self.owns[*place])).collect();
        if members.is_empty() {
            return None;
        }
        let with_room: Vec<_> = members.iter().copied().filter(|place| self.owns[*place].has_room()).collect();
        let may_take = if with_room.is_empty() { &members } else { &with_room };
        let asked = may_take.iter().copied().find(|place| self.was_asked(*place));
        let (given, evicted) = self.owns[asked.expect("somebody who could take it has got or lost it")].give(number);
        self.evicted += evicted;
        Some(given)
    }

    /// Whether a message has come to this one, or been lost to it, that the model does not know of.
    fn was_asked(&self, place: usize) -> bool {
        let own = &self.owns[place];
        own.real.as_ref().is_some_and(|real| real.depth() > own.queue.len()) || self.lost(place) > own.lost
    }

    /// What this and all whose messages go to its actor have lost.
    fn lost(&self, place: usize) -> u64 {
        let of_actor = self.for_actors.iter().filter(|subscription| subscription.actor == place);
        let own = self.owns[place].real.as_ref().map_or(0, Subscription::lost);
        own + of_actor.map(|subscription| subscription.real.lost()).sum::<u64>()
    }

    fn receive(&mut self, subscription: usize) {
        let Some(own) = self.own(subscription) else { return };
        let Some(real) = &mut own.real else { return };
        let received = real.try_recv().map(|delivery| delivery.into_message().0);
        assert_eq!(received, own.queue.pop_front(), "{}", own.pattern);
        self.received += u64::from(received.is_some());
    }

    /// What must hold after every step.
    fn compare(&self) {
        for (place, own) in self.owns.iter().enumerate() {
            let depth = own.real.as_ref().map_or(0, Subscription::depth);
            assert_eq!((depth, self.lost(place)), (own.queue.len(), own.lost), "{} {:?}", own.pattern, own.strategy);
        }
        let counts = self.broker.metrics().publishing;
        let open = self.owns.iter().filter(|own| own.is_open).count();
        assert_eq!(counts.subscriptions, open + self.for_actors.len());
        let expected = (self.published, self.unheard, self.delivered, self.refused);
        assert_eq!((counts.published, counts.unheard, counts.delivered, counts.refused), expected);
    }

    /// All go, and no copy is missing.
    fn end(mut self) {
        (0..self.owns.len()).for_each(|place| self.drop_own(place));
        self.compare();
        (0..self.for_actors.len()).for_each(|_| self.drop_for_actor(0));
        self.compare();
        let audit = self.broker.audit();
        assert!(audit.is_balanced() && audit.is_at_rest(), "{audit}");
        let counted = [Outcome::Handled, Outcome::Evicted, Outcome::Abandoned].map(|outcome| audit.outcomes[outcome]);
        assert_eq!((audit.accepted, counted), (self.delivered, [self.received, self.evicted, self.abandoned]));
    }
}

/// Whether a pattern matches, as plainly as it can be written.
fn matches(pattern: &str, subject: &str) -> bool {
    let (pattern, subject): (Vec<_>, Vec<_>) = (pattern.split('.').collect(), subject.split('.').collect());
    let agree = |(wanted, token): (&&str, &&str)| *wanted == "*" || wanted == token;
    match pattern.split_last() {
        Some((&">", before)) => subject.len() > before.len() && before.iter().zip(&subject).all(agree),
        _ => subject.len() == pattern.len() && pattern.iter().zip(&subject).all(agree),
    }
}
