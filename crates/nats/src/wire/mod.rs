//! Envelopes as bytes: what goes over the wire.
//!
//! There are two forms. [`WireFormat::Compact`] is for switchboard itself: a version, a header and the message, in
//! [postcard](https://postcard.jamesmunns.com/wire-format). [`WireFormat::Json`] is for programs in other languages: a
//! [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md) event in structured mode. A
//! receiver reads both, and tells them apart by the first byte; `WIRE.md` has both byte by byte.
//!
//! A deadline travels as the time that is left, since clocks of two machines agree on nothing else. What the receiver
//! alone decides does not travel: how often it is tried again there, and whom its groups pick.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use switchboard::message::{Message, MessageEnvelope};
//! use switchboard_nats::wire::{WireFormat, decode, encode};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! enum Work {
//!     Square(u64),
//! }
//!
//! impl Message for Work {
//!     const MESSAGE_TYPE: &'static str = "work";
//! }
//!
//! let envelope = MessageEnvelope::new(Work::Square(12)).with_metadata("tenant", "blue");
//! for format in [WireFormat::Compact, WireFormat::Json] {
//!     let bytes = encode(&envelope, format, "docs")?;
//!     let read: MessageEnvelope<Work> = decode(&bytes)?;
//!     assert_eq!((read.id(), read.metadata("tenant")), (envelope.id(), Some("blue")));
//!     assert_eq!(read.into_message(), Work::Square(12));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod codec;
mod compact;
mod error;
mod format;
mod header;
mod json;

pub use codec::{decode, encode};
pub use error::{DecodeError, EncodeError};
pub use format::WireFormat;

#[cfg(test)]
mod tests;
