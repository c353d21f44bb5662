use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::address::{ActorAddress, ActorId};
use crate::metrics::{Outcomes, Traffic};

/// Where every accepted message is: what [`audit`](crate::broker::InMemoryMessageBroker::audit) found.
///
/// At rest, `accepted` is the sum of all else, and no account differs. While messages move, an account may be off by what
/// moved while it was read; ask again.
///
/// ```
/// # use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
/// # use switchboard::message::{Message, MessageEnvelope};
/// # #[derive(Debug)]
/// # struct Note;
/// # impl Message for Note {
/// #     const MESSAGE_TYPE: &'static str = "note";
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let broker = InMemoryMessageBroker::<Note>::new();
/// let desk = "named:desk".parse()?;
/// let actor = broker.spawn(&desk, |_: MessageEnvelope<Note>| async { Ok::<_, String>(()) }).await?;
/// broker.send(&desk, Note).await?;
/// actor.drain().await;
///
/// let audit = broker.audit();
/// assert!(audit.is_balanced());
/// assert_eq!(audit.to_string(), "1 accepted = 1 handled");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Audit {
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Messages that were accepted.
    pub accepted: u64,
    /// How those that ended did.
    pub outcomes: Outcomes,
    /// Those that wait in mailboxes.
    pub queued: usize,
    /// Those that are being handled.
    pub in_handlers: usize,
    /// Those that wait with the broker, scheduled or to be handled again.
    pub waiting: usize,
    /// The accounts that do not balance.
    pub differences: Vec<Difference>,
}

/// An account that does not balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Difference {
    /// Whose it is.
    pub account: Account,
    /// Messages that were accepted and are nowhere; less than zero if there are more than were accepted.
    pub unaccounted: i64,
}

/// Whose account it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Account {
    /// A living actor's.
    Actor {
        /// Its id.
        id: ActorId,
        /// The address it was made at.
        address: ActorAddress,
    },
    /// That of all actors that have ended.
    Ended,
    /// That of the messages that wait with the broker.
    Waiting,
}

impl Audit {
    /// An audit of these accounts.
    pub(crate) fn of(total: &Traffic, accounts: impl IntoIterator<Item = (Account, Traffic)>) -> Self {
        let differs = |(account, traffic): (Account, Traffic)| match traffic.unaccounted() {
            0 => None,
            unaccounted => Some(Difference { account, unaccounted }),
        };
        Self {
            at: Utc::now(),
            accepted: total.accepted,
            outcomes: total.outcomes,
            queued: total.queued,
            in_handlers: total.in_handlers,
            waiting: total.waiting,
            differences: accounts.into_iter().filter_map(differs).collect(),
        }
    }

    /// Whether every accepted message is accounted for.
    pub fn is_balanced(&self) -> bool {
        self.differences.is_empty()
    }

    /// Whether nothing is on its way: every accepted message has ended.
    pub fn is_at_rest(&self) -> bool {
        [self.queued, self.in_handlers, self.waiting] == [0; 3]
    }
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = [(self.queued, "queued"), (self.in_handlers, "in handlers"), (self.waiting, "waiting")];
        let outcomes = self.outcomes.iter().map(|(outcome, count)| (count, outcome.as_str()));
        let parts = outcomes.chain(places.map(|(count, place)| (count as u64, place)));
        let parts: Vec<_> =
            parts.filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
        write!(f, "{} accepted = {}", self.accepted, if parts.is_empty() { "0".into() } else { parts.join(" + ") })?;
        self.differences.iter().try_for_each(|difference| write!(f, "; {difference}"))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, word) =
            (self.unaccounted.unsigned_abs(), if self.unaccounted > 0 { "missing" } else { "too many" });
        write!(f, "{number} {word} at {}", self.account)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Actor { address, .. } => write!(f, "`{address}`"),
            Self::Ended => f.write_str("the actors that have ended"),
            Self::Waiting => f.write_str("the messages that wait"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Outcome;

    fn traffic(accepted: u64, handled: u64) -> Traffic {
        let mut traffic = Traffic { accepted, ..Traffic::default() };
        traffic.outcomes[Outcome::Handled] = handled;
        traffic
    }

    fn desk() -> Account {
        Account::Actor { id: ActorId::next(), address: ActorAddress::named("desk").unwrap() }
    }

    #[test]
    fn accounts_that_balance_are_not_named() {
        let audit = Audit::of(&traffic(3, 3), [(desk(), traffic(2, 2)), (Account::Ended, traffic(1, 1))]);
        assert!(audit.is_balanced() && audit.is_at_rest());
        assert_eq!(audit.to_string(), "3 accepted = 3 handled");
    }

    #[test]
    fn each_account_that_differs_is_named_with_how_much_it_is_off() {
        let accounts = [(desk(), traffic(5, 3)), (Account::Ended, traffic(1, 2)), (Account::Waiting, traffic(1, 0))];
        let audit = Audit::of(&traffic(7, 5), accounts);
        assert!(!audit.is_balanced());
        assert_eq!(
            audit.to_string(),
            "7 accepted = 5 handled; 2 missing at `named:desk`; 1 too many at the actors that have ended; \
             1 missing at the messages that wait"
        );
    }

    #[test]
    fn differences_that_cancel_out_in_the_sum_are_still_found() {
        let audit = Audit::of(&traffic(4, 4), [(desk(), traffic(2, 1)), (Account::Ended, traffic(2, 3))]);
        assert_eq!(audit.differences.len(), 2);
    }

    #[test]
    fn what_is_on_its_way_counts_however_much_it_is() {
        let total = Traffic { queued: usize::MAX, in_handlers: 1, ..traffic(8, 8) };
        assert!(!Audit::of(&total, []).is_at_rest());
    }

    #[test]
    fn what_is_on_its_way_is_told_by_where_it_is() {
        let total = Traffic { queued: 2, in_handlers: 1, waiting: 4, ..traffic(8, 1) };
        let audit = Audit::of(&total, [(desk(), total)]);
        assert!(audit.is_balanced() && !audit.is_at_rest());
        assert_eq!(audit.to_string(), "8 accepted = 1 handled + 2 queued + 1 in handlers + 4 waiting");
        assert_eq!(Audit::of(&Traffic::default(), []).to_string(), "0 accepted = 0");
    }
}
