use std::fmt;

use crate::address::ActorAddress;
use crate::message::Deadline;

/// What has to be known of a message to deliver it again.
pub(crate) struct Again<M> {
    /// `M::clone`, kept from where `M: Clone` was known, so that nobody on the way has to ask for it.
    clone: fn(&M) -> M,
    /// Where it was sent.
    pub(crate) to: Option<ActorAddress>,
    /// When it was first sent: a moment, as a [`Deadline`] counts them.
    pub(crate) since: Option<Deadline>,
}

impl<M> Again<M> {
    pub(crate) fn new() -> Self
    where
        M: Clone,
    {
        Self::by(M::clone)
    }

    pub(crate) fn by(clone: fn(&M) -> M) -> Self {
        Self { clone, to: None, since: None }
    }

    pub(crate) fn clone_fn(&self) -> fn(&M) -> M {
        self.clone
    }
}

impl<M> Clone for Again<M> {
    fn clone(&self) -> Self {
        Self { clone: self.clone, to: self.to.clone(), since: self.since }
    }
}

impl<M> fmt::Debug for Again<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Again").field("to", &self.to).finish_non_exhaustive()
    }
}
