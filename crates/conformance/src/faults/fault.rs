use std::fmt;

/// What a [`FaultyBroker`](super::FaultyBroker) does.
///
/// The first six are what networks and machines do. The others are what a broker does that does not keep its promises;
/// they are there to see that tests notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A message is lost, and its sender told that it was accepted. A request then ends at its deadline.
    Drop,
    /// A message or a reply takes longer; whoever sends it waits.
    Delay,
    /// A message is delivered twice, under one id.
    Duplicate,
    /// A message is held back until the next one to the same address, or for a while if there is none.
    Reorder,
    /// A [group](super::FaultPlan::group) of addresses is cut off for a while: what would go in or out is refused as if
    /// nobody were there.
    Partition,
    /// A handler panics, before it begins with a message or after it is done.
    Crash,
    /// A reply, or word that there will be none, is lost.
    LoseReply,
    /// A request that a handler failed to answer is sent again.
    RunTwice,
    /// An error says that a message never ran, though it may have.
    DenyRun,
    /// The deadline of a message is forgotten.
    IgnoreDeadline,
    /// A name that is taken is given out again. Messages go to its first owner.
    SecondOwner,
    /// A late unregister ends the newer owner.
    EndNewerOwner,
    /// Messages to a group all go to the member that was the first when the first was sent, be it alive or not.
    KeepToOneMember,
    /// Who was a member of a group is said to be one after it has ended.
    RememberMembers,
    /// A mailbox is twice as large as it was asked for, and has room for one if it was to have none.
    OverfillMailbox,
    /// The cause of a handler's panic is lost.
    ForgetCause,
    /// An actor that is to be rebuilt after a panic is stopped.
    NeverRebuild,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Drop,
        Self::Delay,
        Self::Duplicate,
        Self::Reorder,
        Self::Partition,
        Self::Crash,
        Self::LoseReply,
        Self::RunTwice,
        Self::DenyRun,
        Self::IgnoreDeadline,
        Self::SecondOwner,
        Self::EndNewerOwner,
        Self::KeepToOneMember,
        Self::RememberMembers,
        Self::OverfillMailbox,
        Self::ForgetCause,
        Self::NeverRebuild,
    ];

    /// What it is called in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Delay => "delay",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::Partition => "partition",
            Self::Crash => "crash",
            Self::LoseReply => "lose reply",
            Self::RunTwice => "run twice",
            Self::DenyRun => "deny run",
            Self::IgnoreDeadline => "ignore deadline",
            Self::SecondOwner => "second owner",
            Self::EndNewerOwner => "end newer owner",
            Self::KeepToOneMember => "keep to one member",
            Self::RememberMembers => "remember members",
            Self::OverfillMailbox => "overfill mailbox",
            Self::ForgetCause => "forget cause",
            Self::NeverRebuild => "never rebuild",
        }
    }

    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_at_its_index_and_has_a_name_of_its_own() {
        for (index, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(fault.index(), index);
            assert_eq!(Fault::ALL.iter().filter(|other| other.name() == fault.name()).count(), 1);
        }
    }
}
