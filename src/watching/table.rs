use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use foldhash::fast::RandomState;

use super::memory::Memory;
use crate::actor::{ActorCell, ActorEnd, Epoch};
use crate::address::ActorAddress;
use crate::limits::Place;
use crate::sync::Mutex;

/// Who waits for the end of which actor, and the latest ends, under one short lock.
pub(super) struct WatchTable {
    state: Mutex<State>,
}

struct State {
    /// Only actors that somebody watches are here.
    watched: HashMap<Epoch, Watched, RandomState>,
    memory: Memory,
    next_seat: u64,
}

/// One actor that is watched, until the last who does has learned of its end or gone.
#[derive(Default)]
struct Watched {
    seats: usize,
    /// Of those who have been polled.
    wakers: HashMap<u64, Waker, RandomState>,
    end: Option<Arc<ActorEnd>>,
}

/// A place among those who watch one actor. Dropping it gives it up.
pub(super) struct Seat {
    table: Arc<WatchTable>,
    epoch: Epoch,
    number: u64,
    /// Its place among those of the whole broker, if it counts there.
    _place: Option<Place>,
}

impl WatchTable {
    pub(super) fn new(remembered: usize) -> Self {
        let state = State { watched: HashMap::default(), memory: Memory::new(remembered), next_seat: 0 };
        Self { state: Mutex::new(state) }
    }

    /// Takes a seat among those who watch the actor, or gives its end if it has ended.
    pub(super) fn enter<M>(self: &Arc<Self>, cell: &ActorCell<M>, place: Option<Place>) -> Result<Seat, Arc<ActorEnd>> {
        let mut state = self.state.lock();
        // Under the lock under which it departs: an actor that has not done so yet finds the seat taken.
        if let Some(end) = cell.end() {
            return Err(Arc::clone(end));
        }
        state.watched.entry(cell.epoch).or_default().seats += 1;
        let number = state.next_seat;
        state.next_seat += 1;
        drop(state);
        Ok(Seat { table: Arc::clone(self), epoch: cell.epoch, number, _place: place })
    }

    /// Says that the actor has ended, and remembers how. Gives whom to wake.
    pub(super) fn depart<M>(&self, cell: &ActorCell<M>) -> (Arc<ActorEnd>, Vec<Waker>) {
        let mut state = self.state.lock();
        let end = Arc::clone(cell.depart());
        state.memory.keep(&end);
        let Some(watched) = state.watched.get_mut(&cell.epoch) else { return (end, Vec::new()) };
        watched.end = Some(Arc::clone(&end));
        let wakers = std::mem::take(&mut watched.wakers);
        drop(state);
        (end, wakers.into_values().collect())
    }

    pub(super) fn remembered(&self, address: &ActorAddress) -> Option<Arc<ActorEnd>> {
        self.state.lock().memory.find(address).cloned()
    }
}

impl Seat {
    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<Arc<ActorEnd>> {
        // A waker is the user's code, so none is cloned or dropped under the lock.
        let waker = cx.waker().clone();
        let mut state = self.table.state.lock();
        let Some(watched) = state.watched.get_mut(&self.epoch) else { return Poll::Pending };
        if let Some(end) = &watched.end {
            return Poll::Ready(Arc::clone(end));
        }
        let replaced = watched.wakers.insert(self.number, waker);
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.table.state.lock();
        let Some(watched) = state.watched.get_mut(&self.epoch) else { return };
        watched.seats -= 1;
        let waker = watched.wakers.remove(&self.number);
        if watched.seats == 0 {
            state.watched.remove(&self.epoch);
        }
        drop(state);
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use super::*;
    use crate::actor::StopCause;
    use crate::address::ActorId;
    use crate::mailbox::MailboxOptions;
    use crate::watching::{Endings, Watch};

    fn cell() -> ActorCell<u8> {
        let id = ActorId::next();
        ActorCell::new(id, id.into(), MailboxOptions::default(), false)
    }

    fn poll(watch: &mut Watch) -> Poll<StopCause> {
        Pin::new(watch).poll(&mut Context::from_waker(Waker::noop())).map(|end| end.cause)
    }

    /// How many actors are watched.
    fn watched(endings: &Endings) -> usize {
        endings.table.state.lock().watched.len()
    }

    #[test]
    fn nothing_is_left_of_watches_that_are_dropped() {
        let (endings, actor, other) = (Endings::new(8), cell(), cell());
        let mut watches = [endings.watch(&actor), endings.watch(&actor), endings.watch(&other)];
        assert_eq!(watched(&endings), 2);
        assert!(watches.iter_mut().all(|watch| poll(watch).is_pending()));
        let [first, second, third] = watches;
        drop((first, third));
        assert_eq!(watched(&endings), 1);
        drop(second);
        assert_eq!(watched(&endings), 0);
    }

    #[test]
    fn nothing_is_left_of_watches_that_are_over_or_dropped_after_the_end() {
        let (endings, actor) = (Endings::new(0), cell());
        let (mut read, unread) = (endings.watch(&actor), endings.watch(&actor));
        endings.tell(endings.record(&actor));
        assert_eq!(poll(&mut read), Poll::Ready(StopCause::Drained));
        assert_eq!(watched(&endings), 1);
        drop(unread);
        assert_eq!(watched(&endings), 0);
        let _late = endings.watch(&actor);
        assert_eq!(watched(&endings), 0);
    }

    #[test]
    fn an_actor_that_nobody_watches_is_not_in_the_table() {
        let (endings, actor) = (Endings::new(8), cell());
        endings.tell(endings.record(&actor));
        assert_eq!(watched(&endings), 0);
    }
}
