use std::fmt;
use std::task::Poll;

use super::departure::Departure;
use super::{ActorMailbox, Delivery, Registration};
use crate::address::{ActorAddress, ActorId};
use crate::broker::MessageBroker;
use crate::message::Message;
use crate::watching::Watch;

/// An actor that receives by hand: a registration and the mailbox behind it.
///
/// Dropping it ends the registration: the name is free again, and what waits becomes dead letters.
///
/// ```
/// use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
/// use switchboard::mailbox::MailboxOptions;
/// # use switchboard::message::Message;
/// # #[derive(Debug, PartialEq)]
/// # struct Note(&'static str);
/// # impl Message for Note {
/// #     const MESSAGE_TYPE: &'static str = "note";
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let broker = InMemoryMessageBroker::<Note>::new();
/// let desk = "named:desk".parse()?;
/// let mut inbox = broker.register(&desk, MailboxOptions::bounded(8)).await?;
///
/// broker.send(&desk, Note("sign here")).await?;
/// let delivery = inbox.recv().await.expect("the inbox is open");
/// assert_eq!(delivery.message(), &Note("sign here"));
/// # Ok(())
/// # }
/// ```
pub struct Inbox<M: Message, B: MessageBroker<M>> {
    mailbox: ActorMailbox<M>,
    broker: B,
    /// Dropped last, when the mailbox is gone.
    _departure: Departure<M>,
}

impl<M: Message, B: MessageBroker<M>> Inbox<M, B> {
    pub(crate) fn new(mailbox: ActorMailbox<M>, broker: B) -> Self {
        let departure = Departure::new(&mailbox.hub, &mailbox.cell);
        Self { mailbox, broker, _departure: departure }
    }

    /// The same inbox, whose answers go through `wrapper`: for brokers that wrap the one that made it.
    pub fn through<W: MessageBroker<M>>(self, wrapper: W) -> Inbox<M, W> {
        let Self { mailbox, broker: _, _departure } = self;
        Inbox { mailbox, broker: wrapper, _departure }
    }

    /// The next message that has not expired and whose caller, if it is a request, still waits; `None` when the inbox
    /// is closed and empty, or the broker was shut down and its time was up.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, no message is lost.
    pub async fn recv(&mut self) -> Option<Delivery<M, B>> {
        // Whether its time is up is looked at first: what it has fetched is dead then for no other reason than that.
        std::future::poll_fn(|cx| if self.is_over() { Poll::Ready(false) } else { self.mailbox.poll_next(cx) }).await;
        if self.is_over() {
            return None;
        }
        let envelope = self.mailbox.take()?;
        // What is done with it, and for how long, is not known here.
        self.mailbox.cell.queue.admit_all();
        Some(Delivery::new(envelope, &self.mailbox, &self.broker))
    }

    /// As [`recv`](Self::recv), if there is such a message now.
    pub fn try_recv(&mut self) -> Option<Delivery<M, B>> {
        if self.is_over() {
            return None;
        }
        let envelope = if self.mailbox.has_next() { self.mailbox.take()? } else { return None };
        // What is done with it, and for how long, is not known here.
        self.mailbox.cell.queue.admit_all();
        Some(Delivery::new(envelope, &self.mailbox, &self.broker))
    }

    /// Whether the broker was shut down and its time is up; then nothing that was fetched is left.
    fn is_over(&mut self) -> bool {
        let over = self.mailbox.cell.is_stopping();
        if over {
            self.mailbox.abandon();
        }
        over
    }

    /// Frees the name and refuses what comes from now on. What was accepted can still be received.
    pub fn close(&mut self) {
        self.mailbox.hub.unregister(&self.mailbox.cell);
    }

    /// The actor's id.
    pub fn id(&self) -> ActorId {
        self.mailbox.cell.id
    }

    /// The address it was registered at.
    pub fn address(&self) -> &ActorAddress {
        &self.mailbox.cell.address
    }

    /// Its registration, to unregister it with.
    pub fn registration(&self) -> Registration {
        self.mailbox.cell.registration()
    }

    /// A future of this actor's end, which comes when the inbox is dropped.
    pub fn watch(&self) -> Watch {
        self.mailbox.hub.endings.watch(&self.mailbox.cell)
    }

    /// How many messages wait, exactly.
    pub fn depth(&self) -> usize {
        self.mailbox.cell.queue.depth()
    }
}

impl<M: Message, B: MessageBroker<M>> fmt::Debug for Inbox<M, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("address", self.address()).field("depth", &self.depth()).finish()
    }
}
