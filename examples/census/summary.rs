//! The actor at `named:summary`: knows the tallies and what could not be counted.

use std::mem;

use switchboard::address::ActorAddress;
use switchboard::broker::{Context, MessageBroker, MessageHandler};
use switchboard::message::MessageEnvelope;

use crate::error::CensusError;
use crate::failure::Failure;
use crate::message::{CensusMessage, GetTotals};
use crate::totals::Totals;

#[derive(Default)]
pub(crate) struct Summary {
    tallies: Vec<ActorAddress>,
    failed: Vec<Failure>,
}

impl Summary {
    /// What all the tallies have and what failed, which is handed out once.
    async fn totals<B: MessageBroker<CensusMessage>>(
        &mut self,
        context: &Context<CensusMessage, B>,
    ) -> Result<Totals, CensusError> {
        let mut totals = Totals { languages: Vec::new(), failed: mem::take(&mut self.failed) };
        for tally in &self.tallies {
            totals.merge(context.ask(tally, GetTotals).await?);
        }
        Ok(totals)
    }
}

impl MessageHandler<CensusMessage> for Summary {
    type Error = CensusError;

    async fn handle<B: MessageBroker<CensusMessage>>(
        &mut self,
        envelope: MessageEnvelope<CensusMessage>,
        context: &Context<CensusMessage, B>,
    ) -> Result<(), CensusError> {
        match envelope.into_message() {
            CensusMessage::Opened(tally) => self.tallies.push(tally),
            CensusMessage::Failed(failure) => self.failed.push(failure),
            CensusMessage::GetTotals => {
                let totals = self.totals(context).await?;
                context.reply(CensusMessage::Totals(totals)).await?;
            }
            other => return Err(other.not_for("summary")),
        }
        Ok(())
    }
}
