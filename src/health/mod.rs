//! Members of a group whose handler keeps failing are set aside for a while, and let back in by trial.
//!
//! A member that fails at once never has anything before it, so whoever goes by load would give it the most. Failing fast
//! must never look like being idle. So an actor counts how often its handler has failed in a row, and as its
//! [`HealthPolicy`] says, a service or pool passes it over for a while:
//!
//! | what happens | what follows |
//! | --- | --- |
//! | as many failures in a row as the policy allows | it is set aside for the first hold |
//! | the hold is over | one message is its trial; until the answer, or another hold, there is no other |
//! | the trial fails | it is set aside again, for twice as long, up to the longest hold |
//! | a message that it had before is handled | it is let back in at once, and nothing is held against it |
//! | such a message fails | nothing: it tells no more than was known |
//!
//! Failures are errors and panics that a handler ends with, and deliveries that are
//! [failed](crate::actor::Delivery::fail) by hand. What is [rejected](crate::broker::Context::reject) tells of the message
//! and not of the handler, so it counts neither way. A failure is counted before the caller of a request learns of it: a
//! caller that sends again at once meets another member.
//!
//! Whoever has no other choice still sends to one that is set aside. If all members are, all are used as if none were. A
//! message with a key under [`ConsistentHash`](crate::balancing::Strategy::ConsistentHash) goes to its member in any case,
//! for the order of its key. What is sent to an id or a name always goes there.
//!
//! ```
//! use std::time::Duration;
//!
//! use switchboard::SpawnOptions;
//! use switchboard::broker::InMemoryMessageBroker;
//! use switchboard::health::HealthPolicy;
//! # use switchboard::message::Message;
//! # #[derive(Debug)]
//! # struct Note;
//! # impl Message for Note {
//! #     const MESSAGE_TYPE: &'static str = "note";
//! # }
//!
//! // Three failures in a row, then a trial after 2, 4, 8 and from then on every 10 seconds.
//! let policy = HealthPolicy::failures(3).hold(Duration::from_secs(2)).longest_hold(Duration::from_secs(10));
//! let broker: InMemoryMessageBroker<Note> = InMemoryMessageBroker::builder().health(policy).build()?;
//!
//! // One whose errors mean nothing is never set aside.
//! let options = SpawnOptions::new().health(HealthPolicy::never());
//! # let _ = (broker, options);
//! # Ok::<_, switchboard::mailbox::CapacityError>(())
//! ```

mod policy;
mod record;
mod standing;

pub use policy::HealthPolicy;

pub(crate) use record::Health;
