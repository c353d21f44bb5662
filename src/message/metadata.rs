use std::fmt;

use crate::address::ActorAddress;
use crate::message::{Again, MessageId, Settler};
use crate::retry::RetryPolicy;

/// What few envelopes carry, behind one pointer of the envelope.
pub(crate) struct Extras<M> {
    pub(crate) reply_to: Option<ActorAddress>,
    pub(crate) correlation: Option<MessageId>,
    /// When it is tried again, if it says so itself.
    pub(crate) retry: Option<RetryPolicy>,
    /// Where it is said how it ended, if somebody wants to know.
    pub(crate) settler: Option<Settler>,
    /// Set if the message can be copied.
    pub(crate) again: Option<Again<M>>,
    /// Few entries, so a list is smaller and faster than a map, and keeps the order they were added in.
    metadata: Vec<(Box<str>, Box<str>)>,
}

impl<M> Extras<M> {
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        match self.metadata.iter_mut().find(|(known, _)| &**known == key) {
            Some((_, old)) => *old = value.into(),
            None => self.metadata.push((key.into(), value.into())),
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.iter().find_map(|(known, value)| (known == key).then_some(value))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.metadata.iter().map(|(key, value)| (&**key, &**value))
    }
}

impl<M> Default for Extras<M> {
    fn default() -> Self {
        Self { reply_to: None, correlation: None, retry: None, settler: None, again: None, metadata: Vec::new() }
    }
}

impl<M> Clone for Extras<M> {
    fn clone(&self) -> Self {
        Self {
            reply_to: self.reply_to.clone(),
            correlation: self.correlation,
            retry: self.retry,
            settler: self.settler.clone(),
            again: self.again.clone(),
            metadata: self.metadata.clone(),
        }
    }
}

impl<M> fmt::Debug for Extras<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extras")
            .field("reply_to", &self.reply_to)
            .field("correlation", &self.correlation)
            .field("retry", &self.retry)
            .field("again", &self.again)
            .field("metadata", &self.metadata)
            .finish()
    }
}
