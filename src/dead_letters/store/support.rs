//! What the tests of dead letters share.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::DateTime;

use crate::address::ActorId;
use crate::dead_letters::{DeadLetter, DeadLetterReason};
use crate::message::{Message, MessageEnvelope};

#[derive(Clone, Debug)]
pub(in crate::dead_letters) struct Note(pub(in crate::dead_letters) u64);

impl Message for Note {
    const MESSAGE_TYPE: &'static str = "note";
}

/// A letter that is younger than those that the same thread made before.
pub(in crate::dead_letters) fn letter<M: Message>(message: M) -> DeadLetter<M> {
    static CLOCK: AtomicI64 = AtomicI64::new(0);
    let actor = ActorId::next();
    DeadLetter {
        envelope: MessageEnvelope::new(message),
        address: actor.into(),
        actor: Some(actor),
        reason: DeadLetterReason::Expired,
        cause: None,
        attempts: 0,
        at: DateTime::from_timestamp_nanos(CLOCK.fetch_add(1, Ordering::Relaxed)),
    }
}
