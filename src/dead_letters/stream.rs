use std::fmt;
use std::future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::dead_letters::DeadLetterInfo;
use crate::feed::Follower;
use crate::limits::LimitError;

/// A dead letter that has come since it is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FollowedLetter {
    /// What is known of it.
    pub letter: DeadLetterInfo,
    /// How many came before it, since the last one that this follower got, and were let go because it was too slow.
    pub missed: u64,
}

/// Dead letters as they come, made by [`DeadLetters::follow`](crate::dead_letters::DeadLetters::follow).
///
/// Ends when the broker is gone: when its last handle is dropped, and what holds one, such as an actor that runs. What
/// came before that is still given. It does not hold the broker itself.
pub struct DeadLetterStream {
    follower: Follower<DeadLetterInfo>,
}

impl DeadLetterStream {
    pub(super) fn new(follower: Follower<DeadLetterInfo>) -> Self {
        Self { follower }
    }

    /// Waits for the next one. `None` when there will be no more.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, nothing is lost: the next call gives what came meanwhile.
    pub async fn next(&mut self) -> Option<FollowedLetter> {
        future::poll_fn(|cx| self.poll(cx)).await
    }

    /// Why this was over from the beginning: there were as many followers as there may be.
    pub fn refusal(&self) -> Option<LimitError> {
        self.follower.refusal()
    }

    fn poll(&mut self, cx: &Context<'_>) -> Poll<Option<FollowedLetter>> {
        let next = self.follower.poll_next(cx);
        next.map(|next| next.map(|(letter, missed)| FollowedLetter { letter, missed }))
    }
}

impl Stream for DeadLetterStream {
    type Item = FollowedLetter;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<FollowedLetter>> {
        self.poll(cx)
    }
}

impl fmt::Debug for DeadLetterStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetterStream").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::Waker;

    use super::*;
    use crate::dead_letters::store::support::{Note, letter};
    use crate::dead_letters::{DeadLetterOptions, LetterStore};
    use crate::limits::{Bounds, Place, Table};

    fn place() -> Result<Place, LimitError> {
        Arc::<Bounds>::default().take(Table::Followers)
    }

    fn poll(stream: &mut DeadLetterStream) -> Poll<Option<FollowedLetter>> {
        Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn it_gives_what_comes_from_now_on_and_ends_with_the_store() {
        let store = LetterStore::new(DeadLetterOptions::new());
        store.keep(letter(Note(1)));
        let mut stream = DeadLetterStream::new(store.follow(place(), 8));
        assert!(poll(&mut stream).is_pending());
        let second = letter(Note(2));
        let info = second.info();
        store.keep(second);
        drop(store);
        assert_eq!(poll(&mut stream), Poll::Ready(Some(FollowedLetter { letter: info, missed: 0 })));
        assert_eq!(poll(&mut stream), Poll::Ready(None));
        assert_eq!(poll(&mut stream), Poll::Ready(None));
    }

    #[test]
    fn a_wait_that_is_given_up_loses_nothing() {
        let store = LetterStore::new(DeadLetterOptions::new());
        let mut stream = DeadLetterStream::new(store.follow(place(), 8));
        {
            let mut wait = pin!(stream.next());
            assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            store.keep(letter(Note(1)));
        }
        assert!(matches!(poll(&mut stream), Poll::Ready(Some(followed)) if followed.missed == 0));
    }

    #[test]
    fn what_a_full_store_lets_go_is_followed_all_the_same() {
        let store = LetterStore::new(DeadLetterOptions::new().capacity(0));
        let mut stream = DeadLetterStream::new(store.follow(place(), 2));
        let ids: Vec<_> =
            (0..5).map(|number| letter(Note(number))).map(|letter| (letter.id(), store.keep(letter)).0).collect();
        let next = |stream: &mut DeadLetterStream| match poll(stream) {
            Poll::Ready(Some(followed)) => (followed.letter.id, followed.missed),
            other => panic!("{other:?}"),
        };
        assert_eq!(next(&mut stream), (ids[3], 3));
        assert_eq!(next(&mut stream), (ids[4], 0));
    }
}
