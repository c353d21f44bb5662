use std::pin::Pin;
use std::task::{Context, Poll};

use super::{Ended, RequestTable};
use crate::message::RequestKey;

/// A caller's wait for its reply. Frees the entry when it is dropped, from which moment the message, if not yet
/// begun, will not be.
pub(crate) struct Pending<'a, M> {
    table: &'a RequestTable<M>,
    key: RequestKey,
    open: bool,
}

impl<'a, M> Pending<'a, M> {
    pub(super) fn new(table: &'a RequestTable<M>, key: RequestKey) -> Self {
        Self {
            table,
            key,
            open: true,
        }
    }

    pub(crate) fn key(&self) -> RequestKey {
        self.key
    }
}

impl<M> Future for Pending<'_, M> {
    type Output = Result<M, Ended>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.table.poll(self.key, cx);
        self.open = polled.is_pending();
        polled
    }
}

impl<M> Drop for Pending<'_, M> {
    fn drop(&mut self) {
        if self.open {
            self.table.close(self.key);
        }
    }
}
