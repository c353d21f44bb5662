//! The way out of this broker, for what is to go to addresses at which nobody is here.

use std::fmt;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Hub, SendErrorKind};
use crate::address::ActorAddress;
use crate::message::{Message, MessageEnvelope};
use crate::metrics::Outcome;
use crate::schedule::{Number, Parcel, Progress};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::topics::Subscriber;

/// What this broker would deliver and can't, because nobody is at the address here: for a broker that is built on this one
/// and has others to send it to. It has what is scheduled, redriven, or published to an actor's address; what is sent comes
/// back to its sender instead, who can do as much.
///
/// In the order in which it was due. Dropped, such messages are refused again.
pub struct Outlet<M> {
    outbound: UnboundedReceiver<Outbound<M>>,
}

/// A message on its way out.
pub struct Outbound<M> {
    to: ActorAddress,
    envelope: MessageEnvelope<M>,
    receipt: Receipt<M>,
}

/// Where it is said what became of such a message. Dropped without a word, the message counts as abandoned.
#[must_use = "the message counts as abandoned unless it is said what became of it"]
pub struct Receipt<M> {
    hub: Arc<Hub<M>>,
    of: Option<Of<M>>,
}

/// What the message was.
enum Of<M> {
    /// One that is in the agenda's account.
    Parcel(Number, ActorAddress, Way),
    /// A copy of one that is sent at an interval.
    Refrain(Arc<Progress>),
    /// A subscription's copy.
    Subscriber(Arc<Subscriber<M>>),
}

/// What else is known of a parcel.
struct Way {
    since: tokio::time::Instant,
    refusals: u32,
    place: crate::limits::Place,
}

/// The broker's end of it.
pub(crate) struct Opening<M> {
    outbound: UnboundedSender<Outbound<M>>,
    /// Copies on their way, of which there may be so many. Parcels have places of their own.
    copies: AtomicUsize,
}

/// How many copies may be on their way.
const COPIES: usize = 1_024;

impl<M: Message> Outlet<M> {
    pub(crate) fn new() -> (Opening<M>, Self) {
        let (sender, outbound) = unbounded_channel();
        (Opening { outbound: sender, copies: AtomicUsize::new(0) }, Self { outbound })
    }

    /// The next that is due; `None` when the broker is gone.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, nothing is lost.
    pub async fn next(&mut self) -> Option<Outbound<M>> {
        self.outbound.recv().await
    }
}

impl<M: Message> Outbound<M> {
    /// Where it is to go.
    pub fn to(&self) -> &ActorAddress {
        &self.to
    }

    /// Takes it apart: where it goes, what it is, and where to say what became of it.
    pub fn into_parts(self) -> (ActorAddress, MessageEnvelope<M>, Receipt<M>) {
        (self.to, self.envelope, self.receipt)
    }
}

impl<M: Message> Receipt<M> {
    /// It is in a mailbox elsewhere, and in the account of whoever has that.
    pub fn accepted(mut self) {
        match self.of.take() {
            Some(Of::Parcel(..)) => {
                self.hub.agenda.comes_back();
                self.hub.agenda.leave();
            }
            Some(Of::Refrain(progress)) => {
                self.hub.copy_is_back();
                progress.comes_back();
                progress.count(true);
            }
            Some(Of::Subscriber(_)) => self.hub.copy_is_back(),
            None => {}
        }
    }

    /// It was refused. What is in this broker's account is tried again if its retry policy says so, or a dead letter; a copy
    /// is missed or lost, and counted so.
    pub fn refused(mut self, kind: SendErrorKind, envelope: MessageEnvelope<M>) {
        match self.of.take() {
            Some(Of::Parcel(number, to, way)) => {
                self.hub.agenda.comes_back();
                let Way { since, refusals, place } = way;
                let parcel = Parcel { envelope, to, set_aside_by: None, since, refusals, place };
                self.hub.refused(number, parcel, kind);
            }
            copy => {
                self.copy_ends(copy);
                self.hub.lay_to_rest(envelope);
            }
        }
    }
}

