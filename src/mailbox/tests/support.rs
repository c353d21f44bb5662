use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::mailbox::{
    Accepted, MailboxError, MailboxErrorKind, MailboxOptions, MailboxReceiver, MailboxSender, mailbox,
};
use crate::message::{Message, MessageEnvelope, MessagePriority};

#[derive(Debug, PartialEq)]
pub(super) struct Note(pub(super) u64);

impl Message for Note {
    const MESSAGE_TYPE: &'static str = "note";
}

/// What became of a send, by the numbers of the messages: what was evicted, or why it came back.
pub(super) type Sent = Result<Option<u64>, (MailboxErrorKind, u64)>;

/// A waker that only counts.
#[derive(Default)]
pub(super) struct Wakes(AtomicUsize);

impl Wakes {
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A future that is polled by hand, with a waker of its own.
pub(super) struct Driven<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    wakes: Arc<Wakes>,
}

impl<'a, T> Driven<'a, T> {
    pub(super) fn new(future: impl Future<Output = T> + 'a) -> Self {
        Self { future: Box::pin(future), wakes: Arc::default() }
    }

    pub(super) fn poll(&mut self) -> Poll<T> {
        let waker = Waker::from(Arc::clone(&self.wakes));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Goes on with another waker, as when a future moves to another task.
    pub(super) fn change_waker(&mut self) {
        self.wakes = Arc::default();
    }

    pub(super) fn wakes(&self) -> usize {
        self.wakes.count()
    }
}

pub(super) fn make(options: MailboxOptions) -> (MailboxSender<Note>, MailboxReceiver<Note>) {
    mailbox(options).unwrap()
}

/// A mailbox with room for `capacity` messages whose senders wait.
pub(super) fn bounded(capacity: usize) -> (MailboxSender<Note>, MailboxReceiver<Note>) {
    make(MailboxOptions::bounded(capacity))
}

pub(super) fn note(number: u64, level: MessagePriority) -> MessageEnvelope<Note> {
    MessageEnvelope::new(Note(number)).with_priority(level)
}

pub(super) fn plain(sent: Result<Accepted<Note>, MailboxError<Note>>) -> Sent {
    match sent {
        Ok(accepted) => Ok(accepted.evicted.map(|envelope| envelope.into_message().0)),
        Err(error) => Err((error.kind(), error.into_inner().0)),
    }
}

pub(super) fn try_send(sender: &MailboxSender<Note>, message: impl Into<MessageEnvelope<Note>>) -> Sent {
    plain(sender.try_send(message))
}

/// Puts messages in that must find room.
pub(super) fn fill(sender: &MailboxSender<Note>, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        assert_eq!(try_send(sender, Note(number)), Ok(None));
    }
}

/// A send, not yet polled.
pub(super) fn sending(
    sender: &MailboxSender<Note>,
    message: impl Into<MessageEnvelope<Note>>,
) -> Driven<'static, Sent> {
    let (sender, message) = (sender.clone(), message.into());
    Driven::new(async move { plain(sender.send(message).await) })
}

/// A send that has been polled and found no room.
pub(super) fn waiting(
    sender: &MailboxSender<Note>,
    message: impl Into<MessageEnvelope<Note>>,
) -> Driven<'static, Sent> {
    let mut sending = sending(sender, message);
    assert_eq!(sending.poll(), Poll::Pending);
    sending
}

pub(super) fn take(receiver: &mut MailboxReceiver<Note>) -> Option<u64> {
    receiver.try_recv().map(|envelope| envelope.into_message().0)
}

pub(super) fn take_all(receiver: &mut MailboxReceiver<Note>) -> Vec<u64> {
    std::iter::from_fn(|| take(receiver)).collect()
}

pub(super) fn numbers(envelopes: Vec<MessageEnvelope<Note>>) -> Vec<u64> {
    envelopes.into_iter().map(|envelope| envelope.into_message().0).collect()
}
