//! What can be decoded from JSON, or from a format that is not readable.

use std::fmt::Debug;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::actor::ActorEnd;
use switchboard::address::{ActorAddress, ActorId, Name};
use switchboard::balancing::Strategy;
use switchboard::dead_letters::{DeadLetterInfo, DeadLetterOverflow, DeadLetterReason};
use switchboard::message::MessageId;
use switchboard::metrics::{ActorMetrics, Audit, BrokerMetrics, Outcomes, Publishing, Timing, Timings, Traffic};
use switchboard::retry::{Backoff, Failure, Failures, Jitter};
use switchboard::services::{ServiceChange, VersionReq};
use switchboard::topics::{Subject, SubjectPattern};
use switchboard::{BackpressureStrategy, MessagePriority, RetryPolicy};

/// The decoders, by the letter that an input begins with.
const DECODERS: [fn(&[u8], Format); 26] = [
    decode::<ActorAddress>,
    decode::<ActorId>,
    decode::<MessageId>,
    decode::<Name>,
    decode::<Subject>,
    decode::<SubjectPattern>,
    decode::<MessagePriority>,
    decode::<Strategy>,
    decode::<BackpressureStrategy>,
    decode::<DeadLetterOverflow>,
    decode::<DeadLetterReason>,
    decode::<DeadLetterInfo>,
    decode::<ServiceChange>,
    decode::<Failure>,
    decode::<Failures>,
    decode::<Backoff>,
    decode::<RetryPolicy>,
    decode::<BrokerMetrics>,
    decode::<ActorMetrics>,
    decode::<Traffic>,
    decode::<Timing>,
    decode::<Timings>,
    decode::<Audit>,
    decode::<ActorEnd>,
    decode::<Publishing>,
    decode::<Outcomes>,
];

#[derive(Clone, Copy)]
enum Format {
    Json,
    Postcard,
}

/// The first byte is a letter that says what is to be decoded, from JSON if it is a capital. What can be decoded can be
/// encoded and decoded again, is the same then, and can be used.
pub fn check(bytes: &[u8]) {
    let Some((&letter, bytes)) = bytes.split_first() else { return };
    let format = if letter.is_ascii_uppercase() { Format::Json } else { Format::Postcard };
    let which = usize::from(letter.to_ascii_lowercase().wrapping_sub(b'a'));
    DECODERS[which % DECODERS.len()](bytes, format);
}

impl Format {
    fn read<T: DeserializeOwned>(self, bytes: &[u8]) -> Option<T> {
        match self {
            Self::Json => serde_json::from_slice(bytes).ok(),
            Self::Postcard => postcard::from_bytes(bytes).ok(),
        }
    }

    fn write<T: Serialize>(self, value: &T) -> Vec<u8> {
        match self {
            Self::Json => serde_json::to_vec(value).expect("what was read can be written"),
            Self::Postcard => postcard::to_stdvec(value).expect("what was read can be written"),
        }
    }
}

fn decode<T: Decoded>(bytes: &[u8], format: Format) {
    let Some(value) = format.read::<T>(bytes) else { return };
    for format in [Format::Json, Format::Postcard] {
        let written = format.write(&value);
        assert_eq!(format.read::<T>(&written).as_ref(), Some(&value), "{:?}", String::from_utf8_lossy(&written));
    }
    assert!(!format!("{value:?}").is_empty());
    value.put_to_use();
}

/// What comes from outside.
trait Decoded: Serialize + DeserializeOwned + PartialEq + Debug {
    /// Does what a program does with it.
    fn put_to_use(&self) {}
}

impl Decoded for ActorId {}
impl Decoded for MessageId {}
impl Decoded for Name {}
impl Decoded for Subject {}
impl Decoded for SubjectPattern {}
impl Decoded for MessagePriority {}
impl Decoded for Strategy {}
impl Decoded for BackpressureStrategy {}
impl Decoded for DeadLetterOverflow {}
impl Decoded for DeadLetterInfo {}
impl Decoded for Failure {}
impl Decoded for Publishing {}

