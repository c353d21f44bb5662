use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use tokio::sync::watch;

use super::{Provider, ServiceChange, ServiceChanges};
use crate::address::ActorAddress;
use crate::feed::{Feed, Follower, Told};
use crate::limits::{LimitError, Place};
use crate::sync::{Mutex, MutexGuard};

/// Who follows the services and pools of one broker.
///
/// Its lock is the one under which members come and go, so that changes are told in the order in which they happen, and
/// fit to what those who begin to follow are told first.
#[derive(Default)]
pub(crate) struct Directory {
    followed: Arc<Followed>,
    /// How often members have come or gone here.
    changes: watch::Sender<u64>,
}

/// What a directory shares with those who follow.
#[derive(Default)]
pub(super) struct Followed {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// The members that other brokers have, by what is built on this one.
    elsewhere: HashMap<ActorAddress, Vec<Provider>, RandomState>,
    /// Those that are followed.
    services: HashMap<ActorAddress, Service, RandomState>,
    /// Whom to wake when no lock is held.
    told: Vec<Told<ServiceChange>>,
    /// Whether members have come or gone here since then.
    is_news: bool,
}

struct Service {
    providers: Vec<Provider>,
    feed: Feed<ServiceChange>,
    followers: usize,
}

/// The right to change who is in a service or pool.
pub(crate) struct Changing<'a>(MutexGuard<'a, Table>);

impl Directory {
    /// Lets nobody else change who is in a service or pool, for as long as what is returned is kept.
    pub(crate) fn changing(&self) -> Changing<'_> {
        Changing(self.followed.table.lock())
    }

    /// Wakes those who were told something. To be called after a change, when no lock is held.
    pub(crate) fn wake(&self) {
        let mut table = self.followed.table.lock();
        let (told, is_news) = (std::mem::take(&mut table.told), std::mem::take(&mut table.is_news));
        drop(table);
        told.into_iter().for_each(Told::wake);
        if is_news {
            self.changes.send_modify(|changes| *changes += 1);
        }
    }

    /// Waits until members have come or gone here more often than that, and says how often.
    pub(crate) async fn changed(&self, known: u64) -> u64 {
        let mut changes = self.changes.subscribe();
        // The sender is here, so it does not end.
        changes.wait_for(|changes| *changes != known).await.map_or(known, |changes| *changes)
    }

    /// Notes the members of a group that other brokers have, and tells who of them came and went.
    pub(crate) fn set_elsewhere(&self, group: &ActorAddress, providers: Vec<Provider>) {
        let mut changing = self.changing();
        let before = changing.0.elsewhere.remove(group).unwrap_or_default();
        for gone in before.iter().filter(|known| !providers.contains(known)) {
            changing.tell(group, || ServiceChange::Left(gone.clone()));
        }
        for come in providers.iter().filter(|known| !before.contains(known)) {
            changing.tell(group, || ServiceChange::Joined(come.clone()));
        }
        if !providers.is_empty() {
            changing.0.elsewhere.insert(group.clone(), providers);
        }
        drop(changing);
        self.wake();
    }

    /// The members of a group that other brokers have.
    pub(crate) fn elsewhere(&self, group: &ActorAddress) -> Vec<Provider> {
        self.followed.table.lock().elsewhere.get(group).cloned().unwrap_or_default()
    }

    /// The groups of which other brokers have members.
    pub(crate) fn all_elsewhere(&self) -> Vec<ActorAddress> {
        self.followed.table.lock().elsewhere.keys().cloned().collect()
    }

    /// Follows a service of which these are `present` here, with room for `capacity` changes.
    pub(crate) fn follow(
        &self,
        service: &ActorAddress,
        place: Result<Place, LimitError>,
        capacity: usize,
        present: impl FnOnce() -> Vec<Provider>,
    ) -> ServiceChanges {
        if place.is_err() {
            let follower = Feed::new().follow_in(place, capacity);
            return ServiceChanges::new(Arc::clone(&self.followed), service.clone(), None, follower);
        }
        let mut table = self.followed.table.lock();
        let Table { elsewhere, services, .. } = &mut *table;
        let known = services.entry(service.clone()).or_insert_with(|| {
            let mut providers = present();
            providers.extend(elsewhere.get(service).into_iter().flatten().cloned());
            Service { providers, feed: Feed::new(), followers: 0 }
        });
        known.followers += 1;
        let (first, follower) = (known.providers.clone(), known.feed.follow_in(place, capacity));
        drop(table);
        ServiceChanges::new(Arc::clone(&self.followed), service.clone(), Some(first), follower)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let services = std::mem::take(&mut self.followed.table.lock().services);
        services.values().for_each(|service| service.feed.end());
    }
}

impl Changing<'_> {
    /// Says that a member has come or gone here.
    pub(crate) fn tell_here(&mut self, service: &ActorAddress, change: impl FnOnce() -> ServiceChange) {
        self.0.is_news = true;
        self.tell(service, change);
    }

    /// Tells a change to those who follow the service, if anybody does.
    fn tell(&mut self, service: &ActorAddress, change: impl FnOnce() -> ServiceChange) {
        let Some(known) = self.0.services.get_mut(service) else { return };
        let change = change();
        let told = known.feed.put(&change);
        change.apply(&mut known.providers);
        self.0.told.push(told);
    }
}

impl Followed {
    /// Who is there now. What the follower has not heard is in that; gives how much it was.
    pub(super) fn present(
        &self,
        service: &ActorAddress,
        follower: &mut Follower<ServiceChange>,
    ) -> (Vec<Provider>, u64) {
        // In one step, as changes are told under the same lock.
        let table = self.table.lock();
        let unheard = follower.skip();
        // It is gone when the broker is, and everybody with it.
        let providers = table.services.get(service).map(|service| service.providers.clone());
        (providers.unwrap_or_default(), unheard)
    }

    /// One that followed does so no more.
    pub(super) fn leave(&self, service: &ActorAddress) {
        let mut table = self.table.lock();
        let Some(known) = table.services.get_mut(service) else { return };
        known.followers -= 1;
        if known.followers == 0 {
            table.services.remove(service);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{Bounds, Table};

    #[test]
    fn a_service_is_forgotten_with_the_last_who_follows_it() {
        let directory = Directory::default();
        let service = ActorAddress::service("search").unwrap();
        let bounds = Arc::<Bounds>::default();
        let place = || bounds.take(Table::Followers);
        let count = || directory.followed.table.lock().services.len();
        let first = directory.follow(&service, place(), 1, Vec::new);
        let second = directory.follow(&service, place(), 1, || panic!("who is there is known"));
        drop(first);
        assert_eq!(count(), 1);
        drop(second);
        assert_eq!(count(), 0);
    }
}
