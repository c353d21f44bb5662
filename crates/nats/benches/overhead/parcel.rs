use serde::{Deserialize, Serialize};
use switchboard::message::Message;

/// What is sent, by the broker and without it. In both cases postcard writes it, and it is read again where it arrives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Parcel(String);

impl Parcel {
    /// One of so many bytes.
    pub(crate) fn of(bytes: usize) -> Self {
        Self("x".repeat(bytes))
    }
}

impl Message for Parcel {
    const MESSAGE_TYPE: &'static str = "parcel";
}
