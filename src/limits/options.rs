use super::Table;

/// How much callers can make a broker keep.
///
/// The defaults are meant to be met by mistake or abuse only: they are a few times what a large program on one machine has.
/// No bound at all has to be typed out, as `usize::MAX` or [`Limits::unbounded`].
///
/// ```
/// use switchboard::broker::{InMemoryMessageBroker, MessageBroker, RegisterError};
/// use switchboard::limits::Limits;
/// use switchboard::mailbox::MailboxOptions;
/// # use switchboard::message::Message;
/// # #[derive(Debug)]
/// # struct Note;
/// # impl Message for Note {
/// #     const MESSAGE_TYPE: &'static str = "note";
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let limits = Limits::new().names(1).requests(10_000);
/// let broker: InMemoryMessageBroker<Note> = InMemoryMessageBroker::builder().limits(limits).build()?;
/// let _first = broker.register(&"named:first".parse()?, MailboxOptions::default()).await?;
///
/// let error = broker.register(&"named:second".parse()?, MailboxOptions::default()).await.unwrap_err();
/// assert!(matches!(error, RegisterError::TooMany(_)));
/// assert_eq!(error.to_string(), "too many names (limit 1): let one be free, or raise `Limits::names`");
/// # Ok(())
/// # }
/// ```
///
/// # What bounds each table
///
/// | what is kept | bounded by | refused with |
/// | --- | --- | --- |
/// | actors that have not ended | [`actors`](Self::actors) | [`RegisterError`](crate::broker::RegisterError) |
/// | names that have an owner | [`names`](Self::names) | [`RegisterError`](crate::broker::RegisterError) |
/// | services and pools, with members or with a strategy set | [`groups`](Self::groups) | `RegisterError`, [`JoinError`](crate::broker::JoinError), [`LimitError`](super::LimitError) |
/// | members of one service or pool | [`members`](Self::members) | `RegisterError`, `JoinError` |
/// | requests whose callers wait | [`requests`](Self::requests) | [`RequestError`](crate::broker::RequestError) |
/// | subscriptions, and what finds them by subject | [`subscriptions`](Self::subscriptions) | `RegisterError` |
/// | messages scheduled, once or at an interval | [`scheduled`](Self::scheduled) | [`SendError`](crate::broker::SendError) |
/// | messages that wait to be handled again, or redriven and refused | [`retries`](Self::retries) | none: a dead letter, [`Undeliverable`](crate::dead_letters::DeadLetterReason::Undeliverable) |
/// | senders that wait for room in one mailbox, and due messages that stand in line there | [`senders`](Self::senders) | `SendError`, `RequestError` |
/// | watches of an address | [`watches`](Self::watches) | [`WatchError`](crate::broker::WatchError) |
/// | streams of ends, of dead letters, of who is in a service | [`followers`](Self::followers) | a stream that is over at once, whose `refusal` says why |
/// | retry policies by address | [`policies`](Self::policies) | [`LimitError`](super::LimitError) |
/// | messages in a mailbox, and the routing keys of those | the capacity in its [`MailboxOptions`](crate::mailbox::MailboxOptions) | `SendError`, `RequestError` |
/// | dead letters | [`DeadLetterOptions::capacity`](crate::dead_letters::DeadLetterOptions::capacity) | none: one is let go, and counted |
/// | ends that are remembered | [`InMemoryBuilder::remembered_ends`](crate::broker::InMemoryBuilder::remembered_ends) | none: the oldest is forgotten |
/// | message ids by which an actor knows duplicates | [`SpawnOptions::duplicate_window`](crate::actor::SpawnOptions::duplicate_window) | none: the oldest is forgotten |
/// | news that a stream has not been asked for | the capacity given when it was made | none: the oldest is let go, and counted |
/// | how often a handler fails and what it waits for, the groups that an actor has joined, the copy of what it has in hand | one for each actor, or each of its requests or memberships | |
///
/// A watch made from what its maker owns anyway (an [`ActorHandle`](crate::actor::ActorHandle), an inbox, a subscription) is
/// not counted: it takes no more than the value that its maker keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Limits([usize; Table::ALL.len()]);

