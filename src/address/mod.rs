//! Where messages go: ids, names, and the groups that share one.
//!
//! An [`ActorAddress`] is plain data. It says whom a message is for, not that anybody is there:
//! that is found out when the message is sent. It can be kept, compared, logged, put in a
//! configuration file and sent to another process.
//!
//! | Kind | Text | Who receives | Use it when |
//! |---|---|---|---|
//! | [`Id`](ActorAddress::Id) | `id:<id>` | that one actor, or nobody once it stopped | the answer has to reach the very actor that asked |
//! | [`Named`](ActorAddress::Named) | `named:counter` | the one actor that holds the name now | an actor is restarted or replaced behind its name |
//! | [`Service`](ActorAddress::Service) | `service:billing.eu` | one of the actors that offer the service | several actors, started apart, can do the work |
//! | [`Pool`](ActorAddress::Pool) | `pool:readers` | one of the workers of the pool | equal workers share one load |
//!
//! Which of several actors a message goes to, its [strategy](crate::balancing) says: by default the less loaded of two.
//!
//! The same [`Name`] under two kinds makes two addresses: `service:mail` and `pool:mail` have
//! nothing to do with each other.
//!
//! ```
//! use switchboard::address::{ActorAddress, ActorId, AddressError};
//!
//! let counter = ActorAddress::named("counter")?;
//! assert_eq!(counter.to_string(), "named:counter");
//! assert!(!counter.is_group());
//!
//! let readers: ActorAddress = "pool:readers".parse()?;
//! assert!(readers.is_group());
//!
//! let exactly_one = ActorAddress::from(ActorId::next());
//! assert_eq!(exactly_one.kind(), "id");
//!
//! assert_eq!("counter".parse::<ActorAddress>(), Err(AddressError::MissingKind));
//! # Ok::<(), AddressError>(())
//! ```

mod actor_address;
mod actor_id;
mod error;
mod literal;
mod name;

pub use self::actor_address::ActorAddress;
pub use self::actor_id::ActorId;
pub use self::error::{AddressError, NameError};
#[doc(hidden)]
pub use self::literal::{from_literal, is_valid_literal};
pub use self::name::Name;
pub(crate) use self::name::{ByName, ByNameRef};
pub use crate::unique_id::ParseIdError;
