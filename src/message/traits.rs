use std::fmt;
use std::time::Duration;

use crate::message::{MessageEnvelope, MessagePriority};

/// A type that a broker can carry.
///
/// One broker carries one message type, known at compile time and usually an enum. The trait asks for as little as
/// it can: no `Clone`, no serialisation, no `Sync`.
///
/// ```
/// use switchboard::message::{Message, MessagePriority};
///
/// #[derive(Debug)]
/// enum Order {
///     Place { customer: String, amount: u32 },
///     Cancel { customer: String },
/// }
///
/// impl Message for Order {
///     const MESSAGE_TYPE: &'static str = "shop.order";
///
///     fn priority(&self) -> MessagePriority {
///         match self {
///             Order::Place { .. } => MessagePriority::Normal,
///             Order::Cancel { .. } => MessagePriority::High,
///         }
///     }
///
///     fn routing_key(&self) -> Option<&str> {
///         match self {
///             Order::Place { customer, .. } | Order::Cancel { customer } => Some(customer),
///         }
///     }
/// }
/// # assert_eq!(Order::Cancel { customer: "a".into() }.routing_key(), Some("a"));
/// # assert_eq!(Order::Place { customer: "a".into(), amount: 1 }.priority(), MessagePriority::Normal);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a message that a broker can carry",
    note = "implement `switchboard::message::Message` for it: `const MESSAGE_TYPE: &'static str = \"…\";` is enough"
)]
pub trait Message: fmt::Debug + Send + Sized + 'static {
    /// A stable name for this type in logs, metrics and on the wire, such as `shop.order`.
    const MESSAGE_TYPE: &'static str;

    /// How urgent this message is. The default is [`MessagePriority::Normal`].
    fn priority(&self) -> MessagePriority {
        MessagePriority::Normal
    }

    /// What messages must have in common to stay with one member where a pool shares its work by key. The default is
    /// none.
    ///
    /// Under [`Strategy::ConsistentHash`](crate::balancing::Strategy::ConsistentHash), messages with equal keys go to the
    /// same member for as long as it is one, and those without a key go where there is less to do. Keys are equal if their
    /// bytes are. Other strategies do not look at them. When a member joins or leaves, the keys that it brings or takes
    /// along change theirs, and what their former member has before it then is not waited for.
    fn routing_key(&self) -> Option<&str> {
        None
    }

    /// How long after it was put in its envelope a message of this kind is still worth handling, unless its sender says
    /// otherwise. The default is for ever.
    fn time_to_live(&self) -> Option<Duration> {
        None
    }

    /// Whether it is worth a line in the log if this message becomes a dead letter. The default is yes, as far as
    /// [`DeadLetterOptions::log_per_second`](crate::dead_letters::DeadLetterOptions::log_per_second) allows. What is not
    /// logged is kept, counted and told to followers all the same.
    fn is_dead_letter_logged(&self) -> bool {
        true
    }

    /// This message in an envelope that expires after `timeout`: as a request, how long its caller waits.
    ///
    /// Short for `MessageEnvelope::new(message).within(timeout)`.
    fn within(self, timeout: Duration) -> MessageEnvelope<Self> {
        MessageEnvelope::new(self).within(timeout)
    }
}

/// A question with a typed answer: turned into the broker's message on the way out, and its reply turned back.
///
/// `MessageBroker::ask` sends it and gives [`Reply`](Self::Reply). A reply of another kind is an error with
/// the message in it, which is why the conversion gives back what it can't convert.
///
/// ```
/// use switchboard::message::{Message, Request};
///
/// #[derive(Debug)]
/// enum Counter {
///     Add(u64),
///     GetTotal,
///     Total(u64),
/// }
///
/// impl Message for Counter {
///     const MESSAGE_TYPE: &'static str = "counter";
/// }
///
/// struct GetTotal;
///
/// #[derive(Debug, PartialEq)]
/// struct Total(u64);
///
/// impl From<GetTotal> for Counter {
///     fn from(_: GetTotal) -> Self {
///         Counter::GetTotal
///     }
/// }
///
/// impl TryFrom<Counter> for Total {
///     type Error = Counter;
///
///     fn try_from(reply: Counter) -> Result<Self, Counter> {
///         match reply {
///             Counter::Total(total) => Ok(Total(total)),
///             other => Err(other),
///         }
///     }
/// }
///
/// impl Request<Counter> for GetTotal {
///     type Reply = Total;
/// }
/// # assert_eq!(Total::try_from(Counter::Total(3)).unwrap(), Total(3));
/// # assert!(matches!(Total::try_from(Counter::Add(1)), Err(Counter::Add(1))));
/// # assert!(matches!(Counter::from(GetTotal), Counter::GetTotal));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a request that can be asked over a broker of `{M}`",
    note = "implement `Into<{M}>` for it and `Request<{M}>` with a `Reply` that is `TryFrom<{M}, Error = {M}>`"
)]
pub trait Request<M: Message>: Into<M> + Send {
    /// What the answer is turned into.
    type Reply: TryFrom<M, Error = M> + Send;
}
