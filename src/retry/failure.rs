use serde::{Deserialize, Serialize};

use crate::broker::Ran;

/// How one attempt to deliver a message failed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// There was no room in the mailbox. The message never ran.
    Full,
    /// Nobody was registered at the address, or the group had no living member. The message never ran.
    Nobody,
    /// The actor had stopped. The message never ran.
    Stopped,
    /// The handler returned an error, so the message may have done some of its work.
    Failed,
    /// The handler panicked, so the message may have done some of its work.
    Panicked,
}

impl Failure {
    /// All failures. A slice, since later versions may know more.
    pub const ALL: &'static [Self] = &[Self::Full, Self::Nobody, Self::Stopped, Self::Failed, Self::Panicked];

    /// Whether a handler may have begun with the message. Only what never ran is retried by itself.
    pub const fn ran(self) -> Ran {
        match self {
            Self::Full | Self::Nobody | Self::Stopped => Ran::Never,
            Self::Failed | Self::Panicked => Ran::Maybe,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reached_no_handler_never_ran_and_the_rest_may_have() {
        let expected = [
            (Failure::Full, Ran::Never, "full"),
            (Failure::Nobody, Ran::Never, "nobody"),
            (Failure::Stopped, Ran::Never, "stopped"),
            (Failure::Failed, Ran::Maybe, "failed"),
            (Failure::Panicked, Ran::Maybe, "panicked"),
        ];
        assert_eq!(Failure::ALL, expected.map(|(failure, ..)| failure));
        for (failure, ran, name) in expected {
            assert_eq!(failure.ran(), ran, "{failure:?}");
            assert_eq!(serde_json::to_value(failure).unwrap(), name);
            assert_eq!(serde_json::from_value::<Failure>(name.into()).unwrap(), failure);
        }
    }
}
