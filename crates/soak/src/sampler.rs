use std::sync::Arc;
use std::time::Duration;

use histogram::Histogram;
use switchboard::address::ActorAddress;
use switchboard::metrics::{ActorMetrics, BrokerMetrics, Outcome};

use crate::desk::Desk;
use crate::memory;
use crate::sample::{Measure, Sample};

/// Takes samples, and keeps what the next one is compared with.
pub(crate) struct Sampler {
    desk: Arc<Desk>,
    samples: Vec<Sample>,
    before: Before,
    /// Of the whole soak.
    latency: Histogram,
}

#[derive(Clone, Copy, Debug, Default)]
struct Before {
    at: Duration,
    accepted: u64,
    handled: u64,
}

impl Sampler {
    /// With room for so many samples, so that they don't grow while memory is looked at.
    pub(crate) fn new(desk: &Arc<Desk>, room: usize) -> Self {
        let latency = desk.latency.load();
        Self { desk: Arc::clone(desk), samples: Vec::with_capacity(room), before: Before::default(), latency }
    }

    pub(crate) fn take(&mut self, broker: Option<BrokerMetrics>) {
        let mut sample = Sample::new(self.desk.elapsed());
        // Without the books, which would hide all else.
        sample.set(Measure::Heap, memory::heap().saturating_sub(self.desk.bytes()) as f64);
        sample.set(Measure::Resident, memory::resident() as f64);
        sample.set(Measure::Calls, self.desk.calls.len() as f64);
        if let Some(metrics) = broker {
            tables(&mut sample, &metrics);
            self.rates(&mut sample, &metrics);
        }
        self.latencies(&mut sample);
        self.samples.push(sample);
    }

    /// All samples, and how long requests took.
    pub(crate) fn into_parts(self) -> (Vec<Sample>, Histogram) {
        (self.samples, self.latency)
    }

    fn rates(&mut self, sample: &mut Sample, metrics: &BrokerMetrics) {
        let (accepted, handled) = (metrics.total.accepted, metrics.total.outcomes[Outcome::Handled]);
        let passed = (sample.at - self.before.at).as_secs_f64().max(1e-3);
        sample.set(Measure::Accepted, accepted.saturating_sub(self.before.accepted) as f64 / passed);
        sample.set(Measure::Handled, handled.saturating_sub(self.before.handled) as f64 / passed);
        self.before = Before { at: sample.at, accepted, handled };
    }

    fn latencies(&mut self, sample: &mut Sample) {
        let latency = self.desk.latency.drain();
        let parts =
            [(Measure::Median, 0.5), (Measure::OneIn100, 0.99), (Measure::OneIn1000, 0.999), (Measure::Slowest, 1.0)];
        for (measure, part) in parts {
            sample.set(measure, quantile(&latency, part));
        }
        // Both have the same buckets.
        if let Ok(sum) = self.latency.wrapping_add(&latency) {
            self.latency = sum;
        }
    }
}

/// The time in microseconds that this part of all does not exceed; 0 if there are none.
pub(crate) fn quantile(times: &Histogram, part: f64) -> f64 {
    let bucket = times.quantile_bucket(part).ok().flatten();
    bucket.map_or(0.0, |bucket| bucket.end() as f64 / 1_000.0)
}

fn tables(sample: &mut Sample, metrics: &BrokerMetrics) {
    let count = |is_so: fn(&ActorMetrics) -> bool| metrics.actors.iter().filter(|actor| is_so(actor)).count() as f64;
    let deepest = metrics.actors.iter().map(|actor| actor.traffic.queued).max().unwrap_or(0);
    for (measure, value) in [
        (Measure::Actors, metrics.actors.len() as f64),
        (Measure::Names, count(|actor| matches!(actor.address, ActorAddress::Named(_)))),
        (Measure::Hibernating, count(|actor| actor.hibernates)),
        (Measure::PassedOver, count(|actor| actor.set_aside)),
        (Measure::Subscriptions, metrics.publishing.subscriptions as f64),
        (Measure::Queued, metrics.total.queued as f64),
        (Measure::Deepest, deepest as f64),
        (Measure::Blocked, metrics.blocked_senders as f64),
        (Measure::Waiting, metrics.total.waiting as f64),
        (Measure::Letters, metrics.dead_letters as f64),
        (Measure::Requests, metrics.requests_in_flight as f64),
    ] {
        sample.set(measure, value);
    }
}
