use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use async_nats::Subject as ServerSubject;
use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};
use switchboard::topics::Interest;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

/// What this node has subscribed to at the server, and what went there and came from there by topics.
///
/// There is one subscription at the server for each distinct interest here: a pattern, or a pattern and a group. What comes
/// through it goes to the subscriptions with that same interest and to no others. So each gets a message once however many
/// patterns match it, nothing has to be remembered to find that out, and each gets its messages in the order in which the
/// server sent them. Told apart by their ids instead, the copies of different patterns would overtake each other.
#[derive(Debug)]
pub(crate) struct Topics {
    /// What a subscription is entered under at the server, over an `await`.
    pub(crate) open: tokio::sync::Mutex<HashMap<Interest, Open, RandomState>>,
    /// Takes the interest of each subscription that has ended.
    pub(crate) ended: UnboundedSender<Interest>,
    /// What this node's messages are marked with. It is the subject that answers would go to, which costs no copy of the
    /// message, as a byte in it would, and no header. Nobody listens there. It is short: the 50 bytes of a subject in the
    /// namespace cost a quarter of what can be published in a second.
    pub(crate) mark: ServerSubject,
    /// Distinct interests that are open.
    subscriptions: AtomicU64,
    sent: AtomicU64,
    unsent: AtomicU64,
    received: AtomicU64,
    untaken: AtomicU64,
    unreadable: AtomicU64,
}

/// A subscription at the server.
#[derive(Debug)]
pub(crate) struct Open {
    /// How many here want it.
    pub(crate) wanted: usize,
    /// The task that hears what comes.
    pub(crate) task: AbortHandle,
}

/// What became of something that was published, or came.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Sent,
    Unsent,
    Taken,
    Untaken,
    Unreadable,
}

/// What a broker has exchanged with other nodes by topics up to now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TopicCounts {
    /// Distinct interests that this node has subscribed to at the server now.
    pub subscriptions: u64,
    /// Messages that were handed to the server.
    pub sent: u64,
    /// Messages that were not, so that only subscriptions here could get them: there was no connection, or they were too
    /// large or could not be written. They are not kept to be sent later.
    pub unsent: u64,
    /// Copies that came from the server, one for each interest here.
    pub received: u64,
    /// Those of them that nobody took here: all mailboxes were full, or the subscription had just ended.
    pub untaken: u64,
    /// Those of them that could not be read.
    pub unreadable: u64,
    /// Messages, of topics and others, that the client had no room for and dropped, because this process was too slow to
    /// take them from it. There may have been more: it does not tell all of them.
    pub dropped: u64,
}

impl Topics {
    /// None yet, and what tells of the end of those to come.
    pub(crate) fn new(mark: ServerSubject) -> (Self, UnboundedReceiver<Interest>) {
        let (ended, ends) = unbounded_channel();
        let topics = Self {
            open: tokio::sync::Mutex::default(),
            ended,
            mark,
            subscriptions: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            unsent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            untaken: AtomicU64::new(0),
            unreadable: AtomicU64::new(0),
        };
        (topics, ends)
    }

    /// Notes how many interests are open.
    pub(crate) fn note_open(&self, open: usize) {
        self.subscriptions.store(open as u64, Ordering::Relaxed);
    }

    // Relaxed, here and above: counts, that nothing else goes by.
    pub(crate) fn count(&self, fate: Fate) {
        let (count, also) = match fate {
            Fate::Sent => (&self.sent, None),
            Fate::Unsent => (&self.unsent, None),
            Fate::Taken => (&self.received, None),
            Fate::Untaken => (&self.received, Some(&self.untaken)),
            Fate::Unreadable => (&self.received, Some(&self.unreadable)),
        };
        for count in [Some(count), also].into_iter().flatten() {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn counts(&self, dropped: u64) -> TopicCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        TopicCounts {
            subscriptions: read(&self.subscriptions),
            sent: read(&self.sent),
            unsent: read(&self.unsent),
            received: read(&self.received),
            untaken: read(&self.untaken),
            unreadable: read(&self.unreadable),
            dropped,
        }
    }
}

/// An interest that is being subscribed to. Dropped before it is [settled](Self::settle), it is given up again.
pub(crate) struct Wanted<'a> {
    topics: &'a Topics,
    interest: Option<Interest>,
}

impl<'a> Wanted<'a> {
    pub(crate) fn new(topics: &'a Topics, interest: Interest) -> Self {
        Self { topics, interest: Some(interest) }
    }

    /// The subscription says itself when it has ended.
    pub(crate) fn settle(mut self) {
        self.interest = None;
    }
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        // Nobody hears it once the broker has left, when there is nothing to give up.
        let _ = self.interest.take().map(|interest| self.topics.ended.send(interest));
    }
}
