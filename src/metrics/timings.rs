use serde::{Deserialize, Serialize};

use crate::metrics::Timing;

/// Timings are taken of one message in so many: those whose id says so, see
/// [`MessageId::is_sampled`](crate::message::MessageId::is_sampled).
pub const SAMPLED_ONE_IN: u32 = 64;

/// How long messages waited, were handled, and took to be answered.
///
/// Reading the clock for every message would cost more than the message, so one in [`SAMPLED_ONE_IN`] is timed,
/// whatever its type, size or receiver. The histograms therefore show the shape of all, and hold about a 64th of their
/// number; how many there were is in [`Traffic`](crate::metrics::Traffic). Times are those of tokio's monotonic clock,
/// which tests can pause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Timings {
    /// From when the mailbox took a message in to when its handler began. What was never begun is not in it, nor is the
    /// wait for room. Up to 4.1 µs too long, and known up to 4.9 hours; longer times begin anew at zero.
    pub queued: Timing,
    /// From when a handler began with a message to when it returned, whether with `Ok`, an error or a panic; of what is
    /// received by hand, to when its delivery was dropped. OpenTelemetry calls it `messaging.process.duration`.
    pub handling: Timing,
    /// From when a request was sent, before any wait for room, to when its caller had the reply. Requests that ended
    /// without a reply are not in it. It counts for the actor to which the request was first sent, whoever answered. To
    /// OpenTelemetry it is a `messaging.client.operation.duration`.
    pub round_trip: Timing,
}

impl Timings {
    /// Adds those of another.
    pub fn merge(&mut self, other: &Self) {
        self.queued.merge(&other.queued);
        self.handling.merge(&other.handling);
        self.round_trip.merge(&other.round_trip);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_merged_with_its_own() {
        let part = Timings { queued: Timing::of(1), handling: Timing::of(20), round_trip: Timing::of(300) };
        let mut all = part.clone();
        all.merge(&part);
        all.merge(&Timings::default());
        for (twice, once) in
            [(all.queued, part.queued), (all.handling, part.handling), (all.round_trip, part.round_trip)]
        {
            assert_eq!((twice.count(), twice.sum(), twice.max()), (2, once.sum() * 2, once.max()));
        }
    }
}
