use std::sync::Arc;

use super::{ActorCell, ActorKey};
use crate::message::{MessageId, RequestKey};
use crate::sync::Mutex;

/// What an actor's handler waits for: nothing in most actors, and rarely more than one thing at a time, so this is a
/// list that owns no memory until it is used.
pub(crate) struct Waits {
    list: Mutex<Option<Box<List>>>,
}

/// By itself, so that an actor whose handler has never waited has none.
#[derive(Default)]
struct List(Vec<Wait>);

/// One thing that a handler waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// A reply. Who is to give it, the entry of the request knows.
    Reply(RequestKey),
    Room(RoomWait),
}

/// Room for a message in the mailbox of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RoomWait {
    pub(crate) message: MessageId,
    pub(crate) at: ActorKey,
    /// Whether the message stands in the line before that mailbox, or has by now left it.
    pub(crate) in_line: bool,
}

impl Waits {
    pub(super) const fn new() -> Self {
        Self { list: Mutex::new(None) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.lock().as_ref().is_none_or(|list| list.0.is_empty())
    }

    pub(crate) fn contains(&self, wait: Wait) -> bool {
        self.list.lock().as_ref().is_some_and(|list| list.0.contains(&wait))
    }

    pub(crate) fn list(&self) -> Vec<Wait> {
        self.list.lock().as_ref().map_or_else(Vec::new, |list| list.0.clone())
    }
}

/// That an actor's handler waits for something, until this is dropped.
pub(crate) struct Waiting<M> {
    cell: Arc<ActorCell<M>>,
    wait: Wait,
}

impl<M> Waiting<M> {
    pub(crate) fn begin(cell: Arc<ActorCell<M>>, wait: Wait) -> Self {
        cell.waits.list.lock().get_or_insert_default().0.push(wait);
        Self { cell, wait }
    }

    /// Says that the message stands in the line, so that the line knows from now on how long it does.
    pub(crate) fn stands_in_line(&mut self) {
        let Wait::Room(room) = &mut self.wait else { return };
        if !room.in_line {
            let before = Wait::Room(*room);
            room.in_line = true;
            let mut list = self.cell.waits.list.lock();
            list.iter_mut()
                .flat_map(|list| &mut list.0)
                .filter(|wait| **wait == before)
                .for_each(|wait| *wait = Wait::Room(*room));
        }
    }
}

impl<M> Drop for Waiting<M> {
    fn drop(&mut self) {
        let mut list = self.cell.waits.list.lock();
        if let Some(list) = &mut *list
            && let Some(place) = list.0.iter().position(|wait| *wait == self.wait)
        {
            list.0.swap_remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::ActorId;
    use crate::mailbox::MailboxOptions;

    #[test]
    fn each_wait_is_in_the_list_for_as_long_as_it_lasts() {
        let id = ActorId::next();
        let cell = Arc::new(ActorCell::<u64>::new(id, id.into(), MailboxOptions::default(), true));
        let [first, second] = [0, 1].map(|slot| Wait::Reply(RequestKey::new(0, slot, 1)));
        let room = RoomWait { message: MessageId::next(), at: cell.key(), in_line: false };
        let third = Wait::Room(room);
        assert!(cell.waits.is_empty());
        let waiting = [first, second, third].map(|wait| Waiting::begin(Arc::clone(&cell), wait));
        assert_eq!(cell.waits.list(), [first, second, third]);
        let [one, two, mut three] = waiting;
        three.stands_in_line();
        let third = Wait::Room(RoomWait { in_line: true, ..room });
        drop(one);
        assert_eq!(cell.waits.list(), [third, second]);
        drop(three);
        assert!(cell.waits.contains(second) && !cell.waits.contains(third));
        drop(two);
        assert!(cell.waits.is_empty());
    }
}
