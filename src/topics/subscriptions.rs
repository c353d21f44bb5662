use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::matches::Subscribers;
use super::{EntryKey, Interest, Matches, Published, Recipient, Subject, Subscriber, Trie};
use crate::address::Name;
use crate::balancing::Cursor;
use crate::limits::Place;
use crate::metrics::Publishing;
use crate::sync::RwLock;
use crate::sync::atomic::{AtomicU64, Ordering};

/// All subscriptions of one broker.
pub(crate) struct Subscriptions<M> {
    table: RwLock<Table<M>>,
    published: AtomicU64,
    unheard: AtomicU64,
    delivered: AtomicU64,
    refused: AtomicU64,
}

struct Table<M> {
    subscribers: Trie<Seated<M>>,
    groups: HashMap<Name, Group, RandomState>,
    count: usize,
}

/// A subscription, and its place among those that there may be.
struct Seated<M> {
    subscriber: Arc<Subscriber<M>>,
    _place: Place,
}

struct Group {
    turn: Arc<Cursor>,
    members: usize,
}

impl<M> Subscriptions<M> {
    pub(crate) fn new() -> Self {
        let table = Table { subscribers: Trie::default(), groups: HashMap::default(), count: 0 };
        Self {
            table: RwLock::new(table),
            published: AtomicU64::new(0),
            unheard: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    pub(super) fn insert(
        &self,
        interest: &Interest,
        recipient: Recipient<M>,
        place: Place,
    ) -> (EntryKey, Arc<Subscriber<M>>) {
        let mut table = self.table.write();
        let group = interest.group().map(|name| table.join(name));
        let subscriber = Arc::new(Subscriber::new(recipient, group));
        table.count += 1;
        let seated = Seated { subscriber: Arc::clone(&subscriber), _place: place };
        (table.subscribers.insert(interest.pattern(), seated), subscriber)
    }

    /// Takes a subscription out, if it is still there, for the caller to drop without the lock.
    pub(super) fn remove(&self, interest: &Interest, key: EntryKey) -> Option<Arc<Subscriber<M>>> {
        let mut table = self.table.write();
        let removed = table.subscribers.remove(interest.pattern(), key)?;
        table.count -= 1;
        interest.group().into_iter().for_each(|name| table.leave(name));
        Some(removed.subscriber)
    }

    /// Those that match now. What is done with them, is done without the lock.
    pub(crate) fn matching(&self, subject: &Subject) -> Matches<M> {
        let mut subscribers = Subscribers::new();
        self.table.read().subscribers.for_each_match(subject, |found| subscribers.push(Arc::clone(&found.subscriber)));
        Matches::new(subscribers)
    }

    /// As [`matching`](Self::matching), without those that are in a group.
    pub(crate) fn matching_alone(&self, subject: &Subject) -> Matches<M> {
        let mut subscribers = Subscribers::new();
        self.table.read().subscribers.for_each_match(subject, |found| {
            if !found.subscriber.is_in_a_group() {
                subscribers.push(Arc::clone(&found.subscriber));
            }
        });
        Matches::new(subscribers)
    }

    /// Those that have exactly this interest.
    pub(crate) fn with_interest(&self, interest: &Interest) -> Matches<M> {
        let mut subscribers = Subscribers::new();
        let table = self.table.read();
        let group = interest.group().and_then(|name| table.groups.get(name)).map(|group| Arc::as_ptr(&group.turn));
        // A group that nobody is in has no key, and must not be taken for none.
        if group.is_some() == interest.group().is_some() {
            table.subscribers.for_each_under(interest.pattern(), |found| {
                if found.subscriber.group_key() == group {
                    subscribers.push(Arc::clone(&found.subscriber));
                }
            });
        }
        drop(table);
        Matches::new(subscribers)
    }

    pub(crate) fn count(&self, published: &Published<M>) {
        // Relaxed: counts, that nothing else goes by.
        self.published.fetch_add(1, Ordering::Relaxed);
        self.unheard.fetch_add(u64::from(published.delivered == 0), Ordering::Relaxed);
        self.delivered.fetch_add(published.delivered as u64, Ordering::Relaxed);
        self.refused.fetch_add(published.refused as u64, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> Publishing {
        Publishing {
            subscriptions: self.table.read().count,
            published: self.published.load(Ordering::Relaxed),
            unheard: self.unheard.load(Ordering::Relaxed),
            delivered: self.delivered.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}

impl<M> Table<M> {
    fn join(&mut self, name: &Name) -> Arc<Cursor> {
        let new = || Group { turn: Arc::default(), members: 0 };
        let group = self.groups.entry(name.clone()).or_insert_with(new);
        group.members += 1;
        Arc::clone(&group.turn)
    }

    fn leave(&mut self, name: &Name) {
        if let Some(group) = self.groups.get_mut(name) {
            group.members -= 1;
            if group.members == 0 {
                self.groups.remove(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::ActorAddress;
    use crate::limits::{Bounds, Table};
    use crate::topics::SubjectPattern;

    #[test]
    fn a_group_is_forgotten_with_its_last_member() {
        let subscriptions = Subscriptions::<()>::new();
        let interest = SubjectPattern::new("a").unwrap().in_group(Name::new("group").unwrap());
        let bounds = Arc::<Bounds>::default();
        let place = || bounds.take(Table::Subscriptions).unwrap();
        let nobody = || Recipient::Address(ActorAddress::named("nobody").unwrap());
        let (first, _) = subscriptions.insert(&interest, nobody(), place());
        let (second, _) = subscriptions.insert(&interest, nobody(), place());
        assert!(subscriptions.remove(&interest, first).is_some());
        assert!(subscriptions.remove(&interest, first).is_none());
        assert_eq!(subscriptions.table.read().groups.len(), 1);
        assert!(subscriptions.remove(&interest, second).is_some());
        assert_eq!(subscriptions.table.read().groups.len(), 0);
        assert_eq!(subscriptions.counts().subscriptions, 0);
    }
}
