use std::collections::HashMap;
use std::time::Duration;

use foldhash::fast::RandomState;

use crate::address::ActorAddress;
use crate::limits::{Bounds, LimitError, Table};
use crate::message::MessageEnvelope;
use crate::retry::{Failure, Jitter, RetryPolicy};
use crate::sync::{Mutex, RwLock};

/// Which retry policy a message goes by: its own, or else its address's, or else the broker's.
///
/// Asked only when an attempt has failed.
pub(crate) struct Retries {
    default: Option<RetryPolicy>,
    by_address: RwLock<HashMap<ActorAddress, RetryPolicy, RandomState>>,
    jitter: Mutex<Jitter>,
}

impl Retries {
    pub(super) fn new(default: Option<RetryPolicy>, jitter: Jitter) -> Self {
        Self { default, by_address: RwLock::new(HashMap::default()), jitter: Mutex::new(jitter) }
    }

    pub(super) fn set(
        &self,
        address: &ActorAddress,
        policy: Option<RetryPolicy>,
        bounds: &Bounds,
    ) -> Result<(), LimitError> {
        let mut by_address = self.by_address.write();
        if policy.is_some() && !by_address.contains_key(address) {
            bounds.check(Table::Policies, by_address.len())?;
        }
        match policy {
            Some(policy) => by_address.insert(address.clone(), policy),
            None => by_address.remove(address),
        };
        Ok(())
    }

    /// The policy of a message to `address`. Without any, what is sent at most once is not tried again, and what is
    /// sent at least once goes by the default policy.
    pub(super) fn policy<M>(&self, envelope: &MessageEnvelope<M>, address: &ActorAddress) -> RetryPolicy {
        let of_address = || {
            let by_address = self.by_address.read();
            if by_address.is_empty() { None } else { by_address.get(address).copied() }
        };
        let policy = envelope.retry_policy().or_else(of_address).or(self.default);
        policy
            .unwrap_or_else(|| if envelope.is_at_least_once() { RetryPolicy::default() } else { RetryPolicy::never() })
    }

    /// As [`RetryPolicy::next_delay`].
    pub(super) fn next_delay(
        &self,
        policy: &RetryPolicy,
        attempt: u32,
        elapsed: Duration,
        failure: Failure,
    ) -> Option<Duration> {
        policy.next_delay(attempt, elapsed, failure, &mut self.jitter.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    #[derive(Clone, Debug)]
    struct Note;

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    fn attempts(retries: &Retries, envelope: &MessageEnvelope<Note>) -> Option<u32> {
        retries.policy(envelope, &ActorAddress::named("desk").unwrap()).max_attempts()
    }

    #[test]
    fn the_messages_policy_goes_before_its_addresses_and_that_before_the_brokers() {
        let retries = Retries::new(Some(RetryPolicy::attempts(2)), Jitter::seeded(1));
        let (plain, desk) = (MessageEnvelope::new(Note), ActorAddress::named("desk").unwrap());
        assert_eq!(attempts(&retries, &plain), Some(2));
        retries.set(&desk, Some(RetryPolicy::attempts(3)), &Bounds::default()).unwrap();
        retries
            .set(&ActorAddress::named("other").unwrap(), Some(RetryPolicy::attempts(9)), &Bounds::default())
            .unwrap();
        assert_eq!(attempts(&retries, &plain), Some(3));
        assert_eq!(attempts(&retries, &plain.clone().with_retry(RetryPolicy::attempts(4))), Some(4));
        retries.set(&desk, None, &Bounds::default()).unwrap();
        assert_eq!(attempts(&retries, &plain), Some(2));
    }

    #[test]
    fn without_any_only_what_is_sent_at_least_once_is_tried_again() {
        let retries = Retries::new(None, Jitter::seeded(1));
        assert_eq!(attempts(&retries, &MessageEnvelope::new(Note)), Some(1));
        let default = RetryPolicy::default().max_attempts();
        assert_eq!(attempts(&retries, &MessageEnvelope::new(Note).at_least_once()), default);
    }
}
