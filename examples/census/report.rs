//! What the program has to say in the end.

use std::time::Duration;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use switchboard::metrics::{Audit, BrokerMetrics, Outcome};
use thiserror::Error;

use crate::census::Broker;
use crate::failure::Failure;
use crate::totals::Totals;

pub(crate) struct Report {
    pub(crate) totals: Totals,
    /// How many of the failures are files that no reader could read.
    pub(crate) unread: u64,
    /// Taken with all actors gone, as the audit is.
    pub(crate) broker: BrokerMetrics,
    pub(crate) audit: Audit,
    pub(crate) elapsed: Duration,
}

/// Messages that did not end as they should, so that the totals can't be relied on.
#[derive(Debug, Error)]
pub(crate) enum Incomplete {
    #[error("the broker's account is not closed: {0}")]
    Open(Box<Audit>),
    #[error("the totals are incomplete: {audit}, and {unread} files are listed as unread")]
    Unhandled { audit: Box<Audit>, unread: u64 },
}

impl Report {
    /// Of a broker whose actors are gone. `unread` is what its dead letters were to read.
    pub(crate) fn new(totals: Totals, unread: Vec<Failure>, broker: &Broker, elapsed: Duration) -> Self {
        Self {
            unread: unread.len() as u64,
            totals: totals.with(unread).sorted(),
            broker: broker.metrics(),
            audit: broker.audit(),
            elapsed,
        }
    }

    /// Whether every message that was sent has been handled, or has failed and is listed.
    pub(crate) fn audit(&self) -> Result<(), Incomplete> {
        let (audit, unread) = (&self.audit, self.unread);
        if !audit.is_balanced() || !audit.is_at_rest() {
            return Err(Incomplete::Open(audit.clone().into()));
        }
        let (handled, failed) = (audit.outcomes[Outcome::Handled], audit.outcomes[Outcome::Failed]);
        if handled + failed != audit.accepted || failed != unread {
            return Err(Incomplete::Unhandled { audit: audit.clone().into(), unread });
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
