use crate::address::ActorAddress;
use crate::message::MessageId;

/// What few envelopes carry, behind one pointer of the envelope.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extras {
    pub(crate) reply_to: Option<ActorAddress>,
    pub(crate) correlation: Option<MessageId>,
    /// Few entries, so a list is smaller and faster than a map, and keeps the order they were added in.
    metadata: Vec<(Box<str>, Box<str>)>,
}

impl Extras {
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
