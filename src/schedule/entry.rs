use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::actor::ActorCell;
use crate::address::ActorAddress;
use crate::disposal::Disposal;
use crate::limits::Place;
use crate::message::{Deadline, Message, MessageEnvelope};
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What is entered in the [agenda](super::Agenda).
pub(crate) enum Entry<M> {
    /// A message to be delivered once.
    Message(Parcel<M>),
    /// A message of which a copy is to be sent again and again.
    Refrain(Refrain<M>),
}

/// An accepted message on its way, which is in no mailbox.
pub(crate) struct Parcel<M> {
    pub(crate) envelope: MessageEnvelope<M>,
    pub(crate) to: ActorAddress,
    /// The actor that set it aside, to be handled again. It does not end as drained before this is back or has ended.
    pub(crate) set_aside_by: Option<Arc<ActorCell<M>>>,
    /// When its first attempt began, or will: what limits on the whole are counted from.
    pub(crate) since: Instant,
    /// How often it was refused since it is on its way.
    pub(crate) refusals: u32,
    /// Its place among those that may wait, kept until it has left or ended.
    pub(crate) place: Place,
}

/// A message that is sent at an interval.
pub(crate) struct Refrain<M> {
    /// One that can be copied.
    pub(crate) template: MessageEnvelope<M>,
    pub(crate) to: ActorAddress,
    pub(crate) due: Deadline,
    pub(crate) period: Duration,
    pub(crate) progress: Arc<Progress>,
    _place: Place,
}

/// What a refrain and its handle share.
#[derive(Default)]
pub(crate) struct Progress {
    cancelled: AtomicBool,
    sent: AtomicU64,
    missed: AtomicU64,
    /// Whether a copy is on its way out of the broker.
    away: AtomicBool,
}

impl<M> Entry<M> {
    /// Whether it is a message that is accounted for.
    pub(super) fn is_message(&self) -> bool {
        matches!(self, Self::Message(_))
    }

    /// The message inside.
    pub(crate) fn into_envelope(self) -> MessageEnvelope<M> {
        match self {
            Self::Message(parcel) => parcel.envelope,
            Self::Refrain(refrain) => refrain.template,
        }
    }

    /// Whether an actor had it before.
    pub(super) fn is_set_aside(&self) -> bool {
        matches!(self, Self::Message(parcel) if parcel.set_aside_by.is_some())
    }
}

/// The shortest period, which is as finely as the clock wakes.
const TICK: Duration = Duration::from_millis(1);

impl<M> Refrain<M> {
    /// A refrain whose first time is one period from now. `template` is one that can be copied.
    pub(crate) fn new(template: MessageEnvelope<M>, to: ActorAddress, period: Duration, place: Place) -> Self {
        let period = period.max(TICK);
        Self { template, to, due: Deadline::after(period), period, progress: Arc::default(), _place: place }
    }

    /// The next time: a whole number of periods after the last one, and not in the past. Those that have gone by meanwhile
    /// are counted as missed.
    pub(crate) fn advance(&mut self) -> Deadline {
        let now = Deadline::now();
        let late = now.nanos().saturating_sub(self.due.nanos());
        let period = u64::try_from(self.period.as_nanos()).unwrap_or(u64::MAX);
        let missed = late / period;
        self.progress.miss(missed);
        self.due = Deadline::from_nanos(self.due.nanos().saturating_add(period.saturating_mul(missed + 1)));
        self.due
    }
}

impl<M: Message> Refrain<M> {
    /// A copy to send now. `None` if the message's `clone` panicked.
    pub(crate) fn copy(&self, disposal: &Disposal) -> Option<MessageEnvelope<M>> {
        let mut copy = disposal.copy(|| self.template.copy()).ok()??.with_new_id();
        copy.live_from(Deadline::now());
        Some(copy)
    }
}

impl Progress {
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    /// Notes that a copy goes out. False if one still is.
    pub(crate) fn goes_away(&self) -> bool {
        !self.away.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn comes_back(&self) {
        self.away.store(false, Ordering::Release);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(crate) fn count(&self, sent: bool) {
        let count = if sent { &self.sent } else { &self.missed };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn miss(&self, times: u64) {
        self.missed.fetch_add(times, Ordering::Relaxed);
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}
