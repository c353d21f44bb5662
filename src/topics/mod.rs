//! What messages are about: the subjects that they are published on, and who has subscribed to them.
//!
//! An [address](mod@crate::address) says who gets a message. A [`Subject`] says what a message is about, and leaves it to
//! whoever is interested to say so with a [`SubjectPattern`]. Both are checked text, cheap to clone, and the same
//! wherever they go: in a log, in a configuration file, on a wire. They follow the rules of NATS.
//!
//! # Subjects
//!
//! Tokens of ASCII letters, digits, `_` and `-`, with a dot between them, from the general to the particular:
//! `orders.eu.created`. At most [255 bytes](Subject::MAX_LENGTH) and [32 tokens](Subject::MAX_TOKENS). Upper and lower
//! case differ.
//!
//! # Patterns
//!
//! A pattern is written like a subject, with two tokens that stand for others:
//!
//! | token | stands for | where |
//! | --- | --- | --- |
//! | `*` | exactly one token, whichever it is | anywhere, any number of times |
//! | `>` | all the tokens that are left, at least one | at the end only |
//!
//! They stand for whole tokens: `orders.e*` is not a pattern. One without either matches the one subject of the same
//! text.
//!
//! | pattern | matches | does not match |
//! | --- | --- | --- |
//! | `time.us.east` | `time.us.east` | anything else |
//! | `time.*.east` | `time.us.east`, `time.eu.east` | `time.us`, `time.us.east.atlanta`, `time.new.york.east` |
//! | `time.us.>` | `time.us.east`, `time.us.east.atlanta` | `time.us`, `time.eu.east` |
//! | `*.*.>` | all subjects of three tokens or more | `time.us` |
//! | `>` | all subjects | |
//!
//! ```
//! use switchboard::topics::{Subject, SubjectError, SubjectPattern};
//! use switchboard::{pattern, subject};
//!
//! let created = subject!("orders.eu.created"); // checked by the compiler
//! assert!(pattern!("orders.*.created").matches(&created));
//!
//! let region = "eu"; // not known to the compiler
//! let in_region = SubjectPattern::new(format!("orders.{region}.>"))?;
//! assert!(in_region.matches(&created));
//! assert!(!in_region.matches(&Subject::new("orders.eu")?)); // `>` is one token or more
//! # Ok::<(), SubjectError>(())
//! ```
//!
//! # Publishing and subscribing
//!
//! [`publish`](crate::MessageBroker::publish) gives a copy of a message to each subscription whose pattern matches the
//! subject. [`subscribe`](crate::MessageBroker::subscribe) makes a [`Subscription`], with a mailbox of its own, to be
//! received from by hand; [`subscribe_actor`](crate::MessageBroker::subscribe_actor) an [`ActorSubscription`], whose
//! messages go to an actor. Either ends, at once, when it is dropped. Each subscription is one of its own: whoever has
//! two that match gets two copies.
//!
//! ```
//! # use switchboard::{InMemoryMessageBroker, MailboxOptions, Message, MessageBroker, pattern, subject};
//! # #[derive(Clone, Debug, PartialEq)]
//! # struct Created(u32);
//! # impl Message for Created {
//! #     const MESSAGE_TYPE: &'static str = "created";
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let broker = InMemoryMessageBroker::new();
//! let mut orders = broker.subscribe(pattern!("orders.*.created"), MailboxOptions::bounded(64)).await?;
//!
//! let published = broker.publish(&subject!("orders.eu.created"), Created(1)).await;
//! assert_eq!(published.delivered, 1);
//! assert_eq!(orders.recv().await.map(|delivery| delivery.into_message()), Some(Created(1)));
//!
//! drop(orders);
//! let published = broker.publish(&subject!("orders.eu.created"), Created(2)).await;
//! let nobody_took = published.returned.expect("there is no subscription");
//! assert_eq!(nobody_took.into_message(), Created(2));
//! # Ok(())
//! # }
//! ```
//!
//! # Slow subscribers
//!
//! Publishing waits for nobody. A subscription whose mailbox is full loses messages, of its own and no others', and
//! [counts](Subscription::lost) them. Its [`BackpressureStrategy`](crate::BackpressureStrategy) says which:
//!
//! | strategy | lost is | and it is |
//! | --- | --- | --- |
//! | `Block`, `Error` | the new message | not accepted |
//! | `DropNewest` | the new message | accepted and evicted |
//! | `DropOldest` | the oldest that waits | evicted |
//!
//! What is evicted ends as everywhere, with its outcome counted and as a dead letter. A subscription that is to have the
//! latest only therefore turns out many dead letters, and others make way for them; where that matters, let it refuse.
//!
//! # Groups
//!
//! Of the subscriptions of one [group](SubjectPattern::in_group) whose patterns match, one gets the message: each in its
//! turn, where those that are closed or full are passed over. If none has room, one without gets it, as its strategy says.
//!
//! # Sharing
//!
//! A message is cloned once for each receiver but the last, which gets the message itself; so for one receiver it is
//! never cloned. All copies have the id and the header of the one that was published. What is large is best put in an
//! [`Arc`](std::sync::Arc) inside the message: then a clone is a count, and all receivers share one body. So it is with
//! what [all members](crate::balancing#all-members) of a service or pool are given, who need not subscribe.
//!
//! ```
//! use std::sync::Arc;
//!
//! #[derive(Clone, Debug)]
//! struct Frame {
//!     number: u64,
//!     pixels: Arc<[u8]>,
//! }
//! ```
//!
//! # Order
//!
//! What one publisher publishes reaches each subscription in that order. Nothing is promised between publishers.
//! [Priorities](crate::MessagePriority), groups, and addresses with several actors waive it.
//!
//! # Shutdown
//!
//! What is published from then on is delivered to nobody. A subscription can still receive what it has, as an
//! [`Inbox`](crate::actor::Inbox) can.
//!
//! # Cost
//!
//! Patterns are kept in a tree with a level for each token. Finding those that match a subject takes one look into a hash
//! map for each beginning of a pattern that matches the beginning of the subject, usually one or two for each of its
//! tokens, and a step for each match. How many other patterns there are does not count.

mod actor_subscription;
mod audience;
mod error;
mod interest;
mod literal;
mod matches;
mod pattern;
mod published;
mod seat;
mod subject;
mod subscriber;
mod subscription;
mod subscriptions;
mod text;
mod trie;

pub use self::actor_subscription::ActorSubscription;
pub use self::audience::Audience;
pub use self::error::SubjectError;
pub use self::interest::Interest;
#[doc(hidden)]
pub use self::literal::{is_pattern_literal, is_subject_literal, pattern_from_literal, subject_from_literal};
pub use self::pattern::SubjectPattern;
pub use self::published::Published;
pub use self::subject::Subject;
pub use self::subscription::Subscription;

pub(crate) use self::seat::Seat;
pub(crate) use self::subscriber::{Recipient, Subscriber};
pub(crate) use self::subscriptions::Subscriptions;

use self::matches::Matches;
use self::trie::{EntryKey, Trie};
