//! What was not handled to its end becomes a dead letter of the cluster.

use async_nats::jetstream::AckKind;
use async_nats::jetstream::Message as Waiting;
use chrono::Utc;
use switchboard::message::Message;
use tokio::time::{Instant, sleep};

use super::parcel::{Epitaph, join};
use super::{ClusterReason, Durable};
use crate::connection::PAUSE;
use crate::node::Node;

/// Why a message is dead.
pub(super) struct Death {
    pub(super) reason: ClusterReason,
    pub(super) cause: Option<String>,
    pub(super) attempts: u32,
}

impl Death {
    /// Of one that no handler has begun with, as far as is known.
    pub(super) fn of(reason: ClusterReason) -> Self {
        Self { reason, cause: None, attempts: 0 }
    }
}

impl<M: Message> Node<M> {
    /// Keeps a message as a dead letter, and only then has the server forget that it waits. What is not done is begun anew when
    /// the server gives it to somebody again, and is kept once, since its number is its id.
    pub(super) async fn bury(&self, durable: &Durable, message: &Waiting, death: Death) {
        let Ok(number) = message.info().map(|info| info.stream_sequence) else { return };
        let Death { reason, cause, attempts } = death;
        tracing::warn!(subject = %message.subject, number, %reason, cause = cause.as_deref(), "dead letter of the cluster");
        let epitaph = Epitaph { reason, cause, attempts, at: Utc::now().timestamp_millis() };
        let payload = join(&epitaph, &message.payload);
        let id = format!("{}.{number}", durable.work.cached_info().config.name);
        let until = Instant::now() + durable.options.ack_wait / 2;
        if let Err(kind) = durable.store(self.subjects.dead_of(&message.subject), payload, &id, until).await {
            tracing::error!(number, %kind, "a dead letter can't be kept, so its message stays where it waits");
            // It comes again when nothing has been heard of it for a while.
            return;
        }
        while Instant::now() < until {
            match message.double_ack_with(AckKind::Term).await {
                Ok(()) => return,
                Err(_) => sleep(PAUSE).await,
            }
        }
    }
}