impl<M> Receipt<M> {
    fn copy_ends(&self, copy: Option<Of<M>>) {
        match copy {
            Some(Of::Refrain(progress)) => {
                self.hub.copy_is_back();
                progress.comes_back();
                progress.count(false);
            }
            Some(Of::Subscriber(subscriber)) => {
                self.hub.copy_is_back();
                subscriber.count_refused();
            }
            Some(Of::Parcel(..)) | None => {}
        }
    }
}

impl<M> Drop for Receipt<M> {
    fn drop(&mut self) {
        match self.of.take() {
            Some(Of::Parcel(..)) => {
                self.hub.agenda.comes_back();
                self.hub.agenda.end(Outcome::Abandoned);
            }
            copy => self.copy_ends(copy),
        }
    }
}

impl<M> fmt::Debug for Outlet<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet").finish_non_exhaustive()
    }
}

impl<M> fmt::Debug for Outbound<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("to", &self.to).field("id", &self.envelope.id()).finish_non_exhaustive()
    }
}

impl<M> fmt::Debug for Receipt<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt").field("settled", &self.of.is_none()).finish_non_exhaustive()
    }
}

impl<M: Message> Hub<M> {
    /// Sends a message that is in the agenda's account out, or gives it back if there is no way out.
    #[expect(clippy::result_large_err, reason = "what can't go out goes back by value, and rarely")]
    pub(super) fn send_out(self: &Arc<Self>, number: Number, parcel: Parcel<M>) -> Result<(), Parcel<M>> {
        let Some(opening) = self.outlet.get().filter(|_| parcel.set_aside_by.is_none()) else { return Err(parcel) };
        let Parcel { envelope, to, since, refusals, place, .. } = parcel;
        let of = Of::Parcel(number, to.clone(), Way { since, refusals, place });
        let receipt = Receipt { hub: Arc::clone(self), of: Some(of) };
        self.agenda.goes_out();
        if let Err(closed) = opening.outbound.send(Outbound { to, envelope, receipt }) {
            self.agenda.comes_back();
            let (_, envelope, mut receipt) = closed.0.into_parts();
            if let Some(Of::Parcel(_, to, Way { since, refusals, place })) = receipt.of.take() {
                return Err(Parcel { envelope, to, set_aside_by: None, since, refusals, place });
            }
        }
        Ok(())
    }

    /// Sends a copy of a refrain out, or gives it back.
    pub(super) fn send_refrain_out(
        self: &Arc<Self>,
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
        progress: &Arc<Progress>,
    ) -> Result<(), MessageEnvelope<M>> {
        // One at a time, however long it takes.
        if self.outlet.get().is_none() || !progress.goes_away() {
            return Err(envelope);
        }
        self.send_copy_out(to, envelope, Of::Refrain(Arc::clone(progress))).inspect_err(|_| progress.comes_back())
    }

    /// Sends a subscription's copy out, or gives it back.
    pub(super) fn send_share_out(
        self: &Arc<Self>,
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
        subscriber: &Arc<Subscriber<M>>,
    ) -> Result<(), MessageEnvelope<M>> {
        self.send_copy_out(to, envelope, Of::Subscriber(Arc::clone(subscriber)))
    }

    fn send_copy_out(
        self: &Arc<Self>,
        to: &ActorAddress,
        envelope: MessageEnvelope<M>,
        of: Of<M>,
    ) -> Result<(), MessageEnvelope<M>> {
        let Some(opening) = self.outlet.get() else { return Err(envelope) };
        // Relaxed, here and where it goes down: a count, that nothing else goes by.
        if opening.copies.fetch_add(1, Ordering::Relaxed) >= COPIES {
            opening.copies.fetch_sub(1, Ordering::Relaxed);
            return Err(envelope);
        }
        let receipt = Receipt { hub: Arc::clone(self), of: Some(of) };
        opening.outbound.send(Outbound { to: to.clone(), envelope, receipt }).map_err(|closed| {
            let (_, envelope, mut receipt) = closed.0.into_parts();
            receipt.of = None;
            opening.copies.fetch_sub(1, Ordering::Relaxed);
            envelope
        })
    }
}

impl<M> Hub<M> {
    fn copy_is_back(&self) {
        self.outlet.get().into_iter().for_each(|opening| {
            opening.copies.fetch_sub(1, Ordering::Relaxed);
        });
    }
}
