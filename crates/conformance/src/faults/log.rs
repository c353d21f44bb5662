use std::fmt;
use std::time::Duration;

use switchboard::address::ActorAddress;
use switchboard::topics::Subject;

use super::Fault;

/// Where something goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    Address(&'a ActorAddress),
    Subject(&'a Subject),
    Caller,
}

/// One thing that a [`FaultyBroker`](super::FaultyBroker) did or let be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultEntry {
    /// When, from the making of the broker, on tokio's clock.
    pub at: Duration,
    /// What it was about: the call, or `handle`.
    pub call: &'static str,
    /// Where the message goes: an address, a subject, or `a caller`. Ids differ from run to run, so an actor without another address is `actor 1` and so on, in
    /// the order in which they were met.
    pub place: String,
    /// What struck; `None` if nothing did.
    pub fault: Option<Fault>,
    /// How long a delay is.
    pub delay: Option<Duration>,
}

impl fmt::Display for FaultEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, fault) = (self.at.as_secs_f64(), self.fault.map_or("passed", Fault::name));
        write!(f, "{at:.3} {} {}: {fault}", self.call, self.place)?;
        self.delay.map_or(Ok(()), |delay| write!(f, " {delay:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_line() {
        let at = Duration::from_millis(1_250);
        let passed = FaultEntry { at, call: "send", place: "named:desk".into(), fault: None, delay: None };
        assert_eq!(passed.to_string(), "1.250 send named:desk: passed");
        let delayed = FaultEntry { fault: Some(Fault::Delay), delay: Some(Duration::from_millis(7)), ..passed };
        assert_eq!(delayed.to_string(), "1.250 send named:desk: delay 7ms");
    }
}
