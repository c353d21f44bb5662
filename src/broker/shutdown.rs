use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::Hub;
use crate::actor::ActorCell;
use crate::dead_letters::DeadLetterReason;
use crate::message::{Deadline, Message};
use crate::metrics::Outcome;
use crate::schedule::Entry;

/// How a shutdown went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Actors that handled all they had accepted, and ended.
    pub drained: usize,
    /// Actors that were ended before they were done.
    pub aborted: usize,
    /// Accepted messages that were not handled any more.
    pub abandoned: u64,
}

/// How long the task that keeps the time is waited for. It has nothing to do but to end, unless nobody drives its runtime.
const TIME_TO_END: Duration = Duration::from_secs(1);

impl<M: Message> Hub<M> {
    pub(super) async fn shut_down(self: &Arc<Self>, timeout: Duration) -> ShutdownReport {
        let deadline = Deadline::after(timeout);
        let actors = self.shut();
        let abandoned = self.abandoned();
        // What is not due yet is no work that was begun.
        self.agenda.close_to_new().into_iter().for_each(|entry| self.end_entry(entry));
        for cell in &actors {
            self.close(cell);
        }
        self.wait_until(deadline, || actors.iter().all(|cell| cell.is_done())).await;
        let late = actors.iter().filter(|cell| cell.is_spawned() && !cell.has_departed()).count();
        for cell in actors.iter().filter(|cell| !cell.has_departed()) {
            self.abort(cell);
        }
        self.wait_until(Deadline::NEVER, || actors.iter().all(|cell| cell.has_departed() || !cell.is_spawned())).await;
        self.close_down().await;
        let spawned = actors.iter().filter(|cell| cell.is_spawned()).count();
        ShutdownReport { drained: spawned - late, aborted: late, abandoned: self.abandoned() - abandoned }
    }

    /// Ends what belongs to no actor: messages that wait, requests, and the task that keeps the time.
    async fn close_down(self: &Arc<Self>) {
        self.agenda.close().into_iter().for_each(|entry| self.end_entry(entry));
        self.requests.end_all();
        let timer = &self.requests.timer;
        timer.wake();
        self.wait_until(Deadline::after(TIME_TO_END), || !timer.runs()).await;
    }

    fn end_entry(&self, entry: Entry<M>) {
        match entry {
            Entry::Message(parcel) => self.end_parcel(parcel, DeadLetterReason::ShutDown),
            Entry::Refrain(refrain) => self.lay_to_rest(refrain),
        }
    }

    /// Waits until something is so, looking whenever anything has come to an end, but not past the deadline.
    async fn wait_until(&self, deadline: Deadline, is_so: impl Fn() -> bool) {
        let waiting = async {
            loop {
                let mut progress = pin!(self.progress.notified());
                // Heard from here on, so that an end between the look and the wait is not missed.
                progress.as_mut().enable();
                if is_so() {
                    break;
                }
                progress.await;
            }
        };
        match deadline.instant() {
            Some(deadline) => drop(tokio::time::timeout_at(deadline, waiting).await),
            None => waiting.await,
        }
    }

    /// Tells a shutdown that waits for it that something has come to an end.
    pub(crate) fn note_progress(&self) {
        if self.is_shut() {
            self.progress.notify_waiters();
        }
    }

    fn abandoned(&self) -> u64 {
        self.metrics().total.outcomes[Outcome::Abandoned]
    }
}

impl<M> ActorCell<M> {
    /// Whether there is nothing left to wait for: its task has gone, or, where somebody receives by hand, all that was
    /// accepted is done.
    fn is_done(&self) -> bool {
        if self.is_spawned() { self.has_departed() } else { self.has_settled() || self.is_idle() }
    }
}
