//! The actors of `pool:readers`: each counts one file at a time.

use std::collections::HashMap;

use switchboard::address::ActorAddress;
use switchboard::broker::{Context, MessageBroker, MessageHandler, RegisterError};
use switchboard::message::MessageEnvelope;

use crate::addresses;
use crate::error::CensusError;
use crate::failure::Failure;
use crate::languages::Language;
use crate::message::CensusMessage;
use crate::progress::Progress;
use crate::reading::{Reading, Unread};
use crate::tally::Tally;

pub(crate) struct Reader {
    reading: Reading,
    summary: ActorAddress,
    /// The tallies that this reader knows to be there, by the keys of their languages.
    tallies: HashMap<&'static str, ActorAddress>,
    progress: Progress,
}

impl Reader {
    pub(crate) fn new(reading: Reading, progress: Progress) -> Self {
        Self { reading, summary: addresses::summary(), tallies: HashMap::new(), progress }
    }

    /// The address of a language's tally, which is there when this returns.
    async fn tally<B: MessageBroker<CensusMessage>>(
        &mut self,
        language: &'static Language,
        context: &Context<CensusMessage, B>,
    ) -> Result<&ActorAddress, CensusError> {
        if !self.tallies.contains_key(language.key) {
            let tally = self.open(language, context).await?;
            self.tallies.insert(language.key, tally);
        }
        Ok(&self.tallies[language.key])
    }

    /// A name has one owner, so of the readers that see a language first, one spawns its tally and the others find
    /// the name taken, which suits them as well.
    async fn open<B: MessageBroker<CensusMessage>>(
        &self,
        language: &'static Language,
        context: &Context<CensusMessage, B>,
    ) -> Result<ActorAddress, CensusError> {
        let tally = addresses::tally(language);
        match context.broker().spawn(&tally, Tally::new(language)).await {
            // The summary knows before this reader is drained, and so before anybody asks for the totals.
            Ok(_) => {
                let opened = CensusMessage::Opened(tally.clone());
                context.send(&self.summary, opened).await?;
            }
            Err(RegisterError::Taken { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(tally)
    }
}

impl MessageHandler<CensusMessage> for Reader {
    type Error = CensusError;

    async fn handle<B: MessageBroker<CensusMessage>>(
        &mut self,
        envelope: MessageEnvelope<CensusMessage>,
        context: &Context<CensusMessage, B>,
    ) -> Result<(), CensusError> {
        // Those that it comes back to later are on the bar already.
        if envelope.attempt() == 1 {
            self.progress.begun();
        }
        let path = match envelope.into_message() {
            CensusMessage::Read(path) => path,
            other => return Err(other.not_for("reader")),
        };
        match self.reading.count(&path).await {
            Ok(counts) => {
                let tally = self.tally(Language::of(&path), context).await?;
                let counted = CensusMessage::Counted(counts);
                context.send(tally, counted).await?;
            }
            // Left to the retry policy.
            Err(Unread::ForNow(reason)) => return Err(reason.into()),
            Err(Unread::ForGood(reason)) => return Err(context.reject(reason.into())),
            // Nothing failed: it has been read, and is no text.
            Err(Unread::NoText(reason)) => {
                let failed = CensusMessage::Failed(Failure::new(&path, &reason));
                context.send(&self.summary, failed).await?;
            }
        }
        Ok(())
    }
}
