use std::fmt;

use serde::{Deserialize, Serialize};

/// What a broker keeps for its callers, in as many places as its [`Limits`](super::Limits) say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Table {
    /// Actors that have not ended, subscriptions among them.
    Actors,
    /// Names that have an owner.
    Names,
    /// Services and pools.
    Groups,
    /// The members of one service or pool.
    Members,
    /// Requests whose callers wait.
    Requests,
    /// Subscriptions to topics.
    Subscriptions,
    /// Messages to be sent later, once or at an interval.
    Scheduled,
    /// Messages that wait to be handled again.
    Retries,
    /// Senders that wait for room in one mailbox.
    Senders,
    /// Watches of an address.
    Watches,
    /// Those who follow ends, dead letters, or who is in a service.
    Followers,
    /// Addresses for which a retry policy is set.
    Policies,
}

impl Table {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Actors,
        Self::Names,
        Self::Groups,
        Self::Members,
        Self::Requests,
        Self::Subscriptions,
        Self::Scheduled,
        Self::Retries,
        Self::Senders,
        Self::Watches,
        Self::Followers,
        Self::Policies,
    ];

    /// Its name, which is that of the method of [`Limits`](super::Limits) that bounds it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Actors => "actors",
            Self::Names => "names",
            Self::Groups => "groups",
            Self::Members => "members",
            Self::Requests => "requests",
            Self::Subscriptions => "subscriptions",
            Self::Scheduled => "scheduled",
            Self::Retries => "retries",
            Self::Senders => "senders",
            Self::Watches => "watches",
            Self::Followers => "followers",
            Self::Policies => "policies",
        }
    }

    /// What there is too much of.
    pub(super) const fn things(self) -> &'static str {
        match self {
            Self::Actors => "actors",
            Self::Names => "names",
            Self::Groups => "services and pools",
            Self::Members => "members of one group",
            Self::Requests => "pending requests",
            Self::Subscriptions => "subscriptions",
            Self::Scheduled => "scheduled messages",
            Self::Retries => "messages to be handled again",
            Self::Senders => "senders waiting at one mailbox",
            Self::Watches => "watches",
            Self::Followers => "followers",
            Self::Policies => "addresses with a retry policy",
        }
    }

    /// What a caller can do about it.
    pub(super) const fn remedy(self) -> &'static str {
        match self {
            Self::Actors => "let some end",
            Self::Names => "let one be free",
            Self::Groups => "empty one",
            Self::Members => "have one leave",
            Self::Requests => "wait for replies",
            Self::Subscriptions | Self::Watches | Self::Followers => "drop some",
            Self::Scheduled => "wait until some are due",
            Self::Retries => "wait for some of them",
            Self::Senders => "send later",
            Self::Policies => "unset one",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_number_and_a_name_of_its_own() {
        for (number, table) in Table::ALL.into_iter().enumerate() {
            assert_eq!(table as usize, number);
            assert_eq!(serde_json::to_value(table).unwrap(), table.to_string());
            assert_eq!(Table::ALL.iter().filter(|other| other.as_str() == table.as_str()).count(), 1);
        }
    }
}
