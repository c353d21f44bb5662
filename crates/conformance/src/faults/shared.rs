use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use switchboard::actor::Registration;
use switchboard::address::{ActorAddress, ActorId};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::log::Place;
use super::{Fault, FaultEntry, FaultPlan};

/// What the handles of one faulty broker share.
#[derive(Debug)]
pub(super) struct Shared {
    plan: FaultPlan,
    since: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rng: fastrand::Rng,
    log: Vec<FaultEntry>,
    /// The numbers of actors in the log.
    numbers: HashMap<ActorId, usize>,
    /// The address that each actor was made at.
    homes: HashMap<ActorId, ActorAddress>,
    /// Who was the last to register at a name.
    owners: HashMap<ActorAddress, Registration>,
    /// The one member that messages to a group go to.
    favourites: HashMap<ActorAddress, ActorId>,
    /// Who was seen to be a member of a group.
    members: HashMap<ActorAddress, Vec<ActorId>>,
    /// What wakes the messages that are held back, by where they go.
    held: HashMap<ActorAddress, Arc<Notify>>,
}

impl Shared {
    pub(super) fn new(plan: FaultPlan) -> Self {
        let state = State {
            rng: fastrand::Rng::with_seed(plan.seed()),
            log: Vec::new(),
            numbers: HashMap::new(),
            homes: HashMap::new(),
            owners: HashMap::new(),
            favourites: HashMap::new(),
            members: HashMap::new(),
            held: HashMap::new(),
        };
        Self { plan, since: Instant::now(), state: Mutex::new(state) }
    }

    pub(super) fn plan(&self) -> &FaultPlan {
        &self.plan
    }

    pub(super) fn log(&self) -> Vec<FaultEntry> {
        self.state.lock().log.clone()
    }

    pub(super) fn struck(&self, fault: Fault) -> u64 {
        self.state.lock().log.iter().filter(|entry| entry.fault == Some(fault)).count() as u64
    }

    /// Whether the fault strikes now. What can never strike draws nothing, so that it does not change what else does.
    pub(super) fn strikes(&self, fault: Fault) -> bool {
        let rate = self.plan.rate_of(fault);
        rate > 0.0 && self.state.lock().rng.f64() < rate
    }

    /// As [`strikes`](Self::strikes), and notes it if so.
    pub(super) fn strike(&self, fault: Fault, call: &'static str, place: Place<'_>) -> bool {
        let strikes = self.strikes(fault);
        if strikes {
            self.note(call, place, Some(fault), None);
        }
        strikes
    }

    /// How long a message is delayed, if it is.
    pub(super) fn delay(&self, call: &'static str, place: Place<'_>) -> Option<Duration> {
        let strikes = self.strikes(Fault::Delay);
        let delay = strikes.then(|| self.plan.draw_delay(&mut self.state.lock().rng))?;
        self.note(call, place, Some(Fault::Delay), Some(delay));
        Some(delay)
    }

    /// One of two, by the seed.
    pub(super) fn coin(&self) -> bool {
        self.state.lock().rng.bool()
    }

    /// Whether a message from there can't get here now.
    pub(super) fn is_cut_off(&self, from: Option<ActorId>, to: &ActorAddress) -> bool {
        let (from, to) = {
            let state = self.state.lock();
            let from = from.and_then(|id| state.homes.get(&id));
            let to = match to {
                ActorAddress::Id(id) => state.homes.get(id).unwrap_or(to),
                to => to,
            };
            (from.and_then(|from| self.plan.group_of(from)), self.plan.group_of(to))
        };
        let at = self.since.elapsed();
        let is_cut_off = |group: Option<usize>| group.is_some_and(|group| self.plan.is_cut_off(group, at));
        from != to && (is_cut_off(from) || is_cut_off(to))
    }

    pub(super) fn note(&self, call: &'static str, place: Place<'_>, fault: Option<Fault>, delay: Option<Duration>) {
        let at = self.since.elapsed();
        let mut state = self.state.lock();
        let place = state.name_of(place);
        state.log.push(FaultEntry { at, call, place, fault, delay });
    }

    /// Remembers who was made where.
    pub(super) fn settle(&self, registration: Registration) {
        let mut state = self.state.lock();
        state.homes.insert(registration.actor, registration.address.clone());
        state.owners.insert(registration.address.clone(), registration);
    }

    /// Who was the last to be made there.
    pub(super) fn owner(&self, address: &ActorAddress) -> Option<Registration> {
        self.state.lock().owners.get(address).cloned()
    }

    /// The one member that messages to the group go to, which is `first` if there was none.
    pub(super) fn favourite(&self, group: &ActorAddress, first: Option<ActorId>) -> Option<ActorId> {
        let mut state = self.state.lock();
        if let Some(first) = first {
            state.favourites.entry(group.clone()).or_insert(first);
        }
        state.favourites.get(group).copied()
    }

    /// All that have been seen to be members of the group, these included.
    pub(super) fn remember(&self, group: &ActorAddress, members: &[ActorId]) -> Vec<ActorId> {
        let mut state = self.state.lock();
        let seen = state.members.entry(group.clone()).or_default();
        let new = members.iter().filter(|member| !seen.contains(member)).copied().collect::<Vec<_>>();
        seen.extend(new);
        seen.clone()
    }

    /// What wakes a message that is held back on its way there.
    pub(super) fn hold(&self, to: &ActorAddress) -> Arc<Notify> {
        Arc::clone(self.state.lock().held.entry(to.clone()).or_default())
    }

    /// Lets go what is held back on its way there.
    pub(super) fn let_go(&self, to: &ActorAddress) {
        let held = self.state.lock().held.remove(to);
        if let Some(held) = held {
            held.notify_waiters();
        }
    }
}

impl State {
    fn name_of(&mut self, place: Place<'_>) -> String {
        let address = match place {
            Place::Address(address) => address,
            Place::Subject(subject) => return subject.to_string(),
            Place::Caller => return "a caller".into(),
        };
        let ActorAddress::Id(id) = address else {
            return address.to_string();
        };
        match self.homes.get(id) {
            Some(home) if home != address => home.to_string(),
            _ => {
                let next = self.numbers.len() + 1;
                format!("actor {}", self.numbers.entry(*id).or_insert(next))
            }
        }
    }
}
