use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::StopCause;
use crate::address::{ActorAddress, ActorId};

/// How an actor ended: what those who [watch](crate::watching) it learn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ActorEnd {
    /// The actor.
    pub actor: ActorId,
    /// The address it was spawned or registered at.
    pub address: ActorAddress,
    /// Why it ended.
    pub cause: StopCause,
    /// When it was done with its last message, or was ended.
    pub at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_can_be_written_and_read() {
        let causes = [StopCause::Stopped, StopCause::Unregistered, StopCause::Panicked("boom".into())];
        for cause in causes {
            let end = ActorEnd {
                actor: ActorId::next(),
                address: ActorAddress::named("desk").unwrap(),
                cause,
                at: Utc::now(),
            };
            let json = serde_json::to_string(&end).unwrap();
            assert_eq!(serde_json::from_str::<ActorEnd>(&json).unwrap(), end);
        }
    }
}
