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
    /// Whether the entry knows the waker of the poll that is going on.
    wakes: bool,
}

impl<'a, M> Pending<'a, M> {
    pub(super) fn new(table: &'a RequestTable<M>, key: RequestKey) -> Self {
        Self { table, key, open: true, wakes: false }
    }

    pub(crate) fn key(&self) -> RequestKey {
        self.key
    }

    /// Says that the next poll is part of the one in which the entry was made, so that it need not look: should
    /// the reply be there already, it has woken the caller.
    pub(crate) fn polled_at_once(mut self) -> Self {
        self.wakes = true;
        self
    }
}

impl<M> Future for Pending<'_, M> {
    type Output = Result<M, Ended>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if std::mem::take(&mut self.wakes) {
            return Poll::Pending;
        }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use super::*;
    use crate::actor::Epoch;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl Wakes {
        fn count(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn open<'a>(table: &'a RequestTable<u64>, wakes: &Arc<Wakes>) -> Pending<'a, u64> {
        table.open(Epoch::next(), None, Waker::from(Arc::clone(wakes))).unwrap()
    }

    fn poll(pending: &mut Pending<'_, u64>, wakes: &Arc<Wakes>) -> Poll<Result<u64, Ended>> {
        let waker = Waker::from(Arc::clone(wakes));
        Pin::new(pending).poll(&mut Context::from_waker(&waker))
    }

    #[test]
    fn a_reply_that_comes_before_the_first_look_is_not_missed() {
        let (table, wakes) = (RequestTable::new(), Arc::default());
        let mut pending = open(&table, &wakes);
        table.reply(pending.key(), 7);
        assert_eq!(poll(&mut pending, &wakes), Poll::Ready(Ok(7)));
        assert_eq!(table.in_flight(), 0);
    }

    #[test]
    fn a_reply_wakes_its_caller_once() {
        let (table, wakes, other) = (RequestTable::new(), Arc::default(), Arc::default());
        let mut pending = open(&table, &wakes);
        let mut bystander = open(&table, &other);
        assert!(poll(&mut pending, &wakes).is_pending() && poll(&mut bystander, &other).is_pending());
        assert_eq!(wakes.count(), 0);
        table.reply(pending.key(), 7);
        table.reply(pending.key(), 8);
        assert_eq!((wakes.count(), other.count()), (1, 0));
        assert_eq!(poll(&mut pending, &wakes), Poll::Ready(Ok(7)));
        assert!(poll(&mut bystander, &other).is_pending());
    }

    #[test]
    fn a_caller_that_moved_to_another_task_is_woken_there() {
        let (table, before, after) = (RequestTable::new(), Arc::default(), Arc::default());
        let mut pending = open(&table, &before);
        assert!(poll(&mut pending, &before).is_pending());
        assert!(poll(&mut pending, &after).is_pending());
        table.reply(pending.key(), 7);
        assert_eq!((before.count(), after.count()), (0, 1));
    }

    #[test]
    fn a_caller_that_goes_away_frees_its_entry() {
        let (table, wakes) = (RequestTable::new(), Arc::default());
        let mut pending = open(&table, &wakes);
        assert!(poll(&mut pending, &wakes).is_pending());
        let key = pending.key();
        assert_eq!(table.in_flight(), 1);
        drop(pending);
        assert_eq!(table.in_flight(), 0);
        assert!(!table.begin(key));
        table.reply(key, 7);
        assert_eq!((table.late_replies(), wakes.count()), (1, 0));
    }

    #[test]
    fn a_caller_that_has_its_answer_frees_no_entry_of_another() {
        let (table, wakes) = (RequestTable::new(), Arc::default());
        let mut first = open(&table, &wakes);
        table.reply(first.key(), 1);
        assert!(poll(&mut first, &wakes).is_ready());
        let mut second = open(&table, &wakes);
        assert_eq!(second.key().slot(), first.key().slot());
        drop(first);
        assert_eq!(table.in_flight(), 1);
        table.reply(second.key(), 2);
        assert_eq!(poll(&mut second, &wakes), Poll::Ready(Ok(2)));
    }

    #[test]
    fn an_end_without_reply_wakes_its_caller_too() {
        let (table, wakes) = (RequestTable::new(), Arc::default());
        let mut pending = open(&table, &wakes);
        assert!(poll(&mut pending, &wakes).is_pending());
        table.end(pending.key(), Ended::Panicked("out of ink".into()));
        assert_eq!(wakes.count(), 1);
        assert_eq!(poll(&mut pending, &wakes), Poll::Ready(Err(Ended::Panicked("out of ink".into()))));
    }

    #[test]
    fn ten_thousand_requests_in_turn_leave_nothing_behind() {
        let (table, wakes) = (RequestTable::new(), Arc::default());
        for number in 0..10_000 {
            let mut pending = open(&table, &wakes);
            assert_eq!(pending.key().slot(), 0);
            assert!(poll(&mut pending, &wakes).is_pending());
            if number % 3 > 0 {
                table.reply(pending.key(), number);
                assert_eq!(poll(&mut pending, &wakes), Poll::Ready(Ok(number)));
            }
        }
        assert_eq!((table.in_flight(), table.late_replies()), (0, 0));
    }
}
