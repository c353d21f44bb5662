use super::{Interest, Subject};

/// Which subscriptions are meant: see [`publish_to`](crate::broker::InMemoryMessageBroker::publish_to).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Audience<'a> {
    /// All whose patterns match the subject, and one member of each group.
    All(&'a Subject),
    /// Those of them that are in no group.
    Alone(&'a Subject),
    /// Those that have exactly this interest, whatever else matches; if it is a group's, one of them.
    With(&'a Interest),
}
