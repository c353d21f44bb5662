use crate::address::ActorAddress;

/// How a request ended without a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Its deadline passed.
    TimedOut { begun: bool },
    /// The handler let go of it without replying.
    NoReply,
    /// The handler returned this error.
    Failed(String),
    /// The handler panicked with this cause.
    Panicked(String),
    /// Its actor stopped.
    Stopped { begun: bool },
    /// Its actor had handled the message before.
    Duplicate,
    /// Its message had to make room for another.
    Evicted { begun: bool },
    /// It was passed on to an actor that waits, directly or through others, for the one that asked. From that one on,
    /// each of these waits for the next.
    WouldDeadlock(Vec<ActorAddress>),
}

impl Ended {
    /// The same end, of a request that some handler had begun with before it was passed on.
    pub(super) fn after_begun(self) -> Self {
        match self {
            Self::TimedOut { .. } => Self::TimedOut { begun: true },
            Self::Stopped { .. } => Self::Stopped { begun: true },
            Self::Evicted { .. } => Self::Evicted { begun: true },
            ended
            @ (Self::NoReply | Self::Failed(_) | Self::Panicked(_) | Self::Duplicate | Self::WouldDeadlock(_)) => ended,
        }
    }
}
