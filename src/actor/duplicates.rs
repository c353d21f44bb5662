use std::collections::{HashSet, VecDeque};

use foldhash::fast::RandomState;

use crate::message::MessageId;

/// The ids of the messages that an actor has handled last, to know one that comes again.
pub(super) struct DuplicateWindow {
    capacity: usize,
    known: HashSet<MessageId, RandomState>,
    /// The same, the oldest first.
    order: VecDeque<MessageId>,
}

impl DuplicateWindow {
    /// `None` for a window that could hold nothing.
    pub(super) fn new(capacity: usize) -> Option<Self> {
        let window = || Self { capacity, known: HashSet::default(), order: VecDeque::new() };
        (capacity > 0).then(window)
    }

    pub(super) fn contains(&self, id: MessageId) -> bool {
        self.known.contains(&id)
    }

    /// Notes a message that was handled, and forgets the oldest if there are too many.
    pub(super) fn note(&mut self, id: MessageId) {
        if !self.known.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_as_many_as_it_holds_and_forgets_the_oldest() {
        let mut window = DuplicateWindow::new(2).unwrap();
        let [first, second, third] = [(); 3].map(|()| MessageId::next());
        window.note(first);
        window.note(second);
        assert!(window.contains(first) && window.contains(second) && !window.contains(third));
        window.note(third);
        assert!(!window.contains(first) && window.contains(second) && window.contains(third));
    }

    #[test]
    fn one_that_is_noted_twice_takes_one_place() {
        let mut window = DuplicateWindow::new(2).unwrap();
        let [first, second] = [(); 2].map(|()| MessageId::next());
        window.note(first);
        window.note(first);
        window.note(second);
        assert!(window.contains(first) && window.contains(second));
    }

    #[test]
    fn a_window_for_none_is_none() {
        assert!(DuplicateWindow::new(0).is_none());
    }
}