impl Limits {
    /// The defaults: ten million actors and as many names, a million of what each call may add one of, and 100,000 groups,
    /// members of one group, and addresses with policies; 10,000 streams, since each is told whatever it follows.
    pub const fn new() -> Self {
        Self([usize::MAX; Table::ALL.len()])
            .actors(10_000_000)
            .names(10_000_000)
            .groups(100_000)
            .members(100_000)
            .requests(1_000_000)
            .subscriptions(1_000_000)
            .scheduled(1_000_000)
            .retries(1_000_000)
            .senders(1_000_000)
            .watches(1_000_000)
            .followers(10_000)
            .policies(100_000)
    }

    /// No bound on anything but mailboxes and dead letters: as much as there is memory for.
    pub const fn unbounded() -> Self {
        Self([usize::MAX; Table::ALL.len()])
    }

    /// How many of these there may be.
    pub const fn of(&self, table: Table) -> usize {
        self.0[table as usize]
    }

    /// How many actors there may be that have not ended, whatever their addresses; a [`Subscription`
    /// ](crate::topics::Subscription) is one.
    pub const fn actors(self, most: usize) -> Self {
        self.with(Table::Actors, most)
    }

    /// How many names may have an owner. A name is free when its owner stops taking messages.
    pub const fn names(self, most: usize) -> Self {
        self.with(Table::Names, most)
    }

    /// How many services and pools there may be together. One is there while it has members, or while a strategy is set for it.
    pub const fn groups(self, most: usize) -> Self {
        self.with(Table::Groups, most)
    }

    /// How many members one service or pool may have.
    pub const fn members(self, most: usize) -> Self {
        self.with(Table::Members, most)
    }

    /// How many requests may wait for a reply, in the whole broker.
    ///
    /// Never more. While some end and others are made in the same moment, one may be refused though another has just ended.
    /// There are never more than 16,777,216 for each part of the table, of which there are two for each processor.
    pub const fn requests(self, most: usize) -> Self {
        self.with(Table::Requests, most)
    }

    /// How many subscriptions to topics there may be.
    pub const fn subscriptions(self, most: usize) -> Self {
        self.with(Table::Subscriptions, most)
    }

    /// How many messages may be scheduled by `send_at`, `send_after` and `send_every`. One that is sent at an interval takes
    /// one place.
    pub const fn scheduled(self, most: usize) -> Self {
        self.with(Table::Scheduled, most)
    }

    /// How many messages may wait to be handled again, or to be offered again after they were redriven and refused. One too
    /// many is a dead letter at once.
    pub const fn retries(self, most: usize) -> Self {
        self.with(Table::Retries, most)
    }

    /// How many messages may stand in line for room in one mailbox, with their senders or by themselves.
    pub const fn senders(self, most: usize) -> Self {
        self.with(Table::Senders, most)
    }

    /// How many [watches](crate::watching) of an address there may be.
    pub const fn watches(self, most: usize) -> Self {
        self.with(Table::Watches, most)
    }

    /// How many streams there may be of ends, of dead letters, and of who is in a service, together.
    pub const fn followers(self, most: usize) -> Self {
        self.with(Table::Followers, most)
    }

    /// For how many addresses a [retry policy](crate::broker::InMemoryMessageBroker::set_retry) may be set.
    pub const fn policies(self, most: usize) -> Self {
        self.with(Table::Policies, most)
    }

    const fn with(mut self, table: Table, most: usize) -> Self {
        self.0[table as usize] = most;
        self
    }
}

impl Default for Limits {
    /// As [`new`](Self::new).
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_bounds_its_own_table() {
        let methods: [fn(Limits, usize) -> Limits; Table::ALL.len()] = [
            Limits::actors,
            Limits::names,
            Limits::groups,
            Limits::members,
            Limits::requests,
            Limits::subscriptions,
            Limits::scheduled,
            Limits::retries,
            Limits::senders,
            Limits::watches,
            Limits::followers,
            Limits::policies,
        ];
        for (table, bound) in Table::ALL.into_iter().zip(methods) {
            let limits = bound(Limits::unbounded(), 7);
            assert!(Table::ALL.into_iter().all(|other| (limits.of(other) == 7) == (other == table)), "{table}");
        }
    }

    #[test]
    fn nothing_is_unbounded_that_nobody_has_typed_out() {
        assert!(Table::ALL.into_iter().all(|table| Limits::default().of(table) <= 10_000_000));
        assert!(Table::ALL.into_iter().all(|table| Limits::unbounded().of(table) == usize::MAX));
    }
}
