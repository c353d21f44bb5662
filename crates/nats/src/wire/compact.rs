use bytes::Bytes;
use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::message::{Message, MessageEnvelope};

use super::header::Header;
use super::{DecodeError, EncodeError};

/// The first byte of every envelope in this form.
pub(super) const VERSION: u8 = 1;

/// Room for a header without metadata and a small message, which then is written without moving what was written before.
const ROOM: usize = 256;

pub(super) fn encode<M: Message + Serialize>(envelope: &MessageEnvelope<M>) -> Result<Bytes, EncodeError> {
    let mut buffer = Vec::with_capacity(ROOM);
    buffer.push(VERSION);
    let mut serializer = postcard::Serializer { output: Growing(buffer) };
    let header = Header::of(envelope).serialize(&mut serializer);
    let written = header.and_then(|()| envelope.message().serialize(&mut serializer));
    match written {
        Ok(()) => Ok(serializer.output.0.into()),
        Err(error) => Err(EncodeError::Message(error.to_string())),
    }
}

/// Reads what follows the version.
pub(super) fn decode<M: Message + DeserializeOwned>(bytes: &[u8]) -> Result<MessageEnvelope<M>, DecodeError> {
    let (header, bytes) =
        postcard::take_from_bytes::<Header<'_>>(bytes).map_err(|error| DecodeError::Header(error.to_string()))?;
    header.check::<M>()?;
    let (message, rest) =
        postcard::take_from_bytes::<M>(bytes).map_err(|error| DecodeError::Message(error.to_string()))?;
    if !rest.is_empty() {
        return Err(DecodeError::Message(format!("{} bytes are left over", rest.len())));
    }
    Ok(header.envelop(message))
}

/// A buffer that is written into after the version.
struct Growing(Vec<u8>);

impl Flavor for Growing {
    type Output = Vec<u8>;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}
