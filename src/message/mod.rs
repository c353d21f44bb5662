//! What a broker carries: a message, the envelope round it, and its id.
//!
//! A [`Message`] is one type per broker, usually an enum. It is moved from the sender to the handler and never
//! boxed. Everything the broker needs to know about one message travels beside it in a [`MessageEnvelope`], whose
//! header takes 64 bytes and allocates nothing; what few messages need (a reply address, a correlation id, metadata
//! of your own) sits behind one pointer that is null until it is used.
//!
//! ```
//! use std::time::Duration;
//!
//! use switchboard::message::{Message, MessageEnvelope, MessagePriority};
//!
//! #[derive(Debug)]
//! struct Reading(f64);
//!
//! impl Message for Reading {
//!     const MESSAGE_TYPE: &'static str = "sensors.reading";
//! }
//!
//! let envelope = MessageEnvelope::new(Reading(20.5))
//!     .with_priority(MessagePriority::High)
//!     .within(Duration::from_secs(5))
//!     .with_metadata("sensor", "roof");
//!
//! assert_eq!(envelope.priority(), MessagePriority::High);
//! assert_eq!(envelope.metadata("sensor"), Some("roof"));
//! ```

mod again;
mod deadline;
mod envelope;
mod id;
mod marks;
mod metadata;
mod priority;
mod request_key;
mod settlement;
mod stamp;
mod traits;

pub use envelope::MessageEnvelope;
pub use id::MessageId;
pub use priority::MessagePriority;
pub use settlement::{Settled, Settlement};
pub use traits::{Message, Request};

pub use crate::unique_id::ParseIdError;

pub(crate) use again::Again;
pub(crate) use deadline::Deadline;
pub(crate) use marks::Marks;
pub(crate) use request_key::RequestKey;
pub(crate) use settlement::Settler;
pub(crate) use stamp::{LONGEST as LONGEST_STAMP, Stamp};
