//! What the actors say to each other.

use std::path::PathBuf;

use switchboard::address::ActorAddress;
use switchboard::message::{Message, Request};

use crate::counts::Counts;
use crate::error::CensusError;
use crate::failure::Failure;
use crate::totals::Totals;

#[derive(Clone, Debug)]
pub(crate) enum CensusMessage {
    /// To a reader: count this file. Sent at least once, since it may be that it can be read only at the next attempt.
    Read(PathBuf),
    /// To a tally: a file more of your language.
    Counted(Counts),
    /// To the summary: there is a tally at this address.
    Opened(ActorAddress),
    /// To the summary: this is not in the counts.
    Failed(Failure),
    /// To the summary or a tally: what have you got?
    GetTotals,
    /// The answer to that.
    Totals(Totals),
}

impl CensusMessage {
    /// The error of an actor that has no use for this message.
    pub(crate) fn not_for(&self, whom: &str) -> CensusError {
        format!("a {whom} can do nothing with {self:?}").into()
    }
}

impl Message for CensusMessage {
    const MESSAGE_TYPE: &'static str = "census";
}

pub(crate) struct GetTotals;

impl From<GetTotals> for CensusMessage {
    fn from(GetTotals: GetTotals) -> Self {
        Self::GetTotals
    }
}

impl TryFrom<CensusMessage> for Totals {
    type Error = CensusMessage;

    fn try_from(reply: CensusMessage) -> Result<Self, CensusMessage> {
        match reply {
            CensusMessage::Totals(totals) => Ok(totals),
            other => Err(other),
        }
    }
}

impl Request<CensusMessage> for GetTotals {
    type Reply = Totals;
}
