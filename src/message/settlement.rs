use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::dead_letters::DeadLetterReason;
use crate::sync::Mutex;

/// How an accepted message ended in the end, after whatever its retry policy had it handled again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settled {
    /// It was handled, now or, as its actor knows, before.
    Handled,
    /// It was not handled to its end.
    Dead {
        /// Why.
        reason: DeadLetterReason,
        /// What its handler said, or how it panicked, if one began with it.
        cause: Option<String>,
        /// How often a handler has begun with it.
        attempts: u32,
    },
}

/// The end of one message, to be waited for: see [`MessageEnvelope::settling`](super::MessageEnvelope::settling).
///
/// It gives `None` if the message is gone without anybody having said how it ended, as when the task of its actor was dropped
/// with its runtime: it may have been handled or not.
#[must_use = "it says what became of the message, which nothing else does"]
pub struct Settlement(oneshot::Receiver<Settled>);

/// Where that is said, shared by the copies of the message.
#[derive(Clone)]
pub(crate) struct Settler(Arc<Mutex<Option<oneshot::Sender<Settled>>>>);

impl Settlement {
    pub(crate) fn new() -> (Settler, Self) {
        let (settler, settlement) = oneshot::channel();
        (Settler(Arc::new(Mutex::new(Some(settler)))), Self(settlement))
    }
}

impl Settler {
    /// Says how it ended, once.
    pub(crate) fn settle(&self, settled: Settled) {
        let settler = self.0.lock().take();
        // Whoever wanted to know may have gone.
        let _ = settler.map(|settler| settler.send(settled));
    }
}

impl Future for Settlement {
    type Output = Option<Settled>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Settled>> {
        Pin::new(&mut self.0).poll(cx).map(Result::ok)
    }
}

impl fmt::Debug for Settlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settlement").finish_non_exhaustive()
    }
}
