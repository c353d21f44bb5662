//! What the program has to say in the end.

use std::time::Duration;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use switchboard::metrics::{BrokerMetrics, Outcome};
use thiserror::Error;

use crate::totals::Totals;

pub(crate) struct Report {
    pub(crate) totals: Totals,
    /// Taken with all actors gone.
    pub(crate) broker: BrokerMetrics,
    pub(crate) elapsed: Duration,
}

/// Messages that did not end as they should, so that the totals can't be relied on.
#[derive(Debug, Error)]
pub(crate) enum Incomplete {
    #[error("the broker's account is not balanced: {accepted} messages accepted, {ended} ended")]
    Unbalanced { accepted: u64, ended: u64 },
    #[error("the totals are incomplete: of {accepted} messages, {handled} were handled")]
    Unhandled { accepted: u64, handled: u64 },
}

impl Report {
    pub(crate) fn new(totals: Totals, broker: BrokerMetrics, elapsed: Duration) -> Self {
        Self { totals: totals.sorted(), broker, elapsed }
    }

    /// Whether every message that was sent has been handled.
    pub(crate) fn audit(&self) -> Result<(), Incomplete> {
        let traffic = &self.broker.total;
        let (accepted, ended) = (traffic.accepted, traffic.outcomes.sum());
        if accepted != ended || traffic.unaccounted() != 0 {
            return Err(Incomplete::Unbalanced { accepted, ended });
        }
        let handled = traffic.outcomes[Outcome::Handled];
        if handled != accepted {
            return Err(Incomplete::Unhandled { accepted, handled });
        }
        Ok(())
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Report", 4)?;
        object.serialize_field("languages", &self.totals.languages)?;
        object.serialize_field("total", &self.totals.sum())?;
        object.serialize_field("failed", &self.totals.failed)?;
        object.serialize_field("broker", &self.broker)?;
        object.end()
    }
}
