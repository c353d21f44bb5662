//! The actors at `named:tally.…`: each adds up what is counted of one language.

use switchboard::broker::{Context, MessageBroker, MessageHandler};
use switchboard::message::MessageEnvelope;

use crate::counts::Counts;
use crate::error::CensusError;
use crate::languages::Language;
use crate::message::CensusMessage;
use crate::totals::Totals;

pub(crate) struct Tally {
    language: &'static Language,
    counts: Counts,
}

impl Tally {
    pub(crate) fn new(language: &'static Language) -> Self {
        Self { language, counts: Counts::default() }
    }
}

impl MessageHandler<CensusMessage> for Tally {
    type Error = CensusError;

    async fn handle<B: MessageBroker<CensusMessage>>(
        &mut self,
        envelope: MessageEnvelope<CensusMessage>,
        context: &Context<CensusMessage, B>,
    ) -> Result<(), CensusError> {
        match envelope.into_message() {
            CensusMessage::Counted(counts) => self.counts += counts,
            CensusMessage::GetTotals => {
                let totals = Totals::of(self.language, self.counts);
                context.reply(CensusMessage::Totals(totals)).await?;
            }
            other => return Err(other.not_for("tally")),
        }
        Ok(())
    }
}