impl Decoded for ActorAddress {
    fn put_to_use(&self) {
        assert_eq!(self.to_string().parse().as_ref(), Ok(self));
    }
}

impl Decoded for DeadLetterReason {
    fn put_to_use(&self) {
        assert!(!self.to_string().is_empty());
        assert!(!self.outcome().as_str().is_empty());
    }
}

impl Decoded for ServiceChange {
    fn put_to_use(&self) {
        let mut providers = Vec::new();
        self.clone().apply(&mut providers);
        for wanted in ["*", "^1", ">=1.2, <3"] {
            let wanted = wanted.parse::<VersionReq>().expect("a requirement");
            for provider in &providers {
                assert!(!provider.satisfies(&wanted) || provider.version().is_some());
            }
        }
    }
}

impl Decoded for Failures {
    fn put_to_use(&self) {
        for failure in Failure::ALL {
            assert!(!self.without(*failure).contains(*failure));
        }
    }
}

impl Decoded for Backoff {
    fn put_to_use(&self) {
        let mut jitter = Jitter::seeded(1);
        let mut longest = Duration::ZERO;
        for attempt in [0, 1, 2, 7, 64, 129, u32::MAX] {
            let ceiling = self.ceiling(attempt);
            assert!(longest <= ceiling, "later attempts wait no shorter");
            assert!(self.delay(attempt, &mut jitter) <= ceiling);
            longest = ceiling;
        }
    }
}

impl Decoded for RetryPolicy {
    fn put_to_use(&self) {
        let mut jitter = Jitter::seeded(1);
        for attempt in [0, 1, 3, u32::MAX] {
            for elapsed in [Duration::ZERO, Duration::from_secs(7), Duration::MAX] {
                for &failure in Failure::ALL {
                    let delay = self.next_delay(attempt, elapsed, failure, &mut jitter);
                    assert!(delay.is_none() || self.retries_on().contains(failure));
                    assert!(delay.is_none_or(|delay| delay <= self.backoff_policy().ceiling(attempt)));
                }
            }
        }
    }
}

impl Decoded for BrokerMetrics {
    fn put_to_use(&self) {
        self.total.put_to_use();
        self.timings.put_to_use();
        self.actors.iter().for_each(Decoded::put_to_use);
    }
}

impl Decoded for ActorMetrics {
    fn put_to_use(&self) {
        self.traffic.put_to_use();
        self.timings.put_to_use();
    }
}

impl Decoded for Traffic {
    fn put_to_use(&self) {
        self.outcomes.put_to_use();
        let _ = self.unaccounted();
    }
}

impl Decoded for Timing {
    fn put_to_use(&self) {
        let quantiles = [0.0, 0.25, 0.5, 0.99, 1.0].map(|q| self.quantile(q));
        assert!(quantiles.is_sorted());
        assert!(quantiles.iter().all(|quantile| quantile.is_some() == (self.count() > 0)));
        assert!(quantiles.iter().all(|quantile| *quantile <= self.max()));
        assert!(self.buckets().is_sorted_by(|one, next| one.0 < next.0));
        assert_eq!(self.mean().is_some(), self.count() > 0);
        let mut twice = self.clone();
        twice.merge(self);
        if let Some(count) = self.count().checked_mul(2) {
            assert_eq!((twice.count(), twice.max()), (count, self.max()));
        }
    }
}

impl Decoded for Timings {
    fn put_to_use(&self) {
        let mut twice = self.clone();
        twice.merge(self);
        [&self.queued, &self.handling, &self.round_trip].into_iter().for_each(Decoded::put_to_use);
    }
}

impl Decoded for Audit {
    fn put_to_use(&self) {
        assert!(self.to_string().contains(" accepted = "));
        assert!(!self.is_at_rest() || self.queued == 0);
        assert_eq!(self.is_balanced(), self.differences.is_empty());
    }
}

impl Decoded for ActorEnd {
    fn put_to_use(&self) {
        assert!(!self.cause.to_string().is_empty());
    }
}

impl Decoded for Outcomes {
    fn put_to_use(&self) {
        assert!(self.iter().all(|(_, count)| count <= self.sum()));
    }
}
