use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::directory::Followed;
use super::{Provider, ServiceChange};
use crate::address::ActorAddress;
use crate::feed::Follower;
use crate::limits::LimitError;

/// Who provides a service: first all that did when
/// [`MessageBroker::follow_service`](crate::broker::MessageBroker::follow_service) was called, then each change since.
///
/// It is also a [`Stream`]. It is over when the broker is gone: all of its handles and actors.
pub struct ServiceChanges {
    followed: Arc<Followed>,
    service: ActorAddress,
    /// Who was there in the beginning, until that is read.
    first: Option<Vec<Provider>>,
    follower: Follower<ServiceChange>,
}

impl ServiceChanges {
    pub(super) fn new(
        followed: Arc<Followed>,
        service: ActorAddress,
        first: Option<Vec<Provider>>,
        follower: Follower<ServiceChange>,
    ) -> Self {
        Self { followed, service, first, follower }
    }

    /// The service or pool.
    pub fn service(&self) -> &ActorAddress {
        &self.service
    }

    /// Why this was over from the beginning: there were as many followers as there may be.
    pub fn refusal(&self) -> Option<LimitError> {
        self.follower.refusal()
    }

    /// The next change; `None` when there will be no more. If changes were lost because there was no room for them, it is
    /// [who is there now](ServiceChange::Present), and it goes on from there.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, no change is lost.
    pub async fn next(&mut self) -> Option<ServiceChange> {
        std::future::poll_fn(|cx| self.poll_change(cx)).await
    }

    /// The next change, if it is there now.
    pub fn try_next(&mut self) -> Option<ServiceChange> {
        self.first().or_else(|| self.follower.try_next().map(|news| self.make_good(news)))
    }

    /// Who is there now. What had not been read is in it, and counted in it as missed; the next change is one that comes
    /// after.
    pub fn refresh(&mut self) -> ServiceChange {
        self.first = None;
        let (providers, missed) = self.followed.present(&self.service, &mut self.follower);
        ServiceChange::Present { providers, missed }
    }

    fn poll_change(&mut self, cx: &Context<'_>) -> Poll<Option<ServiceChange>> {
        match self.first() {
            Some(first) => Poll::Ready(Some(first)),
            None => self.follower.poll_next(cx).map(|news| news.map(|news| self.make_good(news))),
        }
    }

    fn first(&mut self) -> Option<ServiceChange> {
        self.first.take().map(|providers| ServiceChange::Present { providers, missed: 0 })
    }

    /// The change, unless others were lost before it: it would not fit to what was read last.
    fn make_good(&mut self, (change, lost): (ServiceChange, u64)) -> ServiceChange {
        if lost == 0 {
            return change;
        }
        let (providers, unread) = self.followed.present(&self.service, &mut self.follower);
        ServiceChange::Present { providers, missed: lost + 1 + unread }
    }
}

impl Drop for ServiceChanges {
    fn drop(&mut self) {
        if self.refusal().is_none() {
            self.followed.leave(&self.service);
        }
    }
}

impl Stream for ServiceChanges {
    type Item = ServiceChange;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ServiceChange>> {
        self.get_mut().poll_change(cx)
    }
}

impl fmt::Debug for ServiceChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceChanges").field("service", &self.service).finish_non_exhaustive()
    }
}
