use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::ActorCell;
use super::panic::catch_panic_now;
use crate::message::{Deadline, Message, MessageEnvelope};

/// A copy of the message in hand, for when its handler does not handle it to the end.
pub(super) struct InDoubt<M> {
    pub(super) envelope: MessageEnvelope<M>,
    /// When it is to be handled again; none while it is being handled.
    pub(super) due: Option<Instant>,
}

impl<M: Message> InDoubt<M> {
    /// Copies a message that is to be delivered at least once; gives the cause if its `clone` panicked.
    #[cold]
    pub(super) fn copy(envelope: &MessageEnvelope<M>) -> Result<Box<Self>, String> {
        let envelope = catch_panic_now(|| envelope.copy())?.ok_or("it can't be cloned")?;
        Ok(Box::new(Self { envelope, due: None }))
    }

    pub(super) fn wait(&mut self, delay: Duration) {
        self.envelope.next_attempt();
        // Without an end in sight, the actor waits for whoever stops it.
        self.due = Some(Deadline::after(delay).instant().unwrap_or_else(|| Instant::now() + FOR_EVER));
    }

    /// How often a handler has begun with it.
    pub(super) fn begun(&self) -> u32 {
        self.envelope.attempt() - u32::from(self.due.is_some())
    }
}

impl<M> ActorCell<M> {
    /// Waits until it is time to handle a message again, or the actor is to stop.
    pub(super) async fn wait_in_order(&self, due: Instant) {
        let mut wait = pin!(tokio::time::sleep_until(due));
        std::future::poll_fn(|cx| {
            self.queue.wake_me(cx);
            self.queue.admit_all();
            if self.is_stopping() { Poll::Ready(()) } else { wait.as_mut().poll(cx) }
        })
        .await;
    }
}

/// Longer than any program runs, and short enough to be added to any instant.
const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Note(u32);

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    #[tokio::test(start_paused = true)]
    async fn a_copy_knows_how_often_a_handler_has_begun_whether_it_waits_or_not() {
        let envelope = MessageEnvelope::new(Note(7)).at_least_once();
        let mut copy = InDoubt::copy(&envelope).unwrap();
        assert_eq!((copy.envelope.id(), copy.envelope.message()), (envelope.id(), &Note(7)));
        assert_eq!((copy.begun(), copy.due), (1, None));
        copy.wait(Duration::from_secs(3));
        assert_eq!((copy.begun(), copy.envelope.attempt()), (1, 2));
        assert_eq!(copy.due, Some(Instant::now() + Duration::from_secs(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_without_end_is_long_and_no_panic() {
        let mut copy = InDoubt::copy(&MessageEnvelope::new(Note(7)).at_least_once()).unwrap();
        copy.wait(Duration::MAX);
        assert!(copy.due.is_some_and(|due| due > Instant::now() + Duration::from_secs(86_400 * 365)));
    }

    #[test]
    fn what_is_sent_at_most_once_has_no_copy() {
        assert!(InDoubt::copy(&MessageEnvelope::new(Note(7))).is_err());
    }
}
