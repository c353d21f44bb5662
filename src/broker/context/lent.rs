use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::Context;
use crate::broker::{MessageBroker, Verdict};
use crate::message::Message;
use crate::sync::Lock;
use crate::sync::atomic::{AtomicBool, Ordering};

/// A handler's context whose broker is one that wraps the broker behind it: see [`Context::through`].
///
/// When it is dropped, what the handler has done with it counts as done with the context that it is of.
pub struct LentContext<'a, M: Message, B: MessageBroker<M>, W: MessageBroker<M>> {
    of: &'a Context<M, B>,
    lent: Context<M, W>,
}

impl<M: Message, B: MessageBroker<M>> Context<M, B> {
    /// This context with `wrapper` in place of its broker, for the time that a handler works with it: what the handler
    /// sends and answers goes through the wrapper.
    ///
    /// It is for brokers that wrap another: they spawn handlers there, and each of these lends the context that it gets
    /// on to the handler that it wraps. Meanwhile there is nobody to answer in this context.
    pub fn through<W: MessageBroker<M>>(&self, wrapper: W) -> LentContext<'_, M, B, W> {
        let lent = Context {
            broker: wrapper,
            hub: Arc::clone(&self.hub),
            cell: Arc::clone(&self.cell),
            current: self.current,
            caller: Lock::new(self.take_caller()),
            verdict: Lock::new(std::mem::take(&mut *self.verdict.lock())),
            wrapped: true,
            passed_on: AtomicBool::new(self.passed_on.load(Ordering::Relaxed)),
        };
        LentContext { of: self, lent }
    }
}

impl<M: Message, B: MessageBroker<M>, W: MessageBroker<M>> Deref for LentContext<'_, M, B, W> {
    type Target = Context<M, W>;

    fn deref(&self) -> &Context<M, W> {
        &self.lent
    }
}

impl<M: Message, B: MessageBroker<M>, W: MessageBroker<M>> Drop for LentContext<'_, M, B, W> {
    fn drop(&mut self) {
        let verdict: Verdict = std::mem::take(self.lent.verdict.get_mut());
        *self.of.caller.lock() = self.lent.caller.get_mut().take();
        *self.of.verdict.lock() = verdict;
        // Relaxed: the same task reads it.
        self.of.passed_on.store(*self.lent.passed_on.get_mut(), Ordering::Relaxed);
    }
}

impl<M: Message, B: MessageBroker<M>, W: MessageBroker<M>> fmt::Debug for LentContext<'_, M, B, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lent.fmt(f)
    }
}
