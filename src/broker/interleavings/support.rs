use std::ops::Range;
use std::sync::Mutex;

use crate::actor::{Inbox, Registration};
use crate::address::ActorAddress;
use crate::balancing::Strategy;
use crate::broker::settings::Settings;
use crate::broker::{InMemoryMessageBroker, MessageBroker};
use crate::mailbox::MailboxOptions;
use crate::message::Message;
use crate::metrics::Outcome;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::block_on;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Job(pub(super) u64);

impl Message for Job {
    const MESSAGE_TYPE: &'static str = "job";

    fn routing_key(&self) -> Option<&str> {
        (self.0 >= KEYED).then_some("same")
    }
}

/// From here on, numbers are those of messages with one and the same routing key.
pub(super) const KEYED: u64 = 100;

pub(super) type Broker = InMemoryMessageBroker<Job>;

pub(super) type Desk = Inbox<Job, Broker>;

/// Whose requests have no deadlines, so that it needs nobody to keep the time.
pub(super) fn broker() -> Broker {
    Broker::with_settings(Settings { request_timeout: None, ..Settings::default() })
}

pub(super) fn desk() -> ActorAddress {
    ActorAddress::named("desk").unwrap()
}

pub(super) fn pool() -> ActorAddress {
    ActorAddress::pool("workers").unwrap()
}

pub(super) fn register(broker: &Broker, address: &ActorAddress, capacity: usize) -> Desk {
    block_on(broker.register(address, MailboxOptions::bounded(capacity))).unwrap()
}

pub(super) fn unregister(broker: &Broker, registration: &Registration) -> bool {
    block_on(broker.unregister(registration))
}

/// A pool that shares its work in one of all ways, with so many members.
pub(super) fn crew<const MEMBERS: usize>(broker: &Broker, capacity: usize) -> [Desk; MEMBERS] {
    broker.set_strategy(&pool(), Strategy::ALL[fastrand::usize(..Strategy::ALL.len())]).unwrap();
    std::array::from_fn(|_| register(broker, &pool(), capacity))
}

/// Tries to send so many messages. Gives which were accepted; the others must come back as they were.
pub(super) fn try_send(broker: &Broker, to: &ActorAddress, numbers: Range<u64>) -> Vec<u64> {
    let accepted = |number: &u64| match broker.try_send(to, Job(*number)) {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.into_inner(), Job(*number));
            false
        }
    };
    numbers.filter(accepted).collect()
}

/// Takes all that waits. Each of it counts as handled.
pub(super) fn take_all(inbox: &mut Desk) -> Vec<u64> {
    std::iter::from_fn(|| inbox.try_recv()).map(|delivery| delivery.into_message().0).collect()
}

/// Takes all until the inbox is closed, telling of each when it begins and when it is done with.
pub(super) fn work(inbox: &mut Desk, told: &Mutex<Vec<(u64, bool)>>) {
    while let Some(delivery) = block_on(inbox.recv()) {
        let number = delivery.message().0;
        told.lock().unwrap().push((number, true));
        // Where others may go on, as in any handler.
        AtomicBool::new(false).load(Ordering::SeqCst);
        told.lock().unwrap().push((number, false));
        drop(delivery);
    }
}

/// Asserts that all accounts are even, with so many handled and so many dead.
pub(super) fn assert_accounts(broker: &Broker, handled: usize, dead: usize) {
    assert!(broker.audit().is_balanced());
    let metrics = broker.metrics();
    assert_eq!((metrics.total.outcomes[Outcome::Handled] as usize, metrics.dead_letters), (handled, dead));
    assert_eq!(metrics.total.accepted as usize, handled + dead);
}
