/// How a request ended without a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Its deadline passed.
    TimedOut { begun: bool },
    /// The handler let go of it without replying.
    NoReply,
    /// The handler returned this error.
    Failed(Box<str>),
    /// The handler panicked with this cause.
    Panicked(Box<str>),
    /// Its actor stopped.
    Stopped { begun: bool },
    /// Its message had to make room for another.
    Evicted,
}
