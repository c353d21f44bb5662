use std::fmt;
use std::sync::Arc;

use super::queue::{Pushed, Queue};
use crate::mailbox::{CapacityError, MailboxError, MailboxOptions, MailboxReceiver};
use crate::message::{Message, MessageEnvelope};
use crate::sync::atomic::{AtomicUsize, Ordering};

/// Makes a mailbox.
///
/// # Errors
///
/// If the options ask for a capacity of zero.
///
/// ```
/// use switchboard::mailbox::{MailboxOptions, mailbox};
/// # use switchboard::message::Message;
/// # #[derive(Debug, PartialEq)]
/// # struct Note(&'static str);
/// # impl Message for Note {
/// #     const MESSAGE_TYPE: &'static str = "note";
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (sender, mut receiver) = mailbox(MailboxOptions::bounded(8))?;
/// sender.send(Note("hello")).await?;
/// assert_eq!(sender.depth(), 1);
/// assert_eq!(receiver.recv().await.map(|envelope| envelope.into_message()), Some(Note("hello")));
///
/// drop(sender);
/// assert!(receiver.recv().await.is_none());
/// # Ok(())
/// # }
/// ```
pub fn mailbox<M: Message>(options: MailboxOptions) -> Result<(MailboxSender<M>, MailboxReceiver<M>), CapacityError> {
    let shared = Arc::new(Shared { queue: Queue::new(options.check()?), senders: AtomicUsize::new(1) });
    let receiver = MailboxReceiver::new(Arc::clone(&shared));
    Ok((MailboxSender { shared }, receiver))
}

/// The side of a mailbox that puts messages in. Clone it for more senders; when the last one is dropped, the receiver
/// gets what is left and then `None`.
pub struct MailboxSender<M> {
    pub(super) shared: Arc<Shared<M>>,
}

pub(super) struct Shared<M> {
    pub(super) queue: Queue<M>,
    senders: AtomicUsize,
}

/// A message was accepted. If another had to go for it, or it had itself to go, that one is inside.
#[must_use = "an evicted message is lost unless somebody keeps it"]
pub struct Accepted<M> {
    /// The message that was evicted.
    pub evicted: Option<MessageEnvelope<M>>,
}

impl<M> Accepted<M> {
    fn from_push(pushed: Pushed<M>) -> Result<Self, MailboxError<M>> {
        pushed.map(|evicted| Self { evicted })
    }
}

impl<M> fmt::Debug for Accepted<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted").field("evicted", &self.evicted.as_ref().map(MessageEnvelope::id)).finish()
    }
}

impl<M: Message> MailboxSender<M> {
    /// Puts a message in, waiting for room where the strategy is to wait.
    ///
    /// # Errors
    ///
    /// If the mailbox is full and its strategy is to refuse, if it stays full past the block limit or the message's
    /// deadline, or if it is closed. The message is in the error.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, the message has not been accepted and is dropped with it. The place in the line is
    /// given up.
    pub async fn send(&self, message: impl Into<MessageEnvelope<M>>) -> Result<Accepted<M>, MailboxError<M>> {
        Accepted::from_push(self.shared.queue.send(message.into()).await)
    }

    /// Puts a message in without waiting.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), where a full mailbox that would make the sender wait refuses as well.
    pub fn try_send(&self, message: impl Into<MessageEnvelope<M>>) -> Result<Accepted<M>, MailboxError<M>> {
        Accepted::from_push(self.shared.queue.push(message.into()))
    }
}

impl<M> MailboxSender<M> {
    /// Refuses what comes from now on. What was accepted can still be received.
    pub fn close(&self) {
        self.shared.queue.close();
    }

    /// Whether the mailbox refuses everything.
    pub fn is_closed(&self) -> bool {
        self.shared.queue.is_closed()
    }

    /// How many messages wait, exactly.
    pub fn depth(&self) -> usize {
        self.shared.queue.depth()
    }

    /// How many senders wait for room.
    pub fn blocked_senders(&self) -> usize {
        self.shared.queue.blocked_senders()
    }

    /// What the mailbox was made with.
    pub fn options(&self) -> &MailboxOptions {
        self.shared.queue.options()
    }
}

impl<M> Clone for MailboxSender<M> {
    fn clone(&self) -> Self {
        // Relaxed: a new sender comes from a living one, so the count can't reach zero meanwhile.
        self.shared.senders.fetch_add(1, Ordering::Relaxed);
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<M> Drop for MailboxSender<M> {
    fn drop(&mut self) {
        if self.shared.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shared.queue.close();
        }
    }
}

impl<M> fmt::Debug for MailboxSender<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailboxSender").field("depth", &self.depth()).field("options", self.options()).finish()
    }
}
