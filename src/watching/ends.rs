use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::actor::ActorEnd;
use crate::feed::Follower;
use crate::limits::LimitError;

/// The ends of all actors of a broker in this process, from the moment on when
/// [`MessageBroker::ends`](crate::broker::MessageBroker::ends) was called.
///
/// It is also a [`Stream`]. It is over when the broker is gone: all of its handles and actors.
///
/// ```
/// use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
/// use switchboard::message::{Message, MessageEnvelope};
///
/// #[derive(Debug)]
/// struct Page(u32);
///
/// impl Message for Page {
///     const MESSAGE_TYPE: &'static str = "page";
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let broker = InMemoryMessageBroker::new();
/// let mut ends = broker.ends(64);
/// for number in 0..3 {
///     let actor = broker.spawn(&"pool:printers".parse()?, |page: MessageEnvelope<Page>| async move {
///         println!("page {}", page.message().0);
///         Ok::<_, String>(())
///     }).await?;
///     actor.stop();
/// }
/// drop(broker);
///
/// let mut told = 0;
/// while let Some(followed) = ends.next().await {
///     println!("{} ended: {}", followed.end.actor, followed.end.cause);
///     told += 1;
/// }
/// assert_eq!(told, 3);
/// # Ok(())
/// # }
/// ```
pub struct Ends {
    follower: Follower<ActorEnd>,
}

/// One actor's end, as [`Ends`] tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FollowedEnd {
    /// The end.
    pub end: ActorEnd,
    /// How many ends before this one, since the last that was read, were lost because there was no room for them.
    pub missed: u64,
}

impl Ends {
    pub(super) fn new(follower: Follower<ActorEnd>) -> Self {
        Self { follower }
    }

    /// The next end; `None` when there will be no more.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, no end is lost.
    pub async fn next(&mut self) -> Option<FollowedEnd> {
        std::future::poll_fn(|cx| self.poll_end(cx)).await
    }

    /// Why this was over from the beginning: there were as many followers as there may be.
    pub fn refusal(&self) -> Option<LimitError> {
        self.follower.refusal()
    }

    /// The next end, if it is there now.
    pub fn try_next(&mut self) -> Option<FollowedEnd> {
        self.follower.try_next().map(FollowedEnd::from_news)
    }

    fn poll_end(&mut self, cx: &Context<'_>) -> Poll<Option<FollowedEnd>> {
        self.follower.poll_next(cx).map(|news| news.map(FollowedEnd::from_news))
    }
}

impl FollowedEnd {
    fn from_news((end, missed): (ActorEnd, u64)) -> Self {
        Self { end, missed }
    }
}

impl Stream for Ends {
    type Item = FollowedEnd;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<FollowedEnd>> {
        self.get_mut().poll_end(cx)
    }
}

impl fmt::Debug for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ends").finish_non_exhaustive()
    }
}
