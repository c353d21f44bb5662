//! Services: who offers something, in which version, and with which tags.
//!
//! An actor that is registered at a service or pool is a member of it. Any other registered actor can
//! [join](crate::broker::MessageBroker::join) as many as it likes, with a version, tags and a weight of its own in each,
//! and leave again. Its mailbox stays the one it has, and gets the messages of all of them. Members are listed as
//! [`Provider`]s, found by a predicate, and followed as they come and go.
//!
//! ```
//! use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
//! use switchboard::mailbox::MailboxOptions;
//! use switchboard::message::Message;
//! use switchboard::services::{MemberOptions, ServiceChange, Version, VersionReq};
//!
//! #[derive(Debug)]
//! struct Query(&'static str);
//!
//! impl Message for Query {
//!     const MESSAGE_TYPE: &'static str = "query";
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let broker = InMemoryMessageBroker::new();
//! let search = "service:search".parse()?;
//! let mut changes = broker.follow_service(&search, 64);
//!
//! let mut engine = broker.register(&"named:engine-1".parse()?, MailboxOptions::bounded(8)).await?;
//! let options = MemberOptions::new().version(Version::new(1, 2, 0)).tag("eu");
//! let membership = broker.join(&search, &engine.registration(), options).await?;
//!
//! // Anyone will do.
//! broker.send(&search, Query("rust")).await?;
//! // One of those that can do it.
//! let wanted = VersionReq::parse("^1.1")?;
//! let found = broker.find_provider(&search, |provider| provider.satisfies(&wanted) && provider.has_tag("eu")).await;
//! let found = found.ok_or("nobody offers that")?;
//! broker.send(&found.address(), Query("tokio")).await?;
//! assert_eq!(engine.depth(), 2);
//! # engine.try_recv();
//!
//! membership.leave();
//! assert!(broker.providers(&search).await.is_empty());
//!
//! // First who was there, then each change.
//! assert_eq!(changes.next().await, Some(ServiceChange::Present { providers: vec![], missed: 0 }));
//! assert_eq!(changes.next().await, Some(ServiceChange::Joined(found.clone())));
//! assert_eq!(changes.next().await, Some(ServiceChange::Left(found)));
//! # Ok(())
//! # }
//! ```
//!
//! # Leaving
//!
//! A [`Membership`] ends when it is dropped, and in any case with its actor, before the actor's mailbox closes: however
//! an actor ends, it is in no list after that. What a member has accepted by the time it leaves is still its to handle.
//!
//! # Finding and sending
//!
//! A message to the service itself goes to a member that its [strategy](crate::balancing) picks, and that looks neither
//! at versions nor at tags. Whoever minds finds a provider, and sends to its [address](Provider::address). That provider
//! may end before the message gets there: the error says so, and the next search finds another.
//!
//! # Following
//!
//! [`ServiceChanges`] tells who is there first, and then each change, in the order in which they happened. Between the two
//! nothing is lost and nothing is told twice. Whoever is too slow is told who is there now, in place of the changes that
//! there was no room for.
//!
//! # Cost
//!
//! Joining and leaving replace the list of members, in time that goes by their number. An actor that has joined nothing
//! pays two words, and a service that nobody follows pays nothing for that.

mod change;
mod changes;
mod choice;
mod directory;
mod joined;
mod membership;
mod options;
mod provider;

pub use change::ServiceChange;
pub use changes::ServiceChanges;
pub use membership::Membership;
pub use options::MemberOptions;
pub use provider::Provider;
#[doc(no_inline)]
pub use semver::{Version, VersionReq};

pub(crate) use choice::choose;
pub(crate) use directory::Directory;
pub(crate) use joined::Joined;
